"""The documented nginx in front of a shared server: what it lets through, and what it does not."""

import hashlib
import shutil
import socket
import ssl
import subprocess
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPResponse, RemoteDisconnected
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from playwright.sync_api import Browser, Page
from streamlit.runtime.memory_media_file_storage import _calculate_file_id
from websockets import InvalidStatus, Origin, Subprotocol
from websockets.sync.client import connect

from tests.browser.conftest import PATIENCE, ROOT, App, free_port, launch
from tests.browser.steps import open_tab, settle
from tests.waiting import wait_until

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(NGINX is None, reason="nginx is not installed"),
]
SERVER_SETTINGS = {"UNLEARN_SHARED": "1", "STREAMLIT_SERVER_ALLOWED_HOSTS": "lens.example.org"}
WITH_EXAMPLE = True
NAME = "lens.example.org"
MAIN = """
daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; {user}
events {{}}
http {{
    include {types}; access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    {site}
}}
"""


def write_certificate(folder: Path) -> str:
    """Write a certificate and its key, and return the hash by which Chromium trusts this key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    (folder / f"{NAME}.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / f"{NAME}.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return b64encode(hashlib.sha256(public).digest()).decode()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder with the certificate of the server, and the hash of its key."""
    folder = tmp_path_factory.mktemp("nginx")
    return folder, write_certificate(folder)


@pytest.fixture(scope="module")
def port(app: App, certificate: tuple[Path, str]) -> Iterator[int]:
    """Run nginx with the file of this project in front of the app, and return its port for HTTPS."""
    folder, port = certificate[0], free_port()
    site = (ROOT / "deploy" / "nginx.conf").read_text(encoding="utf-8")
    for theirs, ours in (
        ("listen 80", f"listen 127.0.0.1:{free_port()}"),
        ("listen 443", f"listen 127.0.0.1:{port}"),
        ("/etc/ssl", str(folder)),
        ("http://127.0.0.1:8501", app.url),
        # A slow machine, too, asks faster than that.
        ("rate=100r/s", "rate=1r/s"),
    ):
        assert theirs in site
        site = site.replace(theirs, ours)
    user = "user root;" if Path.home() == Path("/root") else ""
    config = folder / "nginx.conf"
    config.write_text(
        MAIN.format(folder=folder, user=user, types="/etc/nginx/mime.types", site=site), encoding="utf-8"
    )
    process = subprocess.Popen([str(NGINX), "-p", str(folder), "-c", str(config)])

    def answers() -> bool:
        assert process.poll() is None, (folder / "error.log").read_text(encoding="utf-8")
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    wait_until(answers)
    yield port
    process.terminate()
    process.wait(300)


def secure_socket(port: int, name: str = NAME) -> ssl.SSLSocket:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context.wrap_socket(socket.create_connection(("127.0.0.1", port)), server_hostname=name)


def ask(port: int, path: str, host: str = NAME, length: int = 0) -> HTTPResponse:
    """Send the head of a request, through nginx, and return the answer."""
    connection = HTTPConnection(NAME)
    connection.sock = secure_socket(port)
    connection.putrequest("POST" if length else "GET", path, skip_host=True)
    connection.putheader("Host", host)
    connection.putheader("Content-Length", str(length))
    connection.endheaders()
    return connection.getresponse()


def handshake(address: str, origin: str, connection: socket.socket) -> int:
    """Return the status with which a WebSocket is opened or refused."""
    try:
        with connect(
            f"{address}/_stcore/stream",
            sock=connection,
            origin=Origin(origin),
            subprotocols=[Subprotocol("streamlit")],
            ssl=None,
            open_timeout=300,
        ):
            return 101
    except InvalidStatus as refused:
        return refused.response.status_code


@pytest.fixture
def page(port: int, browser: Browser, certificate: tuple[Path, str]) -> Iterator[tuple[Page, list[str]]]:
    """The app through nginx, and what the browser's console says.

    The browser trusts the key. Told to ignore errors of certificates instead, Chromium begins each request of
    a new connection anew, and gave one up now and then on a busy machine (ERR_TOO_MANY_RETRIES).
    """
    trusting = launch(browser.browser_type, f"--ignore-certificate-errors-spki-list={certificate[1]}")
    page = trusting.new_page()
    page.set_default_timeout(PATIENCE)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.goto(f"https://{NAME}:{port}/")
    yield page, said
    trusting.close()


def test_the_pages_work_in_a_browser_and_are_allowed_all_they_need(page: tuple[Page, list[str]]) -> None:
    shown, said = page
    settle(shown)
    for title in ("Before / after", "Weights", "Replay", "Add", "Runs", "Forget"):
        open_tab(shown, title)
    assert not said


def test_the_address_of_a_download_cannot_be_found_out_from_its_content(
    page: tuple[Page, list[str]], port: int
) -> None:
    shown, _ = page
    settle(shown)
    open_tab(shown, "Before / after")
    with shown.expect_download() as downloading:
        shown.get_by_test_id("stDownloadButton").get_by_role("button").first.click()
    path, name = urlsplit(downloading.value.url).path, downloading.value.suggested_filename
    assert path.startswith("/media/")
    content = downloading.value.path().read_bytes()
    assert len(Path(path).stem) == 32
    assert Path(path).stem != _calculate_file_id(content, "text/csv", name)


def test_a_stranger_s_name_or_page_is_refused_by_the_proxy_and_by_the_app(app: App, port: int) -> None:
    own, other = f"https://{NAME}:{port}", "https://stranger.example"
    assert handshake(f"ws://{NAME}:{port}", own, secure_socket(port)) == 101
    assert handshake(f"ws://{NAME}:{port}", other, secure_socket(port)) == 403
    with pytest.raises(ssl.SSLError):
        secure_socket(port, "stranger.example")
    with pytest.raises(RemoteDisconnected):
        ask(port, "/", host="stranger.example")

    def straight(host: str, origin: str) -> int:
        at = urlsplit(app.url)
        return handshake(f"ws://{host}", origin, socket.create_connection((at.hostname, at.port)))

    assert straight(NAME, f"http://{NAME}") == 101
    assert straight(NAME, other) == 403
    assert straight("stranger.example", other) == 403


def test_answers_carry_the_headers_that_streamlit_lacks(port: int) -> None:
    for path in ("/", "/_stcore/health"):
        headers = ask(port, path).headers
        assert headers["Strict-Transport-Security"] == "max-age=31536000"
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
    assert "Secure" in ask(port, "/_stcore/health").headers["Set-Cookie"]


def test_numbers_about_the_server_are_not_for_visitors(port: int) -> None:
    for path in ("/_stcore/metrics", "/_stcore/agent/openapi.json"):
        assert ask(port, path).status == 404


def test_an_upload_that_is_too_large_is_refused_before_it_is_sent(port: int) -> None:
    assert ask(port, "/_stcore/upload_file/a/b", length=202 * 2**20).status == 413


def test_too_many_requests_from_one_address_are_refused(port: int) -> None:
    for _ in range(10):
        connection = HTTPConnection(NAME)
        connection.sock = secure_socket(port)
        # nginx ends a connection after a thousand requests.
        for _ in range(900):
            connection.request("GET", "/_stcore/health", headers={"Host": NAME})
            answer = connection.getresponse()
            answer.read()
            if answer.status == 429:
                return
    raise AssertionError("9000 requests were answered.")
