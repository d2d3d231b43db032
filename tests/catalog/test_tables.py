"""Tables of pictures and classes, as other programs and machines write them."""

from pathlib import Path

import pytest

from tests.catalog.folders import folder, found
from unlearn_core.catalog.sources.resolve_source import image_source
from unlearn_core.errors import UserError


@pytest.mark.parametrize("text", ["path;label\r\ncat\\1.png;cat\r\n", "path\tlabel\ncat\\1.png\tcat\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_table_of_any_program(tmp_path: Path, text: str, encoding: str) -> None:
    table = folder(tmp_path, "cat/1.png") / "table.csv"
    table.write_bytes(text.encode(encoding))
    assert found(image_source(f"csv:{table}")) == {"cat/1.png": ("cat", False)}


def test_a_table_of_another_machine(tmp_path: Path) -> None:
    table = folder(tmp_path, "cat/1.png", "café/2.png") / "table.csv"
    rows = (
        r"file,class",
        r"C:\Users\me\pets\cat\1.png,cat",
        r"C:\Users\me\pets\café\2.png,café",
        r"C:\x\3.png,cat",
    )
    table.write_bytes("\n".join(rows).encode("cp1252"))
    source = image_source(f"csv:{table}")
    assert found(source) == {"cat/1.png": ("cat", False), "café/2.png": ("café", False)}
    assert [name for name, _ in source.left_out] == [r"C:\x\3.png"]
    assert source.notes == ("table.csv is not in UTF-8; it was read as Windows-1252.",)


def test_classes_of_test_pictures_in_a_table_beside_their_folder(tmp_path: Path) -> None:
    """The traffic signs of GTSRB, as Kaggle has them, and as their authors have."""
    head = "Width,Height,Roi.X1,ClassId,Path\r\n"
    kaggle = folder(
        tmp_path / "kaggle",
        *(
            "Train/2/1.png",
            "Train/10/1.png",
            "Test/00000.png",
            "Test/00001.png",
            "Test/00002.png",
            "Meta/0.png",
        ),
        **{
            "Test.csv": f"{head}53,54,6,10,Test/00000.png\r\n42,45,5,2,Test/00001.png\r\n9,9,9\r\n",
            "Train.csv": f"{head}27,26,5,10,Train/2/1.png\r\n",
        },
    )
    source = image_source(f"folder:{kaggle}")
    assert found(source) == {
        "Train/2/1.png": ("2", False),
        "Train/10/1.png": ("10", False),
        "Test/00000.png": ("10", True),
        "Test/00001.png": ("2", True),
        "Test/00002.png": ("", True),
    }
    assert source.notes == (
        "The classes of 2 pictures are those in Test.csv.",
        "1 of 5 pictures has no class: Test/00002.png.",
    )
    authors = folder(
        tmp_path / "authors",
        *("train/00002/1.png", "test/images/1.png"),
        **{"test/images/GT-test.csv": "Filename;Width;ClassId\n1.png;5;2\n", "test/images/a.csv": '"'},
    )
    assert found(image_source(f"folder:{authors}"))["test/images/1.png"] == ("00002", True)


def test_an_example_of_an_answer_says_no_classes(tmp_path: Path) -> None:
    root = folder(tmp_path, "train/a/1.png", "test/1.png")
    (root / "test" / "sample_submission.csv").write_text("file,label\n1.png,a\n", encoding="utf-8")
    assert found(image_source(f"folder:{root}"))["test/1.png"] == ("", True)


def test_a_sentence_about_a_name_with_line_breaks_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "a\nb.csv").write_text("nothing", encoding="utf-8")
    with pytest.raises(UserError, match=r"^a�b\.csv lists no pictures\.$"):
        image_source(f"csv:{tmp_path}/a\nb.csv")


def test_classes_in_the_names_of_pictures(tmp_path: Path) -> None:
    """The cats and dogs of Kaggle: their folders say only the split."""
    train = ("train/cat.0.png", "train/cat.1.png", "train/dog.0.png", "train/dog.10.png")
    source = image_source(f"folder:{folder(tmp_path / 'pets', *train, 'test1/1.png', 'test1/2.png')}")
    assert found(source) == {
        **{name: (name[6:9], False) for name in train},
        "test1/1.png": ("", True),
        "test1/2.png": ("", True),
    }
    assert source.notes == (
        "The classes of 4 pictures are those in their names, such as cat.0.png.",
        "2 of 6 pictures have no class, the first is test1/1.png.",
    )
    flat = image_source(f"folder:{tmp_path / 'pets' / 'train'}")
    assert sorted(found(flat).values()) == [("cat", False), ("cat", False), ("dog", False), ("dog", False)]


def test_a_folder_around_all_is_no_class_where_their_names_have_some(tmp_path: Path) -> None:
    names = ("pets/cat.0.png", "pets/cat.1.png", "pets/dog.0.png", "pets/dog.1.png")
    source = image_source(f"folder:{folder(tmp_path, *names)}")
    assert found(source) == {name: (name[5:8], False) for name in names}


def test_a_few_test_pictures_have_the_classes_of_the_others(tmp_path: Path) -> None:
    train = ("train/cat.0.png", "train/cat.1.png", "train/dog.0.png", "train/dog.1.png")
    source = image_source(f"folder:{folder(tmp_path, *train, 'test/dog.2.png', 'test/9.png')}")
    assert found(source)["test/dog.2.png"] == ("dog", True)
    assert found(source)["test/9.png"] == ("", True)


@pytest.mark.parametrize(
    "names",
    [
        ("IMG_0001.png", "IMG_0002.png", "DSC_0001.png", "DSC_0002.png"),
        ("cat.0.png", "cat.1.png", "dog.0.png"),
        ("cat.0.png", "cat.1.png"),
        ("cat.0.png", "cat.1.png", "dog.0.png", "dog.1.png", "mug.png"),
        ("IMG.1.png", "IMG.2.png", "img.3.png", "img.4.png"),
        ("2024.01.png", "2024.02.png", "2025.01.png", "2025.02.png"),
    ],
)
def test_other_names_say_no_classes(tmp_path: Path, names: tuple[str, ...]) -> None:
    source = image_source(f"folder:{folder(tmp_path, *names)}")
    assert found(source) == dict.fromkeys(names, ("", False))
    assert source.notes == ()
