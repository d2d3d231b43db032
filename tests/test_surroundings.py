"""What a caller has set for the whole process neither breaks a call of the library nor is changed by it."""

import random
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from tests.odd_networks import SIDE
from unlearn_core import load_classifier, load_images, unlearn
from unlearn_core.catalog.custom.add_classifier import add_classifier
from unlearn_core.catalog.records.classifier_record import ClassifierSpecification
from unlearn_core.common.surroundings import usual_surroundings
from unlearn_core.jobs.carry_out import run_forget
from unlearn_core.measuring.attribution.explain import write_attributions
from unlearn_core.measuring.attribution.request import AttributionRequest
from unlearn_core.measuring.examine_classifier import examine
from unlearn_core.store.request import ForgetRequest
from unlearn_core.store.runs import Store

Arrays = dict[str, NDArray[Any]]
ODD = "tests.odd_networks:dropout_in_training"
"""In train mode, in which `neggrad` works, it draws random numbers."""
ASKED: dict[str, Any] = {"pick": "ids:0", "method": "neggrad", "max_steps": 2}


@contextmanager
def put_back(before: Any, put: Callable[[Any], object]) -> Iterator[None]:
    """Put a setting back after a test."""
    try:
        yield
    finally:
        put(before)


def _deterministic(stack: ExitStack) -> None:
    stack.enter_context(put_back(False, torch.use_deterministic_algorithms))
    torch.use_deterministic_algorithms(True)


def _of_type(kind: torch.dtype) -> Callable[[ExitStack], None]:
    def set_it(stack: ExitStack) -> None:
        stack.enter_context(put_back(torch.get_default_dtype(), torch.set_default_dtype))
        torch.set_default_dtype(kind)

    return set_it


def _tensor_type(stack: ExitStack) -> None:
    stack.enter_context(put_back(torch.FloatTensor, torch.set_default_tensor_type))
    torch.set_default_tensor_type(torch.DoubleTensor)


def _default_device(stack: ExitStack) -> None:
    stack.enter_context(put_back(None, torch.set_default_device))
    torch.set_default_device("meta")


def _without_gradients(stack: ExitStack) -> None:
    stack.enter_context(put_back(True, torch.set_grad_enabled))
    torch.set_grad_enabled(False)


def _one_thread(stack: ExitStack) -> None:
    stack.enter_context(put_back(torch.get_num_threads(), torch.set_num_threads))
    torch.set_num_threads(1)


def _other_numbers(stack: ExitStack) -> None:
    torch.manual_seed(5)
    np.random.seed(5)
    random.seed(5)


def _warnings_are_errors(stack: ExitStack) -> None:
    stack.enter_context(warnings.catch_warnings())
    warnings.simplefilter("error")


def _numbers_are_errors(stack: ExitStack) -> None:
    stack.enter_context(np.errstate(all="raise"))


SURROUNDINGS: dict[str, Callable[[ExitStack], object]] = {
    "no gradients": _without_gradients,
    "inference": lambda stack: stack.enter_context(torch.inference_mode()),
    "float64": _of_type(torch.float64),
    "bfloat16": _of_type(torch.bfloat16),
    "a tensor type": _tensor_type,
    "a default device": _default_device,
    "inside a device": lambda stack: stack.enter_context(torch.device("meta")),
    "deterministic": _deterministic,
    "autocast": lambda stack: stack.enter_context(torch.autocast("cpu", torch.bfloat16)),
    "anomalies": lambda stack: stack.enter_context(torch.autograd.detect_anomaly()),
    "one thread": _one_thread,
    "cudnn": lambda stack: stack.enter_context(torch.backends.cudnn.flags(benchmark=True)),
    "other random numbers": _other_numbers,
    "warnings are errors": _warnings_are_errors,
    "overflows are errors": _numbers_are_errors,
}

TOGETHER = (
    ("inference",),
    ("no gradients", "float64", "a default device"),
    ("autocast", "bfloat16", "inside a device"),
    ("a tensor type", "deterministic", "anomalies"),
    ("one thread", "cudnn", "other random numbers"),
    ("warnings are errors", "overflows are errors"),
)
"""Tried at the same time, as each of them breaks something else."""


def settings() -> list[Any]:
    """Return everything that a caller can have set."""
    return [
        torch.is_grad_enabled(),
        torch.is_inference_mode_enabled(),
        torch.get_default_dtype(),
        torch.get_default_device(),
        torch.are_deterministic_algorithms_enabled(),
        torch.is_autocast_enabled("cpu"),
        (torch.is_anomaly_enabled(), torch.is_anomaly_check_nan_enabled()),
        torch.get_num_threads(),
        (torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic),
        list(warnings.filters),
        np.geterr(),
        *numbers(),
    ]


def numbers() -> list[str]:
    """Return the states of the random numbers."""
    return [str(random.getstate()), str(np.random.get_state()), str(torch.get_rng_state().tolist())]


def everything(home: Path) -> Arrays:
    """Add a network, forget a photo, by a call and as the app does, and explain what it says then."""
    asked = ClassifierSpecification(source=ODD, name="net", input_size=SIDE)
    add_classifier(home, asked)
    classifier = load_classifier("net")
    images = load_images("photos", classifier)
    found: Arrays = {"pixels": images.pixels[:2]}
    after = unlearn(classifier, images, **ASKED).classifier.module.state_dict()
    found |= {name: tensor.numpy() for name, tensor in after.items()}
    store = Store(home)
    run = store.create(ForgetRequest.parse(classifier="net", images="photos", **ASKED)).id
    run_forget(store, run)
    for algorithm in ("gradient-shap", "layer-gradcam"):
        path = write_attributions(home, AttributionRequest.parse(run, (0, 1), algorithm))
        with np.load(path, allow_pickle=False) as maps:
            found[algorithm] = maps["after"]
    return found


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Arrays:
    """Return what is found in the usual surroundings."""
    home = tmp_path_factory.mktemp("usual")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UNLEARN_HOME", str(home))
        return everything(home)


def test_all_are_tried() -> None:
    assert sorted(name for names in TOGETHER for name in names) == sorted(SURROUNDINGS)


@pytest.mark.parametrize("names", TOGETHER, ids=", ".join)
@pytest.mark.filterwarnings("ignore")
def test_nothing_depends_on_the_surroundings_or_changes_them(
    names: tuple[str, ...], own_home: Path, usual: Arrays
) -> None:
    with ExitStack() as stack:
        stack.enter_context(torch.random.fork_rng(devices=[]))
        for name in names:
            SURROUNDINGS[name](stack)
        before = settings()
        found = everything(own_home)
        after = settings()
    assert after == before
    assert found.keys() == usual.keys()
    for key, expected in usual.items():
        if expected.dtype.kind == "f":
            # Sums of another number of threads are rounded otherwise.
            assert np.allclose(found[key], expected, rtol=1e-3, atol=1e-5), key
        else:
            assert np.array_equal(found[key], expected), key


@pytest.mark.filterwarnings("ignore")
def test_a_network_is_examined_in_any_surroundings() -> None:
    asked = ClassifierSpecification(source=ODD, name="net", input_size=SIDE)
    expected, _ = examine(asked)
    with ExitStack() as stack:
        stack.enter_context(torch.random.fork_rng(devices=[]))
        for name in ("inference", "float64", "a default device", "deterministic", "warnings are errors"):
            SURROUNDINGS[name](stack)
        before = settings()
        assert examine(asked)[0] == expected
        assert settings() == before


def test_what_fails_changes_nothing_either() -> None:
    @usual_surroundings()
    def fail() -> None:
        torch.rand(3)
        raise RuntimeError

    with torch.inference_mode():
        before = settings()
        with pytest.raises(RuntimeError):
            fail()
        assert settings() == before
