"""Which algorithms are offered, and those that other packages and notebooks bring."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch import Tensor

from unlearn_core.artifacts.attribution_maps import read_attributions
from unlearn_core.catalog.classifiers import Classifier
from unlearn_core.engine.engine import Engine
from unlearn_core.engine.looks import AttributionMapsRequest
from unlearn_core.errors import UserError
from unlearn_core.measuring.attribution import registry
from unlearn_core.measuring.attribution.algorithms.base import Algorithm
from unlearn_core.measuring.attribution.explain import attribute, write_attributions
from unlearn_core.measuring.attribution.registry import (
    algorithm_entry,
    algorithms,
    declared_settings,
    offered,
    register,
    switched_off,
)
from unlearn_core.measuring.attribution.request import AttributionRequest
from unlearn_core.measuring.attribution.settings import BASELINE, Number, Settings
from unlearn_core.store.runs import Store

ROOT = Path(__file__).parents[3]

PLUG_IN = """
from unlearn_core.measuring.attribution.algorithms.base import Algorithm
from unlearn_core.measuring.attribution.settings import Number

GAIN = Number(name="gain", title="Gain", default=1.0, minimum=-9.0, maximum=9.0, help="100% of it.")

class Brightness(Algorithm):
    name, title, reading, settings = "brightness", "Brightness", "The picture itself.", (GAIN,)

    def why_wrong(self, classifier):
        return None if classifier.channels == 1 else "sees no colours."

    def explain(self, classifier, pixels, targets, settings):
        return pixels * GAIN.of(settings)

class Taken(Brightness):
    name = "saliency"
"""
POINTS = """
[unlearn_lens.algorithms]
a-broken-one = nowhere_to_be_found:Nothing
a-function = os.path:join
a-taken-name = brightness_plug_in:Taken
brightness = brightness_plug_in:Brightness
"""


@pytest.fixture
def plug_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Install a package with an algorithm, and others that cannot be used, here and in processes to come."""
    folder = tmp_path / "site"
    information = folder / "brightness-1.0.dist-info"
    information.mkdir(parents=True)
    (folder / "brightness_plug_in.py").write_text(PLUG_IN, encoding="utf-8")
    (information / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: brightness\nVersion: 1.0\n", encoding="utf-8"
    )
    (information / "entry_points.txt").write_text(POINTS, encoding="utf-8")
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv("PYTHONPATH", str(folder))
    registry._installed.cache_clear()
    yield folder
    sys.modules.pop("brightness_plug_in", None)
    registry._installed.cache_clear()


@pytest.mark.usefixtures("nothing_registered")
def test_an_algorithm_of_another_package_is_one_of_all(
    plug_in: Path, cached_store: Store, finished: str, caplog: pytest.LogCaptureFixture
) -> None:
    names = [entry.name for entry in algorithms()]
    assert names[0] == "integrated-gradients"
    assert names[-1] == "brightness"
    assert names.count("saliency") == 1
    assert algorithm_entry("saliency").title == "Saliency"
    for left_out in ("nowhere_to_be_found", "os.path:join", "brightness_plug_in:Taken"):
        assert left_out in caplog.text
    assert "brightness" in [entry.name for entry in offered("mnist-resnet")]
    assert ("Brightness", "sees no colours.") in switched_off("cifar10-resnet20")
    assert [setting.name for setting in declared_settings(["brightness", "occlusion"])] == [
        "baseline",
        "patches",
        "gain",
    ]
    request = AttributionRequest.parse(finished, [3], "brightness", settings={"gain": 2})
    shown = read_attributions(write_attributions(cached_store.root, request))
    np.testing.assert_allclose(shown.before[0], shown.inputs[0, :, :, 0] * (2 / 255), rtol=1e-6)
    with pytest.raises(UserError, match="gain must be a number from -9 to 9, not 10"):
        AttributionRequest.parse(finished, [3], "brightness", settings={"gain": 10})


def test_the_command_line_has_it_and_its_flag(
    plug_in: Path, cached_store: Store, finished: str, parsed_digits: Path, tmp_path: Path
) -> None:
    cache = cached_store.root / "cache"
    cache.mkdir(exist_ok=True)
    if not (cache / parsed_digits.name).exists():
        os.link(parsed_digits, cache / parsed_digits.name)
    command = [sys.executable, "-m", "unlearn_core", "attribute", finished, "--ids", "3"]
    command += ["--algorithm", "brightness,saliency", "--gain", "-3", "--out", str(tmp_path / "out")]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "UNLEARN_HOME": str(cached_store.root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 12
    brightness = np.load(tmp_path / "out" / "3-brightness-before.npy")
    assert brightness.min() == -3
    assert brightness.max() == 0


def test_the_workers_have_it(plug_in: Path, cached_store: Store, finished: str) -> None:
    engine = Engine(cached_store)
    try:
        request = AttributionRequest.parse(finished, [14], "brightness", settings={"gain": 5})
        path = engine.look(AttributionMapsRequest(request)).result()
    finally:
        engine.close()
    assert read_attributions(path).before.max() == 5


def test_reading_all_algorithms_loads_no_torch(plug_in: Path) -> None:
    code = (
        "import json, sys\n"
        "from unlearn_core.measuring.attribution.registry import offered, switched_off\n"
        "from unlearn_core.measuring.attribution.request import AttributionRequest\n"
        "AttributionRequest.parse('0' * 8, [3], 'brightness')\n"
        "names = [entry.name for entry in offered('mnist-resnet')]\n"
        "print(json.dumps([names, sorted({'torch', 'captum', 'streamlit'} & set(sys.modules))]))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    names, loaded = json.loads(done.stdout)
    assert "brightness" in names
    assert loaded == []


class Constant(Algorithm):
    name, title, reading = "constant", "Constant", "The same number everywhere."
    settings = (Number(name="height", title="Height", default=1.0, minimum=0.0, maximum=9.0, help=""),)

    def explain(self, classifier: Classifier, pixels: Tensor, targets: Tensor, settings: Settings) -> Tensor:
        return 0 * pixels + self.settings[0].of(settings)


@pytest.mark.usefixtures("nothing_registered")
def test_a_notebook_registers_an_algorithm_and_replaces_it(
    linear: tuple[Classifier, Tensor, Tensor, Any],
) -> None:
    assert register(Constant) is Constant
    classifier, pixels, targets, _ = linear
    assert (attribute(classifier, pixels, targets, "constant", settings={"height": 4}) == 4).all()

    class Higher(Constant):
        title = "Higher"
        settings = (Number(name="height", title="Height", default=7.0, minimum=0.0, maximum=9.0, help=""),)

    register(Higher)
    assert [entry.title for entry in offered("mnist-resnet")].count("Higher") == 1
    assert "Constant" not in [entry.title for entry in offered("mnist-resnet")]
    assert (attribute(classifier, pixels, targets, "constant") == 7).all()


def changed(**differs: Any) -> type[Algorithm]:
    return type("Changed", (Constant,), differs)


@pytest.mark.usefixtures("nothing_registered")
@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        (changed(name="saliency"), "already an algorithm saliency"),
        (changed(name="One: two"), "not a valid name"),
        (changed(reading=None), "has no reading"),
        (
            changed(settings=(Number(name="baseline", title="", default=1, minimum=0, maximum=1, help=""),)),
            "setting baseline of constant differs from that of integrated-gradients",
        ),
        (Constant(), "not a class derived from Algorithm"),
    ],
)
def test_what_cannot_be_registered_is_one_sentence(kind: Any, sentence: str) -> None:
    known = [entry.name for entry in algorithms()]
    with pytest.raises(UserError, match=sentence):
        register(kind)
    assert [entry.name for entry in algorithms()] == known


@pytest.mark.usefixtures("nothing_registered")
@pytest.mark.parametrize(
    ("returned", "sentence"),
    [
        (lambda pixels: pixels[:, 0], "Constant returns maps of the shape .* for pictures of"),
        (lambda pixels: pixels[:1], "Constant returns maps of the shape .* for pictures of"),
        (lambda pixels: pixels / 0, "Constant returns maps with values that are not finite"),
        (lambda pixels: pixels.numpy(), "Constant returns a ndarray instead of a tensor of maps"),
    ],
)
def test_maps_that_are_none_are_one_sentence(
    linear: tuple[Classifier, Tensor, Tensor, Any], returned: Any, sentence: str
) -> None:
    register(changed(explain=lambda self, classifier, pixels, targets, settings: returned(pixels)))
    classifier, pixels, targets, _ = linear
    with pytest.raises(UserError, match=sentence):
        attribute(classifier, pixels, targets, "constant")


@pytest.mark.usefixtures("nothing_registered")
def test_a_setting_can_be_shared() -> None:
    register(changed(settings=(BASELINE,)))
    assert [setting.name for setting in declared_settings(["constant"])] == ["baseline"]


def test_an_algorithm_without_layers_is_offered_at_none() -> None:
    with pytest.raises(UserError, match=r"no algorithm saliency:network\.layer1; available: integrated"):
        algorithm_entry("saliency:network.layer1")


def test_what_is_wrong_on_a_classifier_is_not_offered() -> None:
    assert "deeplift" in [entry.name for entry in offered("mnist-resnet")]
    assert "deeplift" in [entry.name for entry in offered("imagenet-efficientnet-lite0")]
    assert "guided-backprop" not in [entry.name for entry in offered("imagenet-efficientnet-lite0")]
    assert [title for title, _ in switched_off("mnist-resnet")] == ["LRP"]
    assert {title for title, _ in switched_off("imagenet-efficientnet-lite0")} == {
        "Guided backpropagation",
        "LRP",
    }
