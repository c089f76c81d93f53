"""What counts as a training picture, what is left out, and that the latter is said."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from attn_i2i.train import TrainingImages, TrainingWarning, attribute_table, domain_folders, plan, two_domains
from attn_i2i.types import UnreadableFileError

from .helpers.pictures import colours
from .helpers.trainings import ENGINE, SMALL, run


def put(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        colours().save(root / name)
    return root


@pytest.fixture
def pair(tmp_path: Path) -> Path:
    """Two pictures in trainA, one in trainB."""
    return put(tmp_path / "pair", "trainA/0.png", "trainA/1.png", "trainB/0.png")


def names(pictures: TrainingImages, group: str = "A") -> list[str]:
    return [Path(file).name for file in pictures.files[group]]


def test_what_is_no_picture_is_counted_and_named(pair: Path) -> None:
    for name in ("a.psd", "b.mp4", "c.txt", "d", "e.xml", "f.zip", "Thumbs.db", ".DS_Store", "._0.png"):
        (pair / "trainA" / name).write_text("text")
    (pair / "trainA/masks").mkdir()
    found = two_domains(pair)
    assert names(found) == ["0.png", "1.png"]
    assert found.notes == (f"{pair}/trainA: 7 files left out: a.psd, b.mp4, c.txt, d, e.xml and 2 more.",)
    with pytest.warns(TrainingWarning, match=r"trainA: 7 files left out: a\.psd"):
        plan("cyclegan", pair, recipe_options=SMALL, **ENGINE)


def test_only_regular_files_are_read(pair: Path) -> None:
    os.mkfifo(pair / "trainA/pipe.png")
    (pair / "trainA/zeros.png").symlink_to("/dev/zero")
    (pair / "trainA/broken.png").symlink_to("nowhere")
    found = two_domains(pair)
    assert names(found) == ["0.png", "1.png"]
    assert "3 files left out: broken.png, pipe.png, zeros.png" in found.notes[0]


@pytest.mark.parametrize(
    ("link", "target"),
    [
        ("self", "."),
        ("up", ".."),
        ("deeper/up", ".."),
        ("again", "deeper"),
        ("copy.png", "0.png"),
        ("0link.png", "1.png"),
        ("outside", "../../outside"),
        ("outside2", "../../outside/inner"),
    ],
)
def test_each_real_file_counts_once_however_it_is_linked(pair: Path, link: str, target: str) -> None:
    put(pair, "trainA/deeper/2.png")
    put(pair.parent, "outside/3.png", "outside/inner/4.png")
    before = len(names(two_domains(pair)))
    for number in range(2):
        path = pair / "trainA" / (link if number == 0 else f"{link.partition('.')[0]}-again{Path(link).suffix}")
        path.symlink_to(target)
    files = two_domains(pair).files["A"]
    assert len({os.path.realpath(file) for file in files}) == len(files)
    assert len(files) == before + {"outside": 2, "outside2": 1}.get(link, 0)
    assert str(pair / "trainA/1.png") in files


def test_a_link_upwards_is_named(pair: Path) -> None:
    (pair / "trainA/up").symlink_to("..")
    assert "up/ (a link upwards)" in two_domains(pair).notes[0]


def test_a_folder_that_may_not_be_read_is_named(pair: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "iterdir", denied)
    for looked_for in (two_domains, domain_folders):
        with pytest.raises(UnreadableFileError, match=r"cannot be read: Permission denied"):
            looked_for(pair)


def test_folders_come_before_shards_and_a_shard_beside_them_is_named(pair: Path) -> None:
    for name in ("trainA.tar", "trainB-0.tar"):
        (pair / name).write_bytes(b"no tar")
    with pytest.warns(TrainingWarning, match=r"trainA\.tar, trainB-0\.tar not read"):
        planned = plan("cyclegan", pair, recipe_options=SMALL, **ENGINE)
    assert planned.pictures == {"A": 2, "B": 1}


ARCHIVES = ("trainA.tar.gz", "trainA.zip", "trainB_2.tgz", "TRAINA.TAR.BZ2", "testA.7z", "A.rar", "train.tar.xz")


@pytest.mark.parametrize("name", ARCHIVES)
def test_an_archive_is_named_beside_folders_and_refused_in_their_place(pair: Path, name: str) -> None:
    (pair / name).write_bytes(b"packed")
    (pair / "thumbs.zip").write_bytes(b"packed")
    assert two_domains(pair).notes == (f"{pair}: {name} not read: the folders of pictures are.",)
    shutil.rmtree(pair / "trainA")
    shutil.rmtree(pair / "trainB")
    (pair / "thumbs.zip").unlink()
    with pytest.raises(UnreadableFileError, match=rf"{name} is (compressed|an archive, which is not read): unpack it"):
        plan("cyclegan", pair, recipe_options=SMALL, **ENGINE)
    with pytest.raises(UnreadableFileError, match=rf"{name} is an archive, which is not read: unpack it"):
        two_domains(pair / name)


def test_an_archive_in_the_place_of_one_domain_is_refused(pair: Path) -> None:
    shutil.rmtree(pair / "trainB")
    for name in ("trainB.zip", "trainB.tar.gz", "B.zip"):
        (pair / name).write_bytes(b"packed")
        with pytest.raises(UnreadableFileError, match=rf"{name} is (compressed|an archive)"):
            plan("cyclegan", pair, recipe_options=SMALL, **ENGINE)
        (pair / name).unlink()


def test_an_archive_among_class_folders_is_named_or_refused(tmp_path: Path) -> None:
    put(tmp_path, "train/cat/0.png", "train/dog/0.png", "train/emu/0.png")
    for folder in (tmp_path / "train", tmp_path):
        (folder / "fox.zip").write_bytes(b"packed")
        assert any(f"{folder}: fox.zip not read" in note for note in domain_folders(tmp_path).notes)
    shutil.rmtree(tmp_path / "train/cat")
    shutil.rmtree(tmp_path / "train/emu")
    with pytest.raises(UnreadableFileError, match=r"fox\.zip is an archive, which is not read: unpack it"):
        domain_folders(tmp_path)


def test_archives_in_the_place_of_a_tables_pictures_are_refused(tmp_path: Path) -> None:
    (tmp_path / "table.txt").write_text("Male\n0.jpg 1\n")
    (tmp_path / "img_align_celeba.zip").write_bytes(b"packed")
    with pytest.raises(UnreadableFileError, match=r"img_align_celeba\.zip is an archive"):
        attribute_table(tmp_path, tmp_path / "table.txt", ["Male"])


@pytest.mark.parametrize(("folder", "hint"), [("TrainA", "'TrainA'"), ("train_A", "'train_A'"), ("trainB", None)])
def test_a_folder_of_nearly_the_right_name_is_suggested(tmp_path: Path, folder: str, hint: str | None) -> None:
    put(tmp_path, f"{folder}/0.png", "trainB/0.png")
    with pytest.raises(UnreadableFileError, match="has no folder trainA:") as told:
        two_domains(tmp_path)
    assert (f"Did you mean {hint}?" if hint else "Did you mean") in str(told.value) or hint is None
    assert "'trainB'" not in str(told.value)


def test_one_folder_is_not_two_domains(pair: Path) -> None:
    shutil.rmtree(pair / "trainB")
    (pair / "trainB").symlink_to("trainA")
    with pytest.raises(UnreadableFileError, match="are one folder"):
        two_domains(pair)


def test_litter_and_empty_folders_stop_nothing(tmp_path: Path) -> None:
    put(tmp_path, "train/a/0.png", "train/b/0.png", "train/__MACOSX/._0.png", "train/_MACOSX/0.png", "test/a/1.png")
    (tmp_path / "train/empty").mkdir()
    (tmp_path / "test/b").mkdir()
    found = domain_folders(tmp_path)
    assert found.domains == ["a", "b"]
    assert found.notes == (f"{tmp_path}/train/empty holds no pictures: it is left out.",
                           f"{tmp_path}/test/b holds no pictures: it is left out.")  # fmt: skip
    put(tmp_path / "two", "trainA/0.png", "trainB/0.png", "trainA/__MACOSX/0.png", "trainA/@eaDir/0.png")
    (tmp_path / "two/testA").mkdir()
    assert (names(two_domains(tmp_path / "two")), two_domains(tmp_path / "two").held_out["A"]) == (["0.png"], [])


@pytest.mark.parametrize("base", ["train/", ""])
def test_a_class_may_be_called_masks(tmp_path: Path, base: str) -> None:
    found = domain_folders(put(tmp_path, *(f"{base}{name}/0.png" for name in ("faces", "masks", "none"))))
    assert found.domains == ["faces", "masks", "none"]
    assert "masks is taken for a domain" in found.notes[0]


def test_a_link_to_all_domains_is_no_domain(tmp_path: Path) -> None:
    put(tmp_path, "train/a/0.png", "train/b/0.png")
    for name, target in (("self", "."), ("up", "..")):
        (tmp_path / "train" / name).symlink_to(target)
    assert domain_folders(tmp_path).domains == ["a", "b"]


STARGAN = {"width": 4, "blocks": 1, "discriminator_width": 4, "discriminator_layers": 2}


def test_names_that_are_no_utf8_are_trained_on(tmp_path: Path) -> None:
    """As Linux has them from older systems: of pictures, domains, the folders of the data and of the run."""
    odd = os.fsdecode(b"caf\xe9")
    root = put(tmp_path / odd, f"{odd}/{odd}.png", "b/0.png")
    options = {"batch_size": 1, "recipe_options": STARGAN, "steps": 1, "sample_every": 1}
    model = run(root, tmp_path / f"run-{odd}", "stargan", **options)
    assert (model / "config.json").is_file()
    run(root, tmp_path / f"run-{odd}", "stargan", resume=True, **options | {"steps": 2})
    assert "2" in (tmp_path / f"run-{odd}" / "losses.csv").read_text()
