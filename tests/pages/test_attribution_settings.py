"""The controls of attribution algorithms' settings, those of an algorithm from outside among them."""

import pytest
from streamlit.testing.v1 import AppTest
from torch import Tensor

from unlearn_core.catalog.classifiers import Classifier
from unlearn_core.measuring.attribution import registry
from unlearn_core.measuring.attribution.algorithms.base import Algorithm
from unlearn_core.measuring.attribution.settings import Choice, Number, Settings

SCRIPT = """
import streamlit as st
from pages.attributions.attribution_settings import attribution_settings
st.session_state["values"] = attribution_settings(st.session_state["algorithms"])
"""


class FromOutside(Algorithm):
    name, title, reading = "from-outside", "From outside", "Nothing."
    settings = (
        Number(name="masks", title="Masks", default=300, minimum=10, maximum=5000, help="How many."),
        Number(name="part", title="Part", default=0.5, minimum=0.1, maximum=0.9, offered=(0.2, 0.4), help=""),
        Choice(name="tone", title="Tone", default="b", choices={"a": "first", "b": "second"}, help=""),
    )

    def explain(self, classifier: Classifier, pixels: Tensor, targets: Tensor, settings: Settings) -> Tensor:
        return pixels


@pytest.fixture
def controls(monkeypatch: pytest.MonkeyPatch) -> AppTest:
    monkeypatch.setattr(registry, "_registered", {})
    registry.register(FromOutside)
    app = AppTest.from_string(SCRIPT, default_timeout=600)
    app.session_state["algorithms"] = ["from-outside"]
    return app


def test_each_setting_has_the_control_that_fits_it(controls: AppTest) -> None:
    controls.run()
    assert not controls.exception
    assert controls.session_state["values"] == {"masks": 300, "part": 0.5, "tone": "b"}
    assert controls.number_input(key="masks").label == "Masks"
    assert controls.selectbox(key="part").options == ["0.2", "0.4", "0.5"]
    assert controls.selectbox(key="tone").options == ["first", "second"]
    controls.number_input(key="masks").set_value(50)
    controls.selectbox(key="tone").select("a").run()
    assert controls.session_state["values"] == {"masks": 50, "part": 0.5, "tone": "a"}
    assert FromOutside().complete(controls.session_state["values"]) == {"masks": 50, "part": 0.5, "tone": "a"}


def test_only_what_the_chosen_algorithms_use_is_shown(controls: AppTest) -> None:
    controls.session_state["algorithms"] = ["saliency"]
    controls.run()
    assert controls.session_state["values"] == {}
    controls.session_state["algorithms"] = ["smoothgrad", "occlusion"]
    controls.run()
    assert controls.session_state["values"] == {"baseline": "empty", "patches": 7, "noise": 0.1}
    assert [one.key for one in controls.selectbox] == ["baseline", "patches", "noise"]
