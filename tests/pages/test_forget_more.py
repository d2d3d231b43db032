"""Forget more: what was forgotten is not offered again; and pictures that changed are looked at again."""

from shutil import copyfile

from streamlit.testing.v1 import AppTest

from tests.finished import FinishedRun
from tests.pages.conftest import OpenApp
from tests.pages.words_of import words_of
from unlearn_core.store.runs import Store


def test_the_next_run_is_about_other_pictures_of_the_same_set(
    open_app: OpenApp, store: Store, finished_run: FinishedRun
) -> None:
    run = finished_run.copy_to(store)
    result = run.parsed_result()
    assert result is not None
    app = open_app()
    app.selectbox(key="classifier").set_value("imagenet-efficientnet-lite0").run()
    app.query_params["run"] = run.id
    app.run()
    app.button(key="more").click().run()
    assert not app.exception
    assert app.selectbox(key="classifier").value == "mnist-resnet"
    assert "2 pictures that the runs before have forgotten are not shown." in words_of(app)
    app.number_input(key="quick_count").set_value(2)
    # The finished run forgot the hardest two.
    app.button(key="quick_hardest").click().run()
    app.button(key="forget").click().run()
    assert not app.error
    request = store.runs()[0].parsed_request()
    assert request.after == run.id
    assert not {int(one) for one in request.pick.removeprefix("ids:").split(",")} & set(result.ids)


def test_picked_pictures_that_are_gone_are_not_forgotten(open_app: OpenApp) -> None:
    app = open_app()
    app.session_state["picked"] = [3, 999_999]
    app.run()
    assert app.button(key="forget").label == "Forget 1 picture"


def test_pictures_that_changed_on_the_disk_are_looked_at_again(open_app: OpenApp, store: Store) -> None:
    app = open_app()
    app.button(key="quick_hardest").click().run()
    _show_an_old_table(app)
    app.button(key="forget").click().run()
    assert ["changed on the disk" in error.value for error in app.error] == [True]
    assert not store.runs()
    app.button(key="forget").click().run()
    assert not app.error
    assert store.runs()


def _show_an_old_table(app: AppTest) -> None:
    """Let the tab show a table of the same pictures under the key of other ones."""
    slot = "table:mnist-resnet:mnist"
    old = app.session_state[slot].replace(".npz", "-old.npz")
    copyfile(app.session_state[slot], old)
    app.session_state[slot] = old
