"""Training pictures: found, checked, and the same for every run of one seed."""

from __future__ import annotations

import multiprocessing
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from attn_i2i.train import OutOfMemoryError, attribute_table, check, domain_folders, two_domains
from attn_i2i.train.build import report
from attn_i2i.train.data.folders import TrainingImages
from attn_i2i.train.data.identity import differences
from attn_i2i.train.data.loading import Encoded, Order, Positions, TrainingStream, loader, read_resized, reading, shown
from attn_i2i.train.monitor import Monitor
from attn_i2i.train.options import TrainOptions
from attn_i2i.types import ConfigError, UnreadableFileError

from .helpers.pictures import noise_picture as picture


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """Three pictures against two, of several formats and sizes, with masks that are no training pictures."""
    names = ("trainA/x.png", "trainA/deeper/y.jpg", "trainA/z.webp", "trainB/1.bmp", "trainB/2.png")
    for index, name in enumerate(names):
        picture(tmp_path / name, 40 * index + 20, (20 + index, 30))
    picture(tmp_path / "trainA/masks/x.png")
    picture(tmp_path / "masks/trainA/x.png")
    picture(tmp_path / "trainA/.hidden.png")
    return tmp_path


def batches(pictures: TrainingImages, positions: Positions, workers: int = 0, **options: object) -> list[torch.Tensor]:
    """Everything a process sees in domain A."""
    chosen = TrainOptions.parse({"crop_size": 8, "batch_size": positions.batch_size, **options})
    return [batch["A"] for batch in loader(TrainingStream(pictures, chosen), positions, workers=workers, pin=False)]


def test_every_picture_of_both_domains_is_found_and_nothing_else(folders: Path) -> None:
    found = two_domains(folders)
    assert [Path(file).name for file in found.files["A"]] == ["x.png", "z.webp", "y.jpg"]
    assert len(found.files["B"]) == 2
    assert found.held_out == {"A": [], "B": []}


def test_a_missing_domain_is_named(folders: Path) -> None:
    with pytest.raises(UnreadableFileError, match="has no folder trainA and no trainB"):
        two_domains(folders / "trainA")


def test_both_domains_are_drawn_evenly_however_unequal(folders: Path) -> None:
    order = Order(3, seed=1, stream=0)
    seen = [order[position] for position in range(30)]
    assert all(sorted(seen[start : start + 3]) == [0, 1, 2] for start in range(0, 30, 3))
    assert len({tuple(seen[start : start + 3]) for start in range(0, 30, 3)}) > 1


@pytest.mark.parametrize("workers", [0, 2])
def test_a_later_start_sees_what_an_earlier_one_would_have_seen_then(folders: Path, workers: int) -> None:
    whole = batches(two_domains(folders), Positions(2, 0, 6))
    assert torch.equal(torch.cat(whole[3:]), torch.cat(batches(two_domains(folders), Positions(2, 3, 6), workers)))
    assert not torch.equal(whole[0], batches(two_domains(folders), Positions(2, 0, 1), seed=1)[0])


def test_processes_share_the_pictures_of_a_step(folders: Path) -> None:
    one = batches(two_domains(folders), Positions(4, 0, 2))
    two = [batches(two_domains(folders), Positions(2, 0, 2, rank, 2)) for rank in range(2)]
    assert all(torch.equal(one[i], torch.cat([two[0][i], two[1][i]])) for i in range(2))


def test_pictures_kept_in_memory_are_the_pictures_read(folders: Path) -> None:
    read, kept = (batches(two_domains(folders), Positions(2, 0, 4), cache=cache) for cache in (False, True))
    assert torch.equal(torch.cat(read), torch.cat(kept))


def test_of_few_pictures_each_is_shown_once(folders: Path) -> None:
    images, _ = shown(two_domains(folders), 4, 8)
    assert [len(each.unique(dim=0)) for each in images.values()] == [3, 2]


def test_crops_are_random_and_mirrored_unless_told_otherwise(folders: Path) -> None:
    noise = TrainingImages({"A": [str(picture(folders / "noise.png"))]}, {})
    many = torch.cat(batches(noise, Positions(1, 0, 30)))
    assert len(many.unique(dim=0)) > 3
    fixed = torch.cat(batches(noise, Positions(1, 0, 30), load_size=8, flip=False))
    assert len(fixed.unique(dim=0)) == 1


def test_a_quick_read_gives_what_the_careful_one_does(folders: Path) -> None:
    path = folders / "palette.png"
    Image.open(folders / "trainB/2.png").convert("P").save(path)
    assert torch.equal(read_resized(str(path), 16), read_resized(Encoded("palette", path.read_bytes()), 16))
    turned = folders / "turned.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6
    left_dark = np.zeros((16, 16, 3), np.uint8)
    left_dark[:, 8:] = 255
    Image.fromarray(left_dark).save(turned, exif=exif)
    upright = read_resized(str(turned), 16).float().mean(0)
    assert upright[:6].mean() < 10
    assert upright[10:].mean() > 245


def test_one_folder_a_domain(tmp_path: Path) -> None:
    for name in ("train/flat/a.png", "train/flat/b.png", "train/clay/c.png", "test/clay/d.png"):
        picture(tmp_path / name)
    found = domain_folders(tmp_path)
    assert found.domains == ["clay", "flat"]
    assert found.labels is not None
    assert found.labels.tolist() == [[1, 0], [0, 1], [0, 1]]
    sample = TrainingStream(found, TrainOptions(crop_size=8))[0]
    assert sample["target"].sum() == sample["label"].sum() == 1
    with pytest.raises(UnreadableFileError, match="1 folders of pictures"):
        domain_folders(tmp_path / "test")
    picture(tmp_path / "two" / "trainA" / "a.png")
    picture(tmp_path / "two" / "trainB" / "b.png")
    with pytest.raises(UnreadableFileError, match="laid out for two domains"):
        domain_folders(tmp_path / "two")


def test_domains_without_train_hold_no_test_pictures_out(tmp_path: Path) -> None:
    for name in ("flat/a.png", "clay/b.png", "test/clay/c.png"):
        picture(tmp_path / name)
    found = domain_folders(tmp_path)
    assert (found.domains, found.held_out) == (["clay", "flat"], {"image": []})


def test_a_table_of_attributes(tmp_path: Path) -> None:
    for name in ("1.jpg", "2.jpg"):
        picture(tmp_path / name)
    table = tmp_path / "list_attr.txt"
    table.write_text("2\nBald Smiling Young\n1.jpg  1 -1 -1\n2.jpg -1  1 -1\n")
    found = attribute_table(tmp_path, table, ["Young", "Bald"])
    assert found.labels is not None
    assert found.labels.tolist() == [[0, 1], [0, 0]]
    with pytest.raises(ConfigError, match="Did you mean 'Smiling'"):
        attribute_table(tmp_path, table, ["Smilling"])
    table.write_text("Bald Smiling\n1.jpg 1\n")
    with pytest.raises(UnreadableFileError, match="row 1: expected a picture's name and 2 values"):
        attribute_table(tmp_path, table, ["Bald"])
    table.write_text("Bald\n3.jpg 1\n")
    with pytest.raises(UnreadableFileError, match=r"names 3\.jpg"):
        attribute_table(tmp_path, table, ["Bald"])


def test_labels_that_changed_are_told_as_other_data(tmp_path: Path) -> None:
    picture(tmp_path / "1.jpg")
    table = tmp_path / "list_attr.txt"
    found = []
    for value in (1, -1):
        table.write_text(f"1\nBald Young\n1.jpg {value} {value}\n")
        found.append(attribute_table(tmp_path, table, ["Bald", "Young"]).identity())
    assert list(differences(found[0], found[1])) == ["other pictures (their labels differ)"]
    assert not list(differences(found[0], found[0]))


def test_corrupt_grey_and_identical_files_are_found(folders: Path) -> None:
    (folders / "trainA/broken.png").write_bytes(b"\x89PNG\r\n\x1a\n but no more")
    (folders / "trainB/copy.png").write_bytes((folders / "trainB/2.png").read_bytes())
    noise = picture(folders / "trainB/noise.png")
    findings = check(two_domains(folders))
    assert findings.checked == 8
    assert [Path(file).name for file in findings.grey] == ["x.png", "z.webp", "y.jpg", "1.bmp", "2.png", "copy.png"]
    assert len(findings.corrupt) == 1
    assert "broken.png" in findings.corrupt[0]
    assert [[Path(file).name for file in group] for group in findings.duplicates] == [["2.png", "copy.png"]]
    assert not any(noise.name in line for line in findings.lines())


def test_a_files_name_does_not_command_the_terminal(folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folders / "trainA/\x1b[2Jwiped.png").write_bytes(b"no picture")
    with pytest.raises(UnreadableFileError):
        report(two_domains(folders))
    with Monitor(folders, first=0, last=1, active=True, tensorboard=False) as monitor:
        monitor.say("preview of \x9bwiped.png")
    err = capsys.readouterr().err
    assert r"\x1b[2Jwiped.png" in err
    assert r"\x9bwiped.png" in err
    assert not {"\x1b", "\x9b"} & set(err)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"batch_sise": 2}, "Did you mean 'batch_size'"),
        ({"batch_size": 0}, "from 1 on"),
        ({"seed": 1.5}, "whole number"),
        ({"ema": 1.0}, "below 1"),
        ({"precision": "fp8"}, "fp32, bf16, auto"),
        ({"crop_size": 64, "load_size": 32}, "less than crop_size"),
    ],
)
def test_wrong_options_are_named(options: dict[str, object], complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        TrainOptions.parse(options)


def test_a_cache_without_workers_needs_no_shared_memory(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("unable to allocate shared memory(shm) for file </torch_1>: No space left on device (28)")

    monkeypatch.setattr(torch.Tensor, "share_memory_", full)
    options = TrainOptions(crop_size=8, cache=True)
    TrainingStream(two_domains(folders), options)
    with pytest.raises(OutOfMemoryError, match=r"cache=True needs 1 MiB of shared memory.*give workers=0.*/dev/shm"):
        TrainingStream(two_domains(folders), options, workers=1)


def test_an_error_in_a_worker_ends_all_of_them_and_keeps_its_one_line(folders: Path) -> None:
    broken = folders / "broken.png"
    broken.write_bytes(b"no picture")
    pictures = TrainingImages({"A": [str(broken)]}, {})
    source = loader(TrainingStream(pictures, TrainOptions(crop_size=8)), Positions(1, 0, 9), workers=2, pin=False)
    message = rf"^{re.escape(str(broken))} is no picture[^\n]*$"
    with pytest.raises(UnreadableFileError, match=message) as kept, reading(source) as batches:
        next(batches)
    assert not multiprocessing.active_children(), kept  # the error still holds the loader here, as it does in main


@pytest.mark.parametrize(
    "told",
    ["unable to write to file </torch_12_34_0>: No space left on device (28)", "workers are out of shared memory"],
)
def test_workers_without_shared_memory_say_what_helps(told: str) -> None:
    def failing() -> Iterator[Any]:
        raise RuntimeError(f"Caught RuntimeError in DataLoader worker process 1.\nRuntimeError: {told}")
        yield

    with reading(failing()) as batches, pytest.raises(OutOfMemoryError, match=r"shared memory .*workers=0"):
        next(batches)
