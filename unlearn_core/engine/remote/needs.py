"""What a task needs of the server's home."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel

from unlearn_core.artifacts.never_seen import own_folder, stem
from unlearn_core.catalog.records import classifier_record, image_set_record
from unlearn_core.catalog.sources.csv_file import table_source
from unlearn_core.catalog.sources.registry import CSV_PREFIX, FOLDER_PREFIX, PHOTOS_PREFIX, UTKFACE_PREFIX
from unlearn_core.catalog.sources.resolve_source import split_utkface
from unlearn_core.catalog.sources.uploaded_photos import upload_folder, uploads
from unlearn_core.catalog.sources.walk import walk
from unlearn_core.common.brought import OUTSIDE, place_of
from unlearn_core.common.sharing import is_shared
from unlearn_core.engine.additions import AddUploadRequest
from unlearn_core.engine.looks import LookRequest
from unlearn_core.engine.remote.parcel import STAYS
from unlearn_core.errors import UserError
from unlearn_core.measuring.known_image_table import table_path
from unlearn_core.store.rows import Run
from unlearn_core.store.runs import Store

_LISTS = (f"classifiers/*/{classifier_record.RECORD}", f"image_sets/*/{image_set_record.RECORD}", "matches/*")
"""Small files that tell which names are taken and what users chose: all of them are needed."""
_RUN, _NAME, _PATH = ("run_id", "other_run"), ("classifier", "images", "measure_on"), ("source", "uploaded")
"""What fields of requests are, by their names."""
_FILE = "file:"


class Needs(NamedTuple):
    """Files by place below the worker's home, patterns of places where nothing else may be, and rows."""

    files: dict[str, Path]
    whole: tuple[str, ...]
    runs: list[Run]


def needs_of_look(store: Store, asked: LookRequest[Any]) -> Needs:
    """Return what a look needs; what does not exist is left out, as the worker says so better."""
    found = _Found(store)
    for name, value in _values(asked):
        if name in _RUN and value is not None:
            found.run(value)
        elif name in _PATH and value is not None:
            found.path(str(value))
    values = dict(_values(asked))
    found.names(*(values.get(name) for name in _NAME))
    if isinstance(asked, AddUploadRequest):
        found.uploads(asked.visitor)
    return found.needs()


def needs_of_run(store: Store, run: Run, found_by: str | None) -> Needs:
    """Return what a queued run needs: also what an earlier attempt left in its folder."""
    found = _Found(store)
    request = run.parsed_request()
    for one in (run.id, request.after, found_by):
        if one is not None:
            found.run(one)
    return found.needs(f"runs/{run.id}/*", f"runs/{run.id}/snapshots/*")


def _values(asked: object) -> Iterator[tuple[str, Any]]:
    """Yield name and value of all fields of a request, also those of requests in it."""
    if isinstance(asked, BaseModel):
        yield from asked
    elif is_dataclass(asked):
        for field in fields(asked):
            value = getattr(asked, field.name)
            if isinstance(value, BaseModel) or is_dataclass(value):
                yield from _values(value)
            else:
                yield field.name, value


class _Found:
    """Gathers what is needed."""

    def __init__(self, store: Store) -> None:
        self._store, self._root = store, store.root
        self._files: dict[str, Path] = {}
        self._runs: list[Run] = []
        self._whole = [*_LISTS]
        for pattern in _LISTS:
            self._add(*self._root.glob(pattern))

    def needs(self, *whole: str) -> Needs:
        """Return all that was gathered."""
        return Needs(self._files, (*self._whole, *whole), self._runs)

    def run(self, run_id: str) -> None:
        """Add a run: its row, its files without what was measured, and what its request names."""
        with suppress(UserError):
            run = self._store.get(run_id)
            request = run.parsed_request()
            self._runs.append(run)
            folder = self._store.folder(run_id)
            own = [path for path in folder.glob("*") if path.name != STAYS]
            self._add(*own, *(folder / "snapshots").glob("*"))
            self.names(request.classifier, request.images, request.measure_on)

    def names(self, classifier: str | None, images: str | None, measure_on: str | None) -> None:
        """Add a custom classifier and image sets, and what is known of them together."""
        if classifier is not None:
            folder = classifier_record.custom_classifier_folder(self._root, classifier)
            self._add(*folder.glob("*"))
        for name in (images, measure_on):
            if name is None:
                continue
            self._image_set(name)
            if classifier is not None:
                self._add(own_folder() / f"{stem(classifier, name)}.npz")
                with suppress(UserError, OSError):
                    self._add(table_path(self._root, classifier, name))

    def _image_set(self, name: str) -> None:
        self._add(*image_set_record.added_folder(self._root, name).glob("*"))
        added = image_set_record.added_image_set(self._root, name)
        self.path(name if added is None else added.source)
        if name == PHOTOS_PREFIX[:-1] or name.startswith(PHOTOS_PREFIX):
            self.uploads(name.removeprefix(PHOTOS_PREFIX[:-1])[1:])

    def uploads(self, visitor: str) -> None:
        """Add the uploaded photos of a visitor, or of everybody."""
        folder = upload_folder(self._root, visitor)
        self._add(*(file for _, file in uploads(folder)))
        self._whole.append(f"{place_of(self._root, folder)}/*")

    def path(self, source: str) -> None:
        """Add what a source of pictures or weights names by a path, inside the home or elsewhere."""
        if source.startswith(CSV_PREFIX):
            self._table(source.removeprefix(CSV_PREFIX))
        elif source.startswith(UTKFACE_PREFIX):
            self._tree(str(split_utkface(source)[1]))
        elif source.startswith((FOLDER_PREFIX, _FILE)):
            self._tree(source.partition(":")[2])
        elif Path(source).is_absolute():
            self._tree(source)

    def _table(self, text: str) -> None:
        table = Path(text).expanduser()
        above = place_of(self._root, Path(text).parent)
        with suppress(UserError, OSError):
            pictures = [Path(one.path) for one in table_source(table).pictures if one.path]
            for path in (table.resolve(), *pictures):
                self._bring(f"{above}/{path.relative_to(table.parent.resolve()).as_posix()}", path)

    def _tree(self, text: str) -> None:
        place, path = place_of(self._root, text), Path(text).expanduser()
        if path.is_dir():
            for inside, file, is_folder in walk(path):
                if not is_folder:
                    self._bring("/".join((place, *inside)), Path(file))
        else:
            self._bring(place, path)

    def _add(self, *paths: Path) -> None:
        for path in paths:
            self._bring(place_of(self._root, path), path)

    def _bring(self, place: str, path: Path) -> None:
        # A visitor of a shared server may not name files outside.
        if path.is_file() and not (is_shared() and place.startswith(OUTSIDE)):
            self._files[place] = path
