"""Clips through a model: by the command line and by a Translator."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from weakref import WeakSet

import numpy as np
import pytest
import torch
from PIL import Image

from attn_i2i.images import PictureWarning
from attn_i2i.types import ConfigError, UnreadableFileError
from attn_i2i.video import Encoding, extra, open_clip

from .helpers.clips import read_frames, sounds, square, write_animation, write_video
from .helpers.commands import Run, files, picture
from .helpers.translators import Brighten, Labelled, Negative, Styled, translator

EXACT = {"codec": "libx264rgb", "pixels": "rgb24", "options": {"qp": "0", "bf": "0"}}


def video(name: str | Path, count: int = 4, **options: object) -> Path:
    """A video of the moving square that keeps its pixels."""
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    return write_video(name, map(square, range(count)), **(EXACT | options))  # type: ignore[arg-type]


def animation(name: str | Path) -> Path:
    """Three frames with a hole that moves."""
    frames = [np.dstack([square(i), np.full((32, 48, 1), 255, np.uint8)]) for i in range(3)]
    for i, frame in enumerate(frames):
        frame[20 + i :, :9] = 0
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    return write_animation(name, frames, [40, 80, 120], 2)


def test_a_video_keeps_what_is_masked_out_its_times_and_its_sound(run: Run, model: Path) -> None:
    source = video("a.mp4", sound="aac")
    black = np.zeros((32, 48), np.uint8)
    black[:, :20] = 255
    Image.fromarray(black).save("mask.png")
    code, out, err = run("translate", "a.mp4", "-o", "b.mp4", "-m", model, "--mask", "mask.png", "--lossless")
    assert (code, out, err) == (0, "1 clip translated to b.mp4\n", "")
    before, times = read_frames(source)
    after, new_times = read_frames("b.mp4")
    assert new_times == times
    assert np.array_equal(after[..., 20:], before[..., 20:])
    assert not np.array_equal(after[..., :20], before[..., :20])
    assert sounds("b.mp4") == sounds("a.mp4")


def test_pictures_clips_and_the_rest_of_a_folder_are_told_apart(run: Run, model: Path) -> None:
    picture("in/a.png")
    picture("in/still.gif", mode="P")
    video("in/b.mp4")
    animation("in/c.gif")
    animation("in/d.png")
    animation("in/sub/e.webp")
    Path("in/f.mkv").write_bytes(b"nothing")
    Path("in/notes.txt").write_text("neither")
    code, out, err = run("translate", "in", "-o", "out", "-m", model, "-r", "--attention", "--temporal", "off")
    assert (code, out) == (1, "6 of 7 files translated to out\nmasks and heatmaps are in out/attention\n")
    assert err.splitlines()[0].startswith("skipped: in/f.mkv is no clip that is read here")
    assert err.splitlines()[1] == "left out: 1 file that is no picture: in/notes.txt"
    assert [name for name in files("out") if "attention" not in name] == [
        "a.png",
        "b.mp4",
        "c.gif",
        "d.png",
        "still.png",
        "sub/e.webp",
    ]
    pixels, times = read_frames("out/sub/e.webp")
    assert [duration for _, duration in times] == [40, 80, 120]
    assert np.array_equal(pixels[:, 3], read_frames("in/sub/e.webp")[0][:, 3])
    masks, mask_times = read_frames("out/attention/b.mask.mp4")
    assert mask_times == read_frames("in/b.mp4")[1]
    assert np.abs(masks[:, 0].astype(int) - masks[:, 1]).max() < 3
    assert "attention/c.overlay.gif" in files("out")
    done = run("translate", "in", "-o", "out", "-m", model, "-r", "--skip-existing")
    assert done[:2] == (1, "0 of 1 clip translated to out; 6 were there already\n")


def test_page_takes_one_frame_of_an_animation_and_none_of_a_video(run: Run, model: Path) -> None:
    animation("in/a.webp")
    video("in/b.mp4")
    code, _, err = run("translate", "in", "-o", "out", "-m", model, "--page", "1")
    assert (code, files("out")) == (1, ["a.webp"])
    assert "in/b.mp4: range and page are of pictures" in err
    with Image.open("out/a.webp") as image:
        assert not image.is_animated


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["a.mp4", "-o", "b.png", "--crf", "9"], 2, "no output is a video: leave them out"),
        (["a.png", "-o", "b.png", "--crf", "9"], 2, "no output is a video: leave them out"),
        (["a.mp4", "-o", "b.mp4", "--keep-background", "--direction", "C2D"], 2, "No direction is named 'C2D'"),
        (["a.mp4", "-o", "a.mp4"], 2, "is itself an input"),
        (["a.mp4", "-o", "there.mp4"], 1, "exists already"),
        (["a.mp4", "-o", "b.jpg"], 2, r"clips are not written as \.jpg"),
        (["missing.mp4", "-o", "b.mp4"], 1, "no such file"),
        (["a.mp4", "a.png", "-o", "b.mp4"], 2, "2 pictures need a folder"),
    ],
)
def test_wrong_wishes_are_one_line_and_write_nothing(
    arguments: list[str], code: int, message: str, run: Run, model: Path
) -> None:
    video("a.mp4", 2)
    picture("a.png")
    Path("there.mp4").write_bytes(b"kept")
    before = files(".")
    status, _, err = run("translate", *arguments, "-m", model)
    assert (status, err.count("\n")) == (code, 1)
    assert re.search(message, err)
    assert files(".") == before
    assert Path("there.mp4").read_bytes() == b"kept"


def test_without_the_extra_a_video_is_named_with_the_remedy(
    run: Run, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    video("in/a.mp4", 2)
    picture("in/b.png")
    animation("in/c.gif")
    monkeypatch.setitem(sys.modules, "av", None)
    code, out, err = run("translate", "in", "-o", "out", "-m", model)
    assert (code, out, files("out")) == (1, "1 of 3 files translated to out\n", ["b.png"])
    assert err.count("pip install 'attn-i2i[video]'") == 2
    assert err.startswith("skipped: in/a.mp4 is a video: pip install")


def test_a_translator_gives_frames_one_by_one_and_keeps_none(tmp_path: Path) -> None:
    source = video(tmp_path / "a.mp4", 9)
    translate = translator(Brighten())
    made, alive = WeakSet(), []
    for result in translate.frames(source, keep_background=True, batch_size=1):
        untouched = (result.mask == 0).expand_as(result.image)
        assert untouched.any()
        assert torch.equal(result.image[untouched], result.source[untouched])
        made.update({result, result.origin})
        del result
        alive.append(len(made))
    assert len(alive) == 9
    assert max(alive) <= 2


def test_a_clip_may_be_limited_by_a_clip_of_masks(tmp_path: Path) -> None:
    source = video(tmp_path / "a.mp4", 3)
    masks = [np.zeros((32, 48, 3), np.uint8) for _ in range(3)]
    for i, mask in enumerate(masks):
        mask[:, : 10 + i] = 255
    write_video(tmp_path / "mask.mp4", masks, **EXACT)  # type: ignore[arg-type]
    translate = translator(Negative())
    for i, result in enumerate(translate.frames(source, mask=tmp_path / "mask.mp4")):
        assert torch.equal(result.image[..., 10 + i :], result.source[..., 10 + i :])
        assert not torch.equal(result.image[..., : 10 + i], result.source[..., : 10 + i])
    write_video(tmp_path / "short.mp4", masks[:2], **EXACT)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"short\.mp4 has fewer frames than a\.mp4"):
        translate.video(source, tmp_path / "b.mp4", mask=tmp_path / "short.mp4")
    assert not (tmp_path / "b.mp4").exists()


def test_styles_and_labels_are_those_of_a_call(tmp_path: Path) -> None:
    source = video(tmp_path / "a.mp4", 2)
    labelled = translator(Labelled(), domains=["a", "b", "c"]).frames(source, domain="b", temporal="off")
    assert next(labelled).image[0, 0, :3].tolist() == [0, 1, 0]
    for temporal in ("flow", "off"):
        for result in translator(Styled()).frames(source, style=[1.0, 2.0, 3.0], temporal=temporal):  # type: ignore[arg-type]
            assert result.style is not None
            assert result.style.tolist() == [1, 2, 3]


@pytest.mark.parametrize("metadata", [True, False])
def test_a_title_is_kept_unless_metadata_is_off(metadata: bool, tmp_path: Path) -> None:
    source = video(tmp_path / "a.mkv", 2, title="Moving")
    translator(Negative()).video(source, tmp_path / "b.mkv", metadata=metadata, temporal="off")
    with open_clip(tmp_path / "b.mkv") as clip:
        assert ("title" in clip.info.metadata) == metadata


def test_grey_videos_stay_grey_unless_colour_is_asked_for(tmp_path: Path) -> None:
    grey = [square(i).mean(2, keepdims=True).repeat(3, 2).astype(np.uint8) for i in range(2)]
    source = write_video(tmp_path / "a.mkv", grey, codec="ffv1", pixels="gray")
    with pytest.warns(PictureWarning, match="three equal channels"):
        assert next(translator(Brighten()).frames(source)).image.shape == (1, 32, 48)
    assert next(translator(Brighten()).frames(source, color=True)).image.shape == (3, 32, 48)


def test_progress_is_told_frame_by_frame_and_nothing_is_left_of_an_interruption(tmp_path: Path) -> None:
    source, heard = video(tmp_path / "a.mp4"), []

    def stop(done: int, total: int | None) -> None:
        heard.append((done, total))
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        translator(Brighten()).video(
            source, tmp_path / "b.mp4", beside={"mask": tmp_path / "m.mp4"}, progress=stop, encoding=Encoding(crf=9)
        )
    assert heard == [(1, 4), (2, 4), (3, 4)]
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]


def test_a_clip_that_breaks_midway_leaves_nothing(tmp_path: Path) -> None:
    source = animation(tmp_path / "a.png")
    data = bytearray(source.read_bytes())
    place = data.rindex(b"fdAT") + 12
    data[place : place + 12] = bytes(12)
    source.write_bytes(data)
    with pytest.raises(UnreadableFileError, match="at its frame 3"):
        translator(Brighten()).video(source, tmp_path / "b.png")
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
    assert extra.has_video()
