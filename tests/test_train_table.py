"""Tables of attributes in all the forms they are passed on in, and doubts about what they say."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from attn_i2i.train import attribute_table
from attn_i2i.types import ConfigError, UnreadableFileError

from .helpers.pictures import colours

LABELS = [[1, 0], [0, 0], [1, 1]]
FORMS = {
    "CelebA": "3\nMale Young Bald\n1.jpg  1 -1 -1\n2.jpg -1  1 -1\n3.jpg  1  1  1\n",
    "no count": "Male Young Bald\n1.jpg  1 -1 -1\n2.jpg -1  1 -1\n3.jpg  1  1  1\n",
    "Kaggle": "image_id,Male,Young,Bald\n1.jpg,1,-1,-1\n2.jpg,-1,1,-1\n3.jpg,1,1,1\n",
    "spreadsheet": '\ufeff"image_id";"Male";"Young";"Bald"\r\n"1.jpg";1;0;0\r\n"2.jpg";0;1;0\r\n"3.jpg";1;1;1\r\n',
    "tabs": "Filename\tMale\tYoung\tBald\n1.jpg\t1.0\t-1.0\t-1.0\n2.jpg\t-1.0\t1.0\t-1.0\n3.jpg\t1.0\t1.0\t1.0\n",
    "numpy": "name Male Young Bald\n1.jpg 1.00 0.00 0.00\n2.jpg 0.00 1.00 0.00\n3.jpg 1.00 1.00 +1.00\n",
    "words": "file, Male, Young, Bald\n1.jpg, True, False, False\n2.jpg, false, true, false\n3.jpg, yes, yes, yes\n",
    "count and commas": "3,,,\nMale,Young,Bald\n1.jpg,1,-1,-1\n\n2.jpg,-1,1,-1\n3.jpg,1,1,1\n",
    "old Mac": "Male Young Bald\r1.jpg 1 -1 -1\r2.jpg -1 1 -1\r3.jpg 1 1 1",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in (1, 2, 3):
        colours().save(tmp_path / f"{number}.jpg")
    return tmp_path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("form", FORMS)
def test_every_form_says_the_same(folder: Path, form: str, encoding: str) -> None:
    (folder / "table").write_bytes(FORMS[form].encode(encoding))
    found = attribute_table(folder, folder / "table", ["Male", "Bald"])
    assert found.labels is not None
    assert found.labels.tolist() == LABELS
    assert found.notes == ()
    assert [Path(file).name for file in found.files["image"]] == ["1.jpg", "2.jpg", "3.jpg"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("Male Young\n1.jpg 1\n", "row 1: expected a picture's name and 2 values"),
        ("Male,Young\n1.jpg,1,2\n", "row 1: expected"),
        ("Male,Young\n1.jpg,1,\n", "row 1: expected"),
        ("Male Young\n1.jpg 1 1\n1.jpg 1 -1\n", r"row 2: 1\.jpg was named before"),
        ("Male\n", "has no rows"),
        ("", "has no rows"),
        ("Male Young\n8.jpg 1 1\n", r"names 8\.jpg"),
        ("Male\0Young\n", "it is no text"),
    ],
)
def test_what_does_not_fit_is_named(folder: Path, text: str, complaint: str) -> None:
    (folder / "table").write_text(text)
    with pytest.raises(UnreadableFileError, match=complaint):
        attribute_table(folder, folder / "table", ["Male"])


def test_attributes_of_one_name_cannot_be_told_apart(folder: Path) -> None:
    (folder / "table").write_text("Male Male Bald\n1.jpg 1 1 1\n2.jpg 1 -1 -1\n")
    with pytest.raises(ConfigError, match="2 columns called 'Male'"):
        attribute_table(folder, folder / "table", ["Male"])
    assert attribute_table(folder, folder / "table", ["Bald"]).domains == ["Bald"]


def test_rows_of_absent_pictures_are_left_out_and_counted(folder: Path) -> None:
    rows = "".join(f"{number}.jpg {number % 2}\n" for number in range(1, 10))
    (folder / "table").write_text("Odd\n" + rows)
    found = attribute_table(folder, folder / "table", ["Odd"])
    assert len(found.files["image"]) == 3
    assert found.notes == (
        f"{folder}/table: 6 of 9 rows name pictures that are not in {folder}: 4.jpg, 5.jpg, 6.jpg, 7.jpg, 8.jpg and 1"
        " more.",
    )


def test_the_folder_inside_is_suggested(folder: Path) -> None:
    (folder / "table").write_text("Male\n1.jpg 1\n2.jpg -1\n")
    (folder.parent / "outer").mkdir()
    folder.rename(folder.parent / "outer/inner")
    outer = folder.parent / "outer"
    with pytest.raises(UnreadableFileError, match=r"give .*outer/inner as the folder"):
        attribute_table(outer, outer / "inner/table", ["Male"])


@pytest.mark.parametrize(
    ("selected", "doubts"),
    [
        (["Male", "Man"], ["The attributes 'Male' and 'Man' are equal"]),
        (["All", "Male"], ["All pictures have the attribute 'All'"]),
        (["None", "Male"], ["All pictures lack the attribute 'None'"]),
        (["Male", "Young"], []),
    ],
)
def test_attributes_that_teach_nothing_are_said(folder: Path, selected: list[str], doubts: list[str]) -> None:
    (folder / "table").write_text("Male Man Young All None\n1.jpg 1 1 -1 1 -1\n2.jpg -1 -1 -1 1 -1\n3.jpg 1 1 1 1 -1\n")
    notes = attribute_table(folder, folder / "table", selected).notes
    assert len(notes) == len(doubts)
    assert all(doubt in note for doubt, note in zip(doubts, notes, strict=True))


def test_names_need_not_be_utf8(folder: Path) -> None:
    odd = os.fsdecode(b"caf\xe9.jpg")
    (folder / "1.jpg").rename(folder / odd)
    (folder / "table").write_bytes(b"Male\ncaf\xe9.jpg 1\n2.jpg -1\n")
    assert attribute_table(folder, folder / "table", ["Male"]).files["image"][0] == str(folder / odd)


def test_a_table_is_a_regular_file(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    for table in (folder / "pipe", Path("/dev/zero")):
        with pytest.raises(UnreadableFileError, match="no regular file"):
            attribute_table(folder, table, ["Male"])
    with pytest.raises(UnreadableFileError, match="No such file"):
        attribute_table(folder, folder / "absent", ["Male"])
