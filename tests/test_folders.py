"""What a folder of pictures holds: each real file once, and the rest by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from attn_i2i.files import TargetExistsError
from attn_i2i.images.folder import Folder, list_folder
from attn_i2i.translate.jobs import plan_jobs
from attn_i2i.types import UnreadableFileError


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def names(folder: Path, **options: object) -> list[str]:
    return [str(path.relative_to(folder)) for path in list_folder(folder, **options).pictures]  # type: ignore[arg-type]


def test_files_are_sorted_by_what_their_names_say(tmp_path: Path) -> None:
    touch(tmp_path, "b.PNG", "a.jfif", "._b.png", ".DS_Store", "Thumbs.db", "photo.PSD", "raw.dng", "a.txt", "clip.mp4")
    (tmp_path / "thumbs.png").mkdir()
    folder = list_folder(tmp_path)
    found = Folder(*([path.name for path in files] for files in (folder.pictures, folder.foreign, folder.others)))  # type: ignore[arg-type]
    assert found == Folder(["a.jfif", "b.PNG"], ["photo.PSD", "raw.dng"], ["a.txt", "clip.mp4"])  # type: ignore[list-item]


def test_subfolders_come_after_files_and_only_when_asked_for(tmp_path: Path) -> None:
    touch(tmp_path, "z.png", "a/x.png", "a/b/x.png", ".git/x.png")
    assert names(tmp_path) == ["z.png"]
    assert names(tmp_path, recursive=True) == ["z.png", "a/x.png", "a/b/x.png"]
    assert names(tmp_path, recursive=True, enter=lambda path: path.name != "b") == ["z.png", "a/x.png"]


def test_loops_of_links_end_and_each_real_file_is_listed_once_under_its_own_name(tmp_path: Path) -> None:
    touch(tmp_path, "in/b.png", "in/sub/c.png", "elsewhere/d.png")
    for name, to in (
        ("a", "."),
        ("l", "."),
        ("sub/up", ".."),
        ("a.png", "b.png"),
        ("more", "../elsewhere"),
        ("e", "e"),
    ):
        (tmp_path / "in" / name).symlink_to(to)
    (tmp_path / "elsewhere" / "back").symlink_to("../in")
    assert names(tmp_path / "in", recursive=True) == ["b.png", "more/d.png", "sub/c.png"]
    (tmp_path / "in" / "z.png").symlink_to("../elsewhere/d.png")
    assert names(tmp_path / "in") == ["b.png", "z.png"]


def test_a_folder_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError, match="no cannot be read: No such file"):
        list_folder(tmp_path / "no")


@pytest.mark.parametrize(
    ("there", "told"), [(["a.png"], r"a\.png exists already"), (["a.png", "b.png"], r"^2 outputs, such as .* exist al")]
)
def test_outputs_that_stand_already_are_counted(there: list[str], told: str, tmp_path: Path) -> None:
    touch(tmp_path / "in", "a.png", "b.png")
    touch(tmp_path / "out", *there)
    with pytest.raises(TargetExistsError, match=told):
        plan_jobs([tmp_path / "in"], tmp_path / "out")
