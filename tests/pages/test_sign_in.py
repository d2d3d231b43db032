"""The door without what it needs: it stays closed, and says why."""

from importlib.util import find_spec

import pytest
from streamlit.testing.v1 import AppTest

from pages.shared import sign_in
from tests.pages.conftest import ROOT
from unlearn_core.common.sharing import visitor_called


def test_without_the_packages_for_it_nobody_enters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sign_in, "find_spec", lambda name: None if name == "authlib" else find_spec(name))
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.secrets["auth"] = {"client_id": "lens"}
    app.run()
    assert app.error[0].value.startswith("Nobody can sign in: install")
    assert not app.button
    assert not app.exception


def test_a_visitor_s_id_depends_on_person_provider_and_home(
    own_home: object, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    anna = visitor_called("https://one.example anna")
    assert anna == visitor_called("https://one.example anna")
    others = [visitor_called("https://one.example bert"), visitor_called("https://two.example anna")]
    monkeypatch.setenv("UNLEARN_HOME", str(tmp_path_factory.mktemp("other")))
    others.append(visitor_called("https://one.example anna"))
    assert len({anna, *others}) == 4
