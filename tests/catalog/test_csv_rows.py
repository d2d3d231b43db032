"""Rows of a CSV file of pictures: which are for testing, and which are of one picture."""

from pathlib import Path

import pytest

from tests.catalog.folders import folder, found
from unlearn_core.catalog.sources.base import ImageSource
from unlearn_core.catalog.sources.csv_file import table_source
from unlearn_core.catalog.sources.tables import NO_LABEL, label_of_row
from unlearn_core.errors import UserError


def read(root: Path, *lines: str) -> ImageSource:
    folder(root, "a.jpg", "b.jpg", "c.jpg", **{"table.csv": "\n".join(lines)})
    return table_source(root / "table.csv")


def test_a_row_that_repeats_another_is_left_out(tmp_path: Path) -> None:
    source = read(tmp_path, "path,label", "a.jpg,cat", "b.jpg,dog", "./a.jpg,cat")
    assert found(source) == {"a.jpg": ("cat", False), "b.jpg": ("dog", False)}
    assert source.left_out == (("./a.jpg", "Line 4 of table.csv repeats line 2."),)
    assert source.ids.tolist() == [0, 1]


@pytest.mark.parametrize("other", ["a.jpg,dog,train", "a.jpg,cat,test"])
def test_rows_that_contradict_each_other_are_left_out(tmp_path: Path, other: str) -> None:
    source = read(tmp_path, "path,label,split", "a.jpg,cat,train", "b.jpg,dog,", "a.jpg,cat,train", other)
    assert found(source) == {"b.jpg": ("dog", False)}
    assert source.ids.tolist() == [1]
    why = "Lines 2 and 5 of table.csv give a.jpg different classes or splits."
    assert source.left_out == (("a.jpg", why),) * 3


@pytest.mark.parametrize(
    ("column", "train", "test"),
    [
        ("split", "Training", "Public Test"),
        ("Usage", "Training", "PrivateTest"),
        ("set", "train", "dev"),
        ("subset", "trainval", "eval"),
        ("part", "", "holdout"),
        ("is_test", "0", "1"),
        ("is test", "False", "TRUE"),
        ("is_valid", "False", "True"),
        ("is_train", "1", "0"),
        ("partition", "train", "val"),
        ("phase", "training", "test"),
    ],
)
def test_a_split_has_the_words_of_folders(tmp_path: Path, column: str, train: str, test: str) -> None:
    source = read(tmp_path, f"path,label,{column}", f"a.jpg,cat,{train}", f"b.jpg,dog,{test}")
    assert found(source) == {"a.jpg": ("cat", False), "b.jpg": ("dog", True)}


def test_a_column_that_may_mean_something_else_is_a_split_only_with_its_words(tmp_path: Path) -> None:
    source = read(tmp_path, "path,label,set", "a.jpg,cat,7", "b.jpg,dog,8")
    assert found(source) == {"a.jpg": ("cat", False), "b.jpg": ("dog", False)}
    with pytest.raises(UserError, match="'8' in the column set: write train or test"):
        read(tmp_path, "path,label,set", "a.jpg,cat,train", "b.jpg,dog,8")


@pytest.mark.parametrize(
    ("head", "cat", "dog", "neither"),
    [
        # ISIC, Plant Pathology, Roboflow.
        ("image,Cat,dog", "1.0,0.0", "0.0,1.0", "0.0,0.0"),
        ("image_id,Cat,dog,fox,split", "1,0,0,train", "0,1,0,", "0,0,0,train"),
        ("filename, Cat, dog,is_test,width", " 1, 0,0,9", " 0, 1,0,1", " 0, 0,0,0"),
    ],
)
def test_the_class_may_be_the_column_that_has_one(
    tmp_path: Path, head: str, cat: str, dog: str, neither: str
) -> None:
    source = read(tmp_path, head, f"a.jpg,{cat}", f"b.jpg,{dog}", f"c.jpg,{neither}")
    assert found(source) == {"a.jpg": ("Cat", False), "b.jpg": ("dog", False), "c.jpg": ("", False)}


@pytest.mark.parametrize(
    "rows",
    [
        ("image,cat,dog,fox", "a.jpg,1,0,0", "b.jpg,1,0,1"),
        ("Image Index,Finding Labels", "a.jpg,cat|fox", "b.jpg,fox", "c.jpg,cat"),
        ("image,label", "a.jpg,cat", "b.jpg,fox", 'c.jpg,"cat, fox"'),
    ],
)
def test_several_classes_of_one_picture_are_refused(tmp_path: Path, rows: tuple[str, ...]) -> None:
    with pytest.raises(UserError, match="gives a picture several classes at once: cat and fox"):
        read(tmp_path, *rows)


def test_several_names_of_one_class_are_one_label(tmp_path: Path) -> None:
    source = read(tmp_path, "image,label", 'a.jpg,"tench, Tinca tinca"', "b.jpg,goldfish")
    assert source.class_names == ("goldfish", "tench, Tinca tinca")


@pytest.mark.parametrize("nothing", ["-1", "nan", "NaN", "N/A"])
def test_what_programs_write_for_nothing_is_no_label(tmp_path: Path, nothing: str) -> None:
    source = read(tmp_path, "path,label", "a.jpg,0", f"b.jpg,{nothing}", "c.jpg,1")
    assert found(source) == {"a.jpg": ("0", False), "b.jpg": ("", False), "c.jpg": ("1", False)}


def test_a_number_below_zero_is_a_class_among_words(tmp_path: Path) -> None:
    assert read(tmp_path, "path,label", "a.jpg,-1", "b.jpg,none", "c.jpg,-1").class_names == ("-1", "none")


@pytest.mark.parametrize("head", ["id,img_path,label", "image_id,name,label", "id,file_names,label"])
def test_the_pictures_are_in_the_column_whose_cells_end_so(tmp_path: Path, head: str) -> None:
    folder(
        tmp_path, "1.jpg", "2.jpg", "3.jpg", **{"table.csv": f"{head}\n1,3.jpg,fox\n2,2.jpg,dog\n3,1.jpg,cat"}
    )
    source = table_source(tmp_path / "table.csv")
    assert {name: label for name, (label, _) in found(source).items()} == {
        "1.jpg": "cat",
        "2.jpg": "dog",
        "3.jpg": "fox",
    }


def test_masks_are_not_taken_for_the_pictures(tmp_path: Path) -> None:
    source = read(tmp_path, "id,mask_file,label", "a,b.jpg,cat", "c,b.jpg,dog")
    assert found(source) == {"a.jpg": ("cat", False), "c.jpg": ("dog", False)}


@pytest.mark.parametrize("before", ["sep=;\n", "\n"])
def test_what_excel_writes_before_the_header_is_no_row(tmp_path: Path, before: str) -> None:
    assert read(tmp_path, f"{before}path;label", "a.jpg;cat", "b.jpg;dog").class_names == ("cat", "dog")


@pytest.mark.parametrize(
    "rows",
    [
        ("image,is_test,cat", "a.jpg,0,1", "b.jpg,1,1"),
        ("image,hat,beard", "a.jpg,0,0", "b.jpg,0,0", "c.jpg,0,1"),
        ("image,cat,dog", "a.jpg,1,0", "b.jpg,0.3,0.7"),
    ],
)
def test_other_columns_of_numbers_are_no_classes(tmp_path: Path, rows: tuple[str, ...]) -> None:
    with pytest.raises(UserError, match="needs a header with the columns path and label"):
        read(tmp_path, *rows)


@pytest.mark.parametrize("rows", [("path,a",), ("path,a", "x"), ("path,a,b", "x")])
def test_a_table_without_a_whole_row_has_no_classes(rows: tuple[str, ...]) -> None:
    assert label_of_row([row.split(",") for row in rows]) == NO_LABEL


def test_names_that_no_file_has_are_left_out_at_once(tmp_path: Path) -> None:
    # Quadratic work took half a minute.
    long = ("/a" * 12_000 + ",x", "a.jpg,a" + "\u0327\u0301" * 65_000)
    source = read(tmp_path, "path,label", "b.jpg,dog", *long, *[rf"a\{n},c" for n in range(20_000)])
    assert found(source) == {"b.jpg": ("dog", False)}
    assert source.left_out[1][1] == "Line 4 of table.csv has more than 1,000 characters in a column."


def test_pictures_to_predict_have_no_label(tmp_path: Path) -> None:
    source = read(tmp_path, "path,label,split", "a.jpg,cat,train", "b.jpg,dog,unlabeled")
    assert found(source) == {"a.jpg": ("cat", False), "b.jpg": ("", True)}


@pytest.mark.parametrize(("column", "value"), [("split", "fold 3"), ("is_test", "test?")])
def test_an_unknown_split_is_refused(tmp_path: Path, column: str, value: str) -> None:
    with pytest.raises(UserError) as caught:
        read(tmp_path, f"path,label,{column}", "a.jpg,cat,", f"b.jpg,dog,{value}")
    sentence = f"Line 3 of table.csv has {value!r} in the column {column}: write train or test."
    assert str(caught.value) == sentence


def test_names_may_lack_their_ending(tmp_path: Path) -> None:
    folder(tmp_path, "d.PNG")
    source = read(tmp_path, "image_id,dx", "a,cat", "d,dog", "e,dog")
    assert found(source) == {"a.jpg": ("cat", False), "d.PNG": ("dog", False)}
    assert [name for name, _ in source.left_out] == ["e"]


def test_a_class_colours_no_terminal(tmp_path: Path) -> None:
    source = read(tmp_path, "path,label", "a.jpg,\x1b[31mcat", 'b.jpg,"dog\nhouse"')
    assert source.class_names == ("[31mcat", "dog house")
