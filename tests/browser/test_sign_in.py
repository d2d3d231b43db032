"""A server with sign-in: a door for everybody, one's own behind it, in each of one's browsers."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import PATIENCE, ROOT, App, Process, start_command, stop_server
from tests.browser.provider import CLIENT, CLIENT_SECRET, Provider, provider
from tests.browser.steps import open_tab, settle
from tests.waiting import wait_until
from unlearn_core.common.sharing import visitor_called
from unlearn_core.store.request import ForgetRequest
from unlearn_core.store.rows import RunState
from unlearn_core.store.runs import Store

pytestmark = pytest.mark.browser
COOKIE_SECRET = "what-the-cookies-are-signed-with"
SECRETS = """
a_password = "a-password-for-something-else"
[auth]
redirect_uri = "http://127.0.0.1:{{port}}/oauth2callback"
cookie_secret = "{COOKIE_SECRET}"
client_id = "{CLIENT}"
client_secret = "{CLIENT_SECRET}"
server_metadata_url = "{issuer}/.well-known/openid-configuration"
"""


def serve(home: Path, secrets: Path) -> tuple[App, Process]:
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.address", "127.0.0.1"]
    environment = {**os.environ, "UNLEARN_SHARED": "1", "A_TOKEN": "a-token-of-the-environment"}
    return start_command([*command, "--secrets.files", str(secrets)], home, ROOT, environment)


@pytest.fixture(scope="module")
def openid() -> Iterator[Provider]:
    with provider() as server:
        yield server


@pytest.fixture(scope="module")
def closed_app(openid: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    folder = tmp_path_factory.mktemp("closed")
    secrets = folder / "secrets.toml"
    secrets.write_text(
        SECRETS.format(
            COOKIE_SECRET=COOKIE_SECRET, CLIENT=CLIENT, CLIENT_SECRET=CLIENT_SECRET, issuer=openid.issuer
        ),
        encoding="utf-8",
    )
    app, process = serve(folder / "home", secrets)
    yield app
    stop_server(process)


def new_browser(browser: Browser, app: App, path: str) -> Page:
    page = browser.new_context().new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(app.url + path)
    return page


def sign_in(page: Page) -> None:
    page.get_by_role("button", name="Sign in").click()
    settle(page)


@pytest.mark.slow
def test_one_signs_in_before_anything_is_shown_and_has_ones_own_in_every_browser(
    closed_app: App, openid: Provider, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNLEARN_HOME", str(closed_app.home))
    store = Store(closed_app.home)
    run = store.create(ForgetRequest(), "annas run", visitor=visitor_called(f"{openid.issuer} anna"))
    store.finish(run.id, RunState.FAILED, error="It was only a test.")
    for path in ("/", "/runs", f"/weights?run={run.id}"):
        stranger = new_browser(browser, closed_app, path)
        stranger.context.add_cookies([{"name": "_streamlit_user", "value": "forged", "url": closed_app.url}])
        stranger.reload()
        expect(stranger.get_by_role("button", name="Sign in")).to_be_visible()
        expect(stranger.get_by_test_id("stTopNavLink")).to_have_count(0)
        expect(stranger.get_by_role("dialog")).to_have_count(0)
        assert "only a test" not in stranger.content()

    openid.person = "anna"
    for _ in range(2):
        anna = new_browser(browser, closed_app, "/")
        sign_in(anna)
        open_tab(anna, "Runs")
        expect(anna.get_by_text("Click one to open")).to_be_visible()
    openid.person = "bert"
    bert = new_browser(browser, closed_app, "/")
    sign_in(bert)
    open_tab(bert, "Runs")
    expect(bert.get_by_text("Nothing has been forgotten yet.")).to_be_visible()

    anna.get_by_test_id("stTopNavLink").filter(has_text="Sign out").click()
    expect(anna.get_by_role("button", name="Sign in")).to_be_visible()
    anna.reload()
    expect(anna.get_by_role("button", name="Sign in")).to_be_visible()

    shown = bert.content() + anna.content()
    openid.person = ""
    anna.get_by_role("button", name="Sign in").click()
    wait_until(lambda: "token exchange failed" in closed_app.log.read_text(encoding="utf-8"))
    said = closed_app.log.read_text(encoding="utf-8") + shown
    for secret in (COOKIE_SECRET, CLIENT_SECRET, "a-password", "a-token", "opens-nothing"):
        assert secret not in said


def test_a_door_that_is_not_set_up_correctly_stays_closed(browser: Browser, tmp_path: Path) -> None:
    secrets = tmp_path / "secrets.toml"
    app, process = serve(tmp_path / "home", secrets)
    try:
        # Missing, then no TOML, then incomplete: Streamlit reads it again until it can.
        for text in (None, '[auth\nclient_secret = "the-secret"', '[auth]\nclient_secret = "the-secret"'):
            if text is not None:
                secrets.write_text(text, encoding="utf-8")
            page = new_browser(browser, app, "/runs")
            if text == '[auth]\nclient_secret = "the-secret"':
                page.get_by_role("button", name="Sign in").click()
            expect(page.get_by_text("Nobody can sign in")).to_be_visible()
            expect(page.get_by_test_id("stTopNavLink")).to_have_count(0)
            assert "the-secret" not in page.content() + app.log.read_text(encoding="utf-8")
    finally:
        stop_server(process)
