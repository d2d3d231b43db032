"""Whatever comes in: one clear sentence, no code run, and the store as it was."""

import contextlib
import io
import pickle
import zipfile
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save as safetensors_bytes

from tests.catalog.hostile import NOISE, archives, broken_pictures, checkpoints, encoded
from unlearn_core.catalog.class_match import match_classes
from unlearn_core.catalog.custom.add_classifier import add_classifier
from unlearn_core.catalog.custom.build_network import seeded
from unlearn_core.catalog.custom.checkpoint import check_fit, read_checkpoint
from unlearn_core.catalog.image_sets import Wanted, load_images
from unlearn_core.catalog.picks import Pick
from unlearn_core.catalog.records.classifier_record import (
    ClassifierSpecification,
    check_name,
    custom_classifier_folder,
)
from unlearn_core.catalog.records.image_set_record import added_folder
from unlearn_core.catalog.sources.add_image_set import add_image_set
from unlearn_core.catalog.sources.uploaded_photos import add_upload
from unlearn_core.catalog.untrusted.pictures import fit, read_picture
from unlearn_core.errors import UserError
from unlearn_core.store.request import ForgetRequest

SMALL = "timm:resnet10t"
GOOD = seeded(SMALL, 3, 3, None).state_dict()
PICTURES = dict(broken_pictures())
ARCHIVES = dict(archives())
CHECKPOINTS = dict(checkpoints(Path("/nowhere"), GOOD))
QUICKLY = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def kept(home: Path) -> dict[str, bytes]:
    """Return every file below a folder with its content."""
    return {str(path): path.read_bytes() for path in home.rglob("*") if path.is_file()}


def assert_one_sentence(error: UserError) -> None:
    words = str(error)
    assert words.endswith(".")
    assert "\n" not in words
    assert len(words) < 400
    assert "Traceback" not in words


def test_the_trap_does_work_where_code_is_run(tmp_path: Path) -> None:
    content = dict(checkpoints(tmp_path / "trap", GOOD))["bare pickle, protocol 2"]
    pickle.loads(content)
    assert (tmp_path / "trap").exists()


def test_there_are_at_least_a_hundred() -> None:
    assert len(PICTURES) + len(ARCHIVES) + len(CHECKPOINTS) >= 100


@pytest.mark.parametrize("name", PICTURES)
def test_a_broken_picture(own_home: Path, name: str) -> None:
    before = kept(own_home)
    with pytest.raises(UserError) as error:
        add_upload(own_home / "uploads", f"{name}.png", PICTURES[name])
    assert_one_sentence(error.value)
    assert kept(own_home) == before


@pytest.mark.parametrize("name", ARCHIVES)
def test_a_hostile_archive(own_home: Path, tmp_path: Path, name: str) -> None:
    file = tmp_path / "pictures.zip"
    file.write_bytes(ARCHIVES[name])
    before = kept(own_home)
    with pytest.raises(UserError) as error:
        add_image_set(own_home, "mine", "", uploaded=file)
    assert_one_sentence(error.value)
    assert kept(own_home) == before


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_a_hostile_checkpoint(own_home: Path, tmp_path: Path, name: str) -> None:
    trap = tmp_path / "trap"
    (tmp_path / "weights.pt").write_bytes(dict(checkpoints(trap, GOOD))[name])
    before = kept(own_home)
    specification = ClassifierSpecification(source=f"file:{tmp_path / 'weights.pt'}", architecture=SMALL)
    with pytest.raises(UserError) as error:
        add_classifier(own_home, specification)
    assert_one_sentence(error.value)
    assert not trap.exists()
    assert kept(own_home) == before


@QUICKLY
@given(
    place=st.integers(0, 3000),
    garbage=st.binary(min_size=1, max_size=40),
    kind=st.sampled_from(["PNG", "JPEG", "GIF", "TIFF"]),
)
def test_a_picture_with_garbage_in_it_is_read_or_refused(place: int, garbage: bytes, kind: str) -> None:
    data = bytearray(encoded(NOISE, kind))
    data[place : place + len(garbage)] = garbage
    try:
        picture = read_picture(bytes(data), "garbage")
    except UserError as error:
        assert_one_sentence(error)
    else:
        assert picture.mode == "RGB"
        assert fit(picture, 28, 1).shape == (28, 28, 1)


@QUICKLY
@given(text=st.text(max_size=60))
def test_any_text_is_a_pick_or_refused(text: str) -> None:
    for start in ("", "ids:", "random:", "class:", "hardest:", "memorised:"):
        with contextlib.suppress(UserError):
            assert Pick.parse(start + text).kind in ("ids", "random", "hardest", "memorised", "class")


@QUICKLY
@given(text=st.text(max_size=40), number=st.integers() | st.floats() | st.text(max_size=5))
def test_any_wish_and_request_is_one_or_refused(text: str, number: object) -> None:
    with contextlib.suppress(UserError):
        assert ClassifierSpecification.parse(source=text, classes=number, mean=[number]).source == text
    with contextlib.suppress(UserError):
        assert ForgetRequest.parse(classifier=text, max_steps=number, options={text: number}).max_steps > 0


@QUICKLY
@given(rows=st.binary(max_size=300))
def test_any_table_is_read_or_refused(tmp_path: Path, rows: bytes) -> None:
    (tmp_path / "cat.png").write_bytes(encoded(NOISE))
    (tmp_path / "table.csv").write_bytes(b"path,label\n" + rows)
    with contextlib.suppress(UserError):
        images = load_images(f"csv:{tmp_path / 'table.csv'}", Wanted("any", 1, 8, ("cat", "dog"), ()))
        assert set(images.files) == {"cat.png"}


@QUICKLY
@given(own=st.lists(st.text(max_size=8), max_size=6), names=st.lists(st.text(max_size=8), max_size=6))
def test_any_classes_are_matched_to_known_ones(own: list[str], names: list[str]) -> None:
    found = match_classes(own, names, ())
    assert len(found.classes) == len(found.how) == len(own)
    assert all(-1 <= index < len(names) for index in found.classes)


@QUICKLY
@given(name=st.text(max_size=20) | st.text("./: ~a", max_size=8))
def test_any_name_is_that_of_a_folder_in_its_place_or_refused(name: str) -> None:
    with contextlib.suppress(UserError):
        known = check_name(name)
        for folder in (custom_classifier_folder(Path("/home"), known), added_folder(Path("/home"), known)):
            assert folder.resolve().parent == folder.parent
            assert folder.parent.parent == Path("/home")


@QUICKLY
@given(place=st.integers(0, 400), garbage=st.binary(min_size=1, max_size=20), squeezed=st.booleans())
def test_an_archive_with_garbage_in_it_is_read_or_refused(
    tmp_path: Path, place: int, garbage: bytes, squeezed: bool
) -> None:
    file = tmp_path / "pictures.zip"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED if squeezed else zipfile.ZIP_STORED) as archive:
        for name in ("cat", "dog"):
            archive.writestr(f"{name}/a.bmp", encoded(NOISE.resize((4, 4)), "BMP"))
    data = bytearray(file.read_bytes())
    data[place : place + len(garbage)] = garbage
    file.write_bytes(data)
    try:
        images = load_images(f"folder:{file}", Wanted("any", 1, 8, ("cat", "dog"), ()))
    except UserError as error:
        assert_one_sentence(error)
    else:
        assert len(images.ids) > 0


@QUICKLY
@given(place=st.integers(0, 4000), garbage=st.binary(min_size=1, max_size=20), plain=st.booleans())
def test_a_checkpoint_with_garbage_in_it_is_read_or_refused(
    tmp_path: Path, place: int, garbage: bytes, plain: bool
) -> None:
    tensors = {"weight": torch.zeros(3, 3), "bias": torch.zeros(3)}
    file = io.BytesIO()
    torch.save(tensors, file)
    data = bytearray(safetensors_bytes(tensors) if plain else file.getvalue())
    place %= len(data)
    data[place : place + len(garbage)] = garbage
    (tmp_path / "net.pt").write_bytes(data)
    try:
        found = read_checkpoint(tmp_path / "net.pt").tensors
        check_fit(found, tensors, "net.pt does not fit")
    except UserError as error:
        assert_one_sentence(error)
