"""Specifications and records of custom classifiers; this module imports nothing heavy."""

import json
import re
import shutil
import unicodedata
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from unlearn_core.catalog.lists_of_names import names_in
from unlearn_core.errors import UserError

RECORD, WEIGHTS = "classifier.json", "weights.safetensors"
MOST_CLASSES = 100_000
MOST_ADDED = 20
"""Classifiers, and image sets, per visitor of a shared server."""

Output = Literal["logits", "log-probabilities", "probabilities", "sigmoids", "one logit", "one probability"]
"""What a network returns for each picture; the last two are of the second of two classes."""

FILE_ENDINGS = (".safetensors", ".pt", ".pth", ".bin", ".ckpt", ".tar")
"""Of checkpoint files; `.pth.tar` is usual too."""

# The first character excludes "." and "..": a name is also a folder name.
_NAME = re.compile(r"\w[\w.:/ -]{0,99}")


class ClassifierSpecification(BaseModel):
    """The specification of a custom classifier; values that are None are inferred.

    Attributes:
        source: `torchvision:NAME[:WEIGHTS]`, `timm:NAME`, `timm:hf-hub:OWNER/NAME`, `file:PATH` or
            `module:function`. WEIGHTS is a name of torchvision's enum; `:random` after a torchvision or timm
            name gives untrained weights (seed 0).
        architecture: of a checkpoint file, `torchvision:NAME` or `timm:NAME`.
        name: in the catalog; by default the source, or the file's name.
        channels: of the pictures, 1 or 3.
        input_size: side of the pictures in pixels.
        mean: per channel, of pixels in [0, 1].
        std: per channel, above 0.
        class_names: in the order of the logits.
        part: of a checkpoint file with several networks, the name of the one to take.
        arguments: of the network's constructor, a JSON object such as `{"act_layer": "gelu"}`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    architecture: str | None = None
    name: str | None = None
    classes: int | None = Field(default=None, ge=2, le=MOST_CLASSES)
    channels: int | None = Field(default=None, ge=1, le=3)
    input_size: int | None = Field(default=None, ge=8, le=1024)
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    class_names: tuple[str, ...] | None = None
    part: str | None = None
    arguments: str = "{}"

    @classmethod
    def parse(cls, **fields: object) -> "ClassifierSpecification":
        """Build a specification; invalid values raise `UserError` with one sentence about the first one.

        Class names may be a text, as people have them.
        """
        if isinstance(names := fields.get("class_names"), str):
            fields["class_names"] = names_in(names)
        try:
            return cls(**fields)  # type: ignore[arg-type]
        except ValidationError as error:
            first = error.errors()[0]
            if first["loc"][:1] in (("mean",), ("std",)):
                raise UserError(
                    f"{first['loc'][0]} is a number per channel, between commas, such as 0.485, 0.456, 0.406."
                ) from error
            where = ".".join(str(part) for part in first["loc"]).replace("_", " ")
            raise UserError(f"{where}: {first['msg']}.") from error


class CustomClassifier(BaseModel):
    """The record of a custom classifier: with the weights, all that is needed to build it again.

    `cam_layers` is empty if Grad-CAM is not possible; `digest` is of the weights; `visitor` is its owner on a
    shared server, "" is everybody. `arguments` are of the constructor, a JSON object. `parts` names all
    networks of its file, if there were several, and `part` is this one. `findings` are sentences about the
    network; `channels_last` is whether it works in this order of memory; `methods_off` are methods that fail
    on it, each with the reason.

    `unsound` are attribution algorithms that are wrong on it, each with the measured reason, the end of a
    sentence that begins with the algorithm. None: they were not measured; algorithms with rules for layers
    then need `plain_relu`: each activation is a ReLU used once.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    architecture: str
    source: str
    weights: str
    licence: str
    channels: int
    input_size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    class_names: tuple[str, ...]
    wordnet_ids: tuple[str, ...]
    cam_layers: tuple[str, ...]
    plain_relu: bool = False
    parameters: int
    digest: str = ""
    visitor: str = ""
    arguments: str = "{}"
    output: Output = "logits"
    channels_last: bool = True
    parts: tuple[str, ...] = ()
    part: str = ""
    findings: tuple[str, ...] = ()
    methods_off: tuple[tuple[str, str], ...] = ()
    unsound: tuple[tuple[str, str], ...] | None = None


def read_arguments(text: str) -> dict[str, Any]:
    """Return the arguments of a constructor from a JSON object; anything else raises `UserError`."""
    try:
        arguments = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError(f"The arguments {text[:40]!r} are not JSON.") from error
    if not isinstance(arguments, dict):
        raise UserError('The arguments are not a JSON object such as {"act_layer": "gelu"}.')
    return arguments


def default_name(source: str) -> str:
    """Return the name of a classifier that is not given one: its source, or its file's name made legal."""
    kind, _, path = source.partition(":")
    if kind != "file":
        return source
    stem = unicodedata.normalize("NFC", re.split(r"[/\\]", path)[-1])
    while stem.lower().endswith(FILE_ENDINGS):
        stem = stem[: stem.rindex(".")]
    legal = re.sub(r"\s*[^\w.:/ -]+\s*", "-", stem)
    return legal.strip("-._:/ ")[:100].strip() or "classifier"


def check_name(name: str) -> str:
    """Return a valid name for the catalog; an invalid one raises `UserError`."""
    name = name.strip()
    if not _NAME.fullmatch(name):
        raise UserError(
            "A name must have 1 to 100 letters, digits, spaces or characters of . _ : / - "
            "and begin with a letter or digit."
        )
    return name


def custom_classifier_folder(root: Path, name: str) -> Path:
    """Return the folder of a custom classifier."""
    return root / "classifiers" / quote(name, safe="")


def custom_classifiers(root: Path) -> list[CustomClassifier]:
    """Return all custom classifiers, sorted by name, without damaged ones."""
    folders = sorted((root / "classifiers").glob(f"*/{RECORD}"))
    found = [_read(path) for path in folders]
    return [record for record in found if record is not None]


def custom_classifier(root: Path, name: str) -> CustomClassifier | None:
    """Return the custom classifier of this name, or None."""
    return _read(custom_classifier_folder(root, name) / RECORD)


def delete_custom_classifier(root: Path, name: str) -> None:
    """Remove a custom classifier; an unknown name raises `UserError`."""
    if custom_classifier(root, name) is None:
        raise UserError(f"There is no custom classifier {name}.")
    shutil.rmtree(custom_classifier_folder(root, name), ignore_errors=True)


def _read(path: Path) -> CustomClassifier | None:
    try:
        return CustomClassifier.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None
