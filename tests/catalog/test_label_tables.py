"""Tables beside pictures that say their classes, as published data sets have them."""

from pathlib import Path

import pytest

from tests.catalog.folders import folder, found
from unlearn_core.catalog.sources.folders import folder_source
from unlearn_core.errors import UserError

PAIR = {"1": "cat", "2": "dog"}


@pytest.mark.parametrize(
    ("names", "table", "rows"),
    [
        # In a folder below the table, named with it, without it, and without an ending.
        (["images/1.jpg", "images/2.jpg"], "labels.csv", "path,label\nimages/1.jpg,cat\nimages/2.jpg,dog\n"),
        (["images/1.jpg", "images/2.jpg"], "labels.csv", "filename,label\n1.jpg,cat\n2.jpg,dog\n"),
        (
            ["images/1.jpg", "images/2.jpg"],
            "meta/labels.csv",
            "file,label\nimages\\1.jpg,cat\nimages\\2.jpg,dog\n",
        ),
        (["1.jpg", "2.jpg"], "labels.csv", "image,label\n1,cat\n2,dog\n"),
        # Hugging Face, dog breeds, Cassava, diabetic retinopathy.
        (["train/1.jpg", "train/2.jpg"], "train/metadata.csv", "file_name,label\n1.jpg,cat\n2.jpg,dog\n"),
        (["train/1.jpg", "train/2.jpg", "test/3.jpg"], "labels.csv", "id,breed\n1,cat\n2,dog\n"),
        (["train_images/1.jpg", "train_images/2.jpg"], "train.csv", "image_id,label\n1.jpg,cat\n2.jpg,dog\n"),
        (["train_images/1.png", "train_images/2.png"], "train.csv", "id_code,diagnosis\n1,cat\n2,dog\n"),
        (["a/1.png", "a/2.png"], "a.csv", "Image Path,Category\n./1.png,cat\n2.png,dog\n"),
        # Roboflow: a column for each class.
        (
            ["train/1.jpg", "train/2.jpg"],
            "train/_classes.csv",
            "filename, cat, dog\n1.jpg, 1, 0\n2.jpg, 0, 1\n",
        ),
        # HAM10000: its folders are numbered parts.
        (
            ["images_part_1/1.jpg", "images_part_2/2.jpg"],
            "metadata.csv",
            "lesion_id,image_id,dx\nH,1,cat\nH,2,dog\n",
        ),
        # Of a table for training no row means a picture for testing.
        (
            ["train_images/1.jpg", "test_images/1.jpg", "train_images/2.jpg", "test_images/3.jpg"],
            "train.csv",
            "image,label\n1.jpg,cat\n2.jpg,dog\n3.jpg,dog\n",
        ),
    ],
)
def test_the_tables_of_published_sets_are_used(
    tmp_path: Path, names: list[str], table: str, rows: str
) -> None:
    root = folder(tmp_path, *names)
    (root / table).parent.mkdir(exist_ok=True)
    (root / table).write_text(rows, encoding="utf-8")
    source = folder_source(root)
    assert {name: one for name, (one, _) in found(source).items()} == {
        name: "" if name.startswith("test") else PAIR[Path(name).stem] for name in names
    }
    assert source.notes[0] == f"The classes of 2 pictures are those in {table}."


def test_a_name_that_several_pictures_have_means_none_of_them(tmp_path: Path) -> None:
    names = ("train/cat/1.jpg", "train/dog/2.jpg", "test/1.jpg", "val/3.jpg", "val/4.jpg", "val/4.png")
    rows = {"labels.csv": "image,label\n1.jpg,cat\n2.jpg,cat\n3,cat\n4,dog\n"}
    source = folder_source(folder(tmp_path, *names, **rows))
    assert [one for one, _ in found(source).values()] == ["", "cat", "dog", "cat", "", ""]


def test_a_folder_around_all_is_no_class_where_a_table_says_some(tmp_path: Path) -> None:
    rows = {"photos/labels.csv": "filename,label\n1.jpg,cat\n2.jpg,dog\n"}
    source = folder_source(folder(tmp_path, "photos/1.jpg", "photos/2.jpg", "photos/3.jpg", **rows))
    assert list(found(source).values()) == [("cat", False), ("dog", False), ("", False)]


def test_tables_that_disagree_refuse_the_set(tmp_path: Path) -> None:
    root = folder(
        tmp_path,
        "0.jpg",
        "1.jpg",
        **{
            "labels.csv": "filename,label\n0.jpg,cat\n1.jpg,dog\n",
            "predictions.csv": "filename,label\n0.jpg,cat\n1.jpg,cat\n",
        },
    )
    with pytest.raises(UserError) as caught:
        folder_source(root)
    sentence = "labels.csv and predictions.csv give 1.jpg different classes, dog and cat: remove one of them."
    assert str(caught.value) == sentence
    folder(root, **{"predictions.csv": "filename,label\n0.jpg,cat\n"})
    assert found(folder_source(root)) == {"0.jpg": ("cat", False), "1.jpg": ("dog", False)}


def test_a_picture_to_which_a_table_gives_two_classes_is_left_out(tmp_path: Path) -> None:
    boxes = "filename,label\n0.jpg,cat\n0.jpg,dog\n1.jpg,dog\n1.jpg,dog\n"
    root = folder(tmp_path, "0.jpg", "1.jpg", **{"boxes.csv": boxes})
    source = folder_source(root)
    assert found(source) == {"1.jpg": ("dog", False)}
    assert source.ids.tolist() == [1]
    assert source.left_out == (("0.jpg", "boxes.csv gives 0.jpg different classes, cat and dog."),)
    assert source.notes == ("The class of 1 picture is that in boxes.csv.",)
    folder(root, **{"boxes.csv": f"{boxes}1.jpg,cat\n"})
    with pytest.raises(UserError, match=r"boxes\.csv gives 0\.jpg different classes"):
        folder_source(root)


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ("filename,cat,dog\n1.jpg,8,0\n", "it has no column label"),
        ("filename,cat,dog\n1.jpg,1,1\n", "it gives a picture several classes at once: cat and dog"),
        ("filename,label\n7.jpg,cat\n", "none of its rows names exactly one picture here"),
    ],
)
def test_a_table_that_is_not_used_is_named(tmp_path: Path, rows: str, why: str) -> None:
    root = folder(tmp_path, "1.jpg", **{"classes.csv": rows})
    assert folder_source(root).notes == (f"classes.csv was not used: {why}.",)


def test_other_tables_are_not_named(tmp_path: Path) -> None:
    root = folder(tmp_path, "1.jpg", **{"runs.csv": "epoch,loss\n1,0.5\n", "ids.csv": "id,age\n1,9\n"})
    assert folder_source(root).notes == ()
    classes = folder(
        tmp_path / "classes", "cat/1.jpg", "dog/1.jpg", **{"other.csv": "filename,label\n7.jpg,cat\n"}
    )
    assert folder_source(classes).notes == ()


@pytest.mark.parametrize("tables", [5, 101])
def test_of_many_tables_a_few_are_named(tmp_path: Path, tables: int) -> None:
    """Of very many, as those of each picture's boxes are, only those beside the pictures are read."""
    root = folder(tmp_path, *(f"images/{n}.jpg" for n in range(tables)))
    (root / "boxes").mkdir()
    folder(root / "boxes", **{f"{n}.csv": f"file,label\n{n}.jpg,cat\n" for n in range(tables)})
    source = folder_source(root)
    if tables == 5:
        assert source.notes[2:] == (
            "The class of 1 picture is that in boxes/2.csv.",
            "The same goes for 2 other tables.",
        )
    else:
        words = "101 tables were not read: of so many only those beside the pictures are."
        assert (source.class_names, source.notes) == ((), (words,))


def test_a_table_or_its_name_says_which_are_for_testing(tmp_path: Path) -> None:
    split = {"labels.csv": "filename,label,split\n1.jpg,cat,train\n2.jpg,dog,val\n3.jpg,cat,\n"}
    source = folder_source(folder(tmp_path / "a", "images/1.jpg", "images/2.jpg", "images/3.jpg", **split))
    assert list(found(source).values()) == [("cat", False), ("dog", True), ("cat", False)]
    two = {"train.csv": "filename,label\n1.jpg,cat\n2.jpg,dog\n", "test.csv": "filename,label\n3.jpg,cat\n"}
    source = folder_source(folder(tmp_path / "b", "images/1.jpg", "images/2.jpg", "images/3.jpg", **two))
    assert list(found(source).values()) == [("cat", False), ("dog", False), ("cat", True)]
