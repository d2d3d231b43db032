"""What others build on: a change here is a change for them."""

import inspect
import subprocess
import sys
from pathlib import Path

import unlearn_core
from unlearn_core.store.request import DEFAULT

ROOT = Path(__file__).parents[1]
FIELDS = (
    *("pick", "goal", "new_labels", "method", "options"),
    *("seed", "device", "max_steps", "retained", "strength", "measure"),
)


def test_the_names_of_the_package() -> None:
    names = ["ForgetRequest", "Result", "UserError", "load_classifier", "load_images", "unlearn"]
    assert sorted(unlearn_core.__all__) == names
    assert [getattr(unlearn_core, name).__name__ for name in names] == names


def test_the_arguments_of_unlearn() -> None:
    parameters = inspect.signature(unlearn_core.unlearn).parameters
    assert list(parameters) == [
        *("classifier", "images"),
        *FIELDS,
        *("request", "measure_on", "report", "earlier", "reference"),
    ]
    for name, parameter in list(parameters.items())[2:]:
        assert parameter.kind == parameter.KEYWORD_ONLY, name
    assert {name: parameters[name].default for name in FIELDS} == {
        name: getattr(DEFAULT, name) for name in FIELDS
    }
    assert [parameters[name].default for name in list(parameters)[-5:]] == [None, None, None, (), None]


def test_the_fields_of_a_request_and_a_result() -> None:
    assert list(unlearn_core.ForgetRequest.model_fields) == [
        *("classifier", "images", "pick", "goal", "new_labels", "method", "options", "seed", "device"),
        *("max_steps", "measure_on", "after", "retained", "strength", "measure"),
    ]
    assert list(unlearn_core.Result.model_fields) == [
        *("run", "classifier", "images", "method", "goal", "device", "seed", "k", "ids", "accuracy"),
        *(
            "agreement",
            "seconds",
            "steps",
            "stopped",
            "after",
            "earlier",
            "retained_used",
            "frontier",
            "depth",
            "never_seen",
        ),
        "remarks",
    ]


def test_requests_and_results_are_had_without_torch_and_artifacts_without_scipy() -> None:
    program = """
import pkgutil, sys
from importlib import import_module
from unlearn_core import ForgetRequest, Result, UserError
import unlearn_core.artifacts
for module in pkgutil.iter_modules(unlearn_core.artifacts.__path__):
    import_module(f"unlearn_core.artifacts.{module.name}")
print(len([name for name in sys.modules if name.startswith("unlearn_core.artifacts.")]))
print(sorted({"torch", "scipy", "sklearn", "pandas", "sqlmodel"} & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    count, heavy = done.stdout.splitlines()
    assert int(count) >= 7
    assert heavy == "[]"
