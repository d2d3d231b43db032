"""Image sets by name, prepared for a classifier."""

import json
import os
import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unlearn_core.catalog.class_match import (
    ClassMatch,
    Reading,
    match_classes,
    number_readings,
    read_overrides,
)
from unlearn_core.catalog.number_reading import best_reading, read_counted
from unlearn_core.catalog.sources.base import ImageSource, PictureFile, some_left_out
from unlearn_core.catalog.sources.find_window import find_window
from unlearn_core.catalog.sources.resolve_source import image_source, source_fingerprint
from unlearn_core.catalog.untrusted.intensities import SIXTEEN_BITS, Window, in_words
from unlearn_core.catalog.untrusted.pictures import fit, read_header, read_picture
from unlearn_core.common.files import atomic_write, is_whole
from unlearn_core.common.home import home
from unlearn_core.common.surroundings import usual_surroundings
from unlearn_core.errors import UserError

MOST_MEMORY = 2**30
"""Bytes of pixels: larger sets are decoded into a file and read from there."""
MANY = 5000
"""Files: decoding as many takes seconds, so what was decoded is kept."""

_DECODING = 2
"""Increase it when the same files give other pixels."""
_CHUNK = 256
_HEADERS = 8
_NO_CLASSES = ClassMatch((), ())


class ClassifierLike(Protocol):
    """The properties of a classifier that an image set depends on."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def channels(self) -> int: ...  # noqa: D102
    @property
    def input_size(self) -> int: ...  # noqa: D102
    @property
    def class_names(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def wordnet_ids(self) -> tuple[str, ...]: ...  # noqa: D102


@dataclass(frozen=True)
class Wanted:
    """The same as a value: how pictures must look and which classes there are."""

    name: str
    channels: int
    input_size: int
    class_names: tuple[str, ...]
    wordnet_ids: tuple[str, ...]


@dataclass(frozen=True)
class ImageSet:
    """n pictures at a classifier's input size, in the order of their ids.

    Attributes:
        name: as in the catalog.
        pixels: uint8 (n, size, size, channels); memory-mapped for large sets.
        ids: int64 (n,), ascending; stable as long as the set stays the same.
        is_test: bool (n,); test pictures are only measured on.
        labels: int64 (n,), class index of the classifier, −1 without a usable label.
        labelled: bool (n,).
        class_names: of the classifier.
        files: a readable name of each picture; may be empty.
        own_names: of the set's own classes.
        own: int64 (n,), index in `own_names`, −1 for none.
        match: the class match with the classifier.
        notes: sentences about how the pictures were adapted to the classifier.
    """

    name: str
    pixels: NDArray[np.uint8]
    ids: NDArray[np.int64]
    is_test: NDArray[np.bool_]
    labels: NDArray[np.int64]
    labelled: NDArray[np.bool_]
    class_names: tuple[str, ...]
    files: tuple[str, ...] = ()
    own_names: tuple[str, ...] = ()
    own: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    match: ClassMatch = _NO_CLASSES
    notes: tuple[str, ...] = ()


@usual_surroundings()
def load_images(name: str, classifier: ClassifierLike) -> ImageSet:
    """Return the image set prepared for the classifier; the last few are cached in memory.

    Raises:
        UserError: an unknown name, a set that does not fit the classifier, a missing or empty folder, or a
            file that is not a picture.
    """
    wanted = Wanted(
        classifier.name,
        classifier.channels,
        classifier.input_size,
        classifier.class_names,
        classifier.wordnet_ids,
    )
    known_as = fingerprint(name, classifier.name)
    images = _load(name, known_as, wanted)
    readings = number_readings(images.own_names, len(wanted.class_names)) if images.match.reading else {}
    return _counted(images, readings, classifier, known_as) if len(readings) > 1 else images


def fingerprint(name: str, classifier: str) -> str:
    """Return a text that changes whenever the set's pictures, or their labels for this classifier, do.

    An unknown name raises `UserError`.
    """
    overrides = sorted(read_overrides(home(), classifier, name).items())
    chosen = read_counted(home(), classifier, name).chosen or ""
    return source_fingerprint(name) + (repr(overrides) if overrides else "") + chosen


@lru_cache(maxsize=4)
def _load(name: str, fingerprint: str, wanted: Wanted) -> ImageSet:
    source = image_source(name)
    overrides = read_overrides(home(), wanted.name, name)
    match = match_classes(source.class_names, wanted.class_names, wanted.wordnet_ids, overrides)
    window = source.window or find_window(source.pictures)
    pixels, bad = _pixels(source, wanted.input_size, wanted.channels, fingerprint, window)
    good = np.delete(np.arange(len(source.ids)), list(bad))
    labels = match.labels(source.classes[good])
    names = source.names
    return ImageSet(
        name,
        pixels,
        source.ids[good],
        source.is_test[good],
        labels,
        labels >= 0,
        wanted.class_names,
        tuple(names[place] for place in good) if names else (),
        source.class_names,
        source.classes[good],
        match,
        (
            *_notes(
                source,
                good,
                [*source.left_out, *((names[place], why) for place, why in bad.items())],
                wanted.channels,
            ),
            *([] if window is None else [in_words(window)]),
        ),
    )


def _counted(
    images: ImageSet,
    readings: Mapping[Reading, tuple[int, ...]],
    classifier: ClassifierLike,
    fingerprint: str,
) -> ImageSet:
    """Count classes that are numbers as the user chose, else so that the classifier is right most often."""
    module = getattr(classifier, "module", None)
    known = best_reading(
        classifier.name, images.name, module, images.pixels, images.own, readings, fingerprint=fingerprint
    )
    overrides = read_overrides(home(), classifier.name, images.name)
    match = match_classes(
        images.own_names, classifier.class_names, classifier.wordnet_ids, overrides, known.reading
    )
    labels, said = match.labels(images.own), known.in_words()
    notes = (*images.notes, said) if said else images.notes
    return replace(images, labels=labels, labelled=labels >= 0, match=match, notes=notes)


def _notes(
    source: ImageSource, good: NDArray[np.intp], left_out: list[tuple[str, str]], channels: int
) -> tuple[str, ...]:
    """Return notes on files left out, and on channels that differ from the classifier's.

    For the latter only the first few files are read.
    """
    notes = list(source.notes)
    if left_out:
        notes.append(some_left_out(left_out, len(source.ids) + len(source.left_out)))
    if isinstance(source.pictures, np.ndarray):
        grey = source.pictures.shape[-1] == 1
    else:
        first = [source.pictures[place] for place in good[:_HEADERS]]
        headers = [read_header(one.read(), one.name) for one in first]
        grey = all(header.grey for header in headers)
        for one, header in zip(first, headers, strict=True):
            if header.pages > 1:
                notes.append(f"{one.name} has {header.pages} pages: of such files only the first is read.")
                break
    if grey and channels == 3:
        notes.append(
            "These pictures are grey and the classifier takes colour: all three channels are the same."
        )
    if not grey and channels == 1:
        notes.append("These pictures are in colour and the classifier takes grey: the colours are left out.")
    return tuple(notes)


def _pixels(
    source: ImageSource, size: int, channels: int, fingerprint: str, window: Window | None
) -> tuple[NDArray[np.uint8], dict[int, str]]:
    """Return the pictures at one size, and the positions of those that cannot be read, with a sentence why.

    A large set, or one of many files, is decoded once into a memory-mapped file.
    """
    pictures = source.pictures
    shape = (len(pictures), size, size, channels)
    if isinstance(pictures, np.ndarray) and pictures.shape == shape:
        return pictures, {}
    fits = np.prod(shape) <= MOST_MEMORY
    if not fits or (isinstance(pictures, list) and len(pictures) >= MANY):
        key = sha256(f"{_DECODING}\n{fingerprint}\n{size}\n{channels}".encode()).hexdigest()
        path = home() / "cache" / "pixels" / f"{key[:24]}.npy"
        try:
            return _kept_pixels(path, shape, pictures, window)
        except OSError as error:
            # Of the disk: what fits in memory needs none.
            if not fits:
                raise UserError(f"{error.strerror or error}.") from error
    pixels = np.empty(shape, np.uint8)
    bad = _decoded_into(pixels, pictures, window)
    return pixels[: len(pixels) - len(bad)], bad


def _kept_pixels(
    path: Path,
    shape: tuple[int, ...],
    pictures: list[PictureFile] | NDArray[np.uint8],
    window: Window | None,
) -> tuple[NDArray[np.uint8], dict[int, str]]:
    """Return the same from a file, which is made if it is missing; a full disk raises `OSError`."""
    faults = path.with_suffix(".json")
    if not is_whole(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(path.parent).free
        if np.prod(shape) > free * 0.9:
            needed = f"{np.prod(shape) / 2**30:.1f} GB on the disk; {free / 2**30:.1f} GB are free"
            raise OSError(f"{shape[0]:,} pictures of {shape[1]} × {shape[1]} need {needed}")
        with atomic_write(path) as half:
            bad = _decoded_into(np.lib.format.open_memmap(half, "w+", np.uint8, shape), pictures, window)
            if bad:
                faults.write_text(json.dumps(bad), encoding="utf-8")
    bad = json.loads(faults.read_text(encoding="utf-8")) if faults.exists() else {}
    bad = {int(place): why for place, why in bad.items()}
    return np.lib.format.open_memmap(path, "r")[: shape[0] - len(bad)], bad


def _decoded_into(
    pixels: NDArray[np.uint8], pictures: list[PictureFile] | NDArray[np.uint8], window: Window | None
) -> dict[int, str]:
    """Decode pictures in parallel into the first places of `pixels` (n, size, size, channels), in chunks.

    Returns the positions of those that cannot be read, with a sentence why; if it is all, raises `UserError`.
    """
    size, channels = pixels.shape[1], pixels.shape[3]

    def one(picture: PictureFile | NDArray[np.uint8]) -> NDArray[np.uint8] | str:
        if not isinstance(picture, PictureFile):
            return fit(Image.fromarray(picture.squeeze()).convert("RGB"), size, channels)
        try:
            return fit(read_picture(picture.read(), picture.name, window or SIXTEEN_BITS), size, channels)
        except UserError as error:
            return str(error)
        except OSError as error:
            return f"{picture.name} cannot be read: {error.strerror or error}."

    bad: dict[int, str] = {}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for start in range(0, len(pixels), _CHUNK):
            part = list(pool.map(one, pictures[start : start + _CHUNK]))
            end = start - len(bad)
            bad |= {place: found for place, found in enumerate(part, start) if isinstance(found, str)}
            good = [found for found in part if not isinstance(found, str)]
            if good:
                pixels[end : end + len(good)] = np.stack(good)
    if len(bad) == len(pixels):
        raise UserError(bad[0])
    return bad
