"""Clips that are broken, that a format cannot hold, or that nothing here can write: one line, and nothing is left."""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch

from attn_i2i.files import DiskFullError, WriteError
from attn_i2i.images import Picture
from attn_i2i.types import ConfigError, UnreadableFileError
from attn_i2i.video import ClipInfo, Encoding, Frame, extra, open_clip, write_clip
from attn_i2i.video.containers import Video
from attn_i2i.video.video_writer import VideoWriter

from .helpers.clips import VIDEOS, copied, read_frames, square, write_animation, write_sound, write_video
from .helpers.translators import Brighten, translator


def broken(tmp_path: Path, what: str) -> Path:
    """A clip that cannot be read, in one of the ways there are."""
    source = tmp_path / f"a{Path(what).suffix or '.mp4'}"
    if source.suffix in VIDEOS:
        write_video(source, map(square, range(5)), **VIDEOS[source.suffix])
    else:
        frames = [np.full((16, 16, 4), (9, 40 * level, 9, 255), np.uint8) for level in range(5)]
        write_animation(source, frames[:1] if "still" in what else frames, [50] * (1 if "still" in what else 5), 0)
    data = source.read_bytes()
    if what.startswith("cut"):
        source.write_bytes(data[: len(data) * 2 // 3])
    elif what.startswith("damaged"):
        source.write_bytes(data.replace(b"avc1", b"zzzz"))
    elif what.startswith("holes"):
        hole, begin, end = bytearray(data), data.index(b"mdat"), data.index(b"moov") - 8
        begin += (end - begin) // 3
        hole[begin:end] = bytes(end - begin)
        source.write_bytes(hole)
    elif what == "other":
        source.write_bytes(b"RIFF\x10\0\0\0AVI LIST" + bytes(16))
    elif what == "empty":
        source.write_bytes(b"")
    elif what == "sound":
        write_sound(source)
    return source


@pytest.mark.parametrize(
    ("what", "message"),
    [
        *((f"cut{suffix}", "cut short") for suffix in (*VIDEOS, ".gif", ".png", ".webp")),
        ("damaged.mp4", "damaged, or of a kind"),
        ("holes.mp4", "is damaged at about frame"),
        ("other", r"is no clip that is read here"),
        ("empty", "is empty"),
        ("sound", "has no video stream"),
        ("still.gif", "is a still picture"),
        ("still.png", "is a still picture"),
    ],
)
def test_what_is_no_whole_clip_is_named(what: str, message: str, tmp_path: Path) -> None:
    source = broken(tmp_path, what)
    with pytest.raises(UnreadableFileError, match=f"{source.name}.*{message}"):
        read_frames(source)


def test_nothing_is_left_of_a_clip_that_fails_and_nothing_is_overwritten(tmp_path: Path) -> None:
    source = write_video(tmp_path / "a.mp4", map(square, range(4)))

    def stop(frame: Frame) -> None:
        assert len(list(tmp_path.iterdir())) == 2
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        copied(source, tmp_path / "b.mp4", each=stop)
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]
    before = copied(source, tmp_path / "b.mp4").read_bytes()
    with pytest.raises(FileExistsError):
        copied(source, tmp_path / "b.mp4")
    assert (tmp_path / "b.mp4").read_bytes() == before
    copied(source, tmp_path / "b.mp4", force=True)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("b.avi", {}, r"clips are not written as \.avi"),
        ("b.webm", {"codec": "h264"}, r"h264 is not written into \.webm: use vp9"),
        ("b.gif", {"crf": 3}, "is an animation, and only videos have .*: leave them out"),
        ("b.mp4", {"crf": 3, "lossless": True}, "leave one of them out"),
        ("b.mp4", {"codec": "mpeg9"}, "expected one of h264"),
        ("b.mp4", {"crf": 99}, "from 0"),
        ("b.webm", {}, "does not hold audio of the kind aac"),
    ],
)
def test_what_a_format_cannot_hold_is_said(name: str, options: dict[str, Any], message: str, tmp_path: Path) -> None:
    source = write_video(tmp_path / "a.mp4", map(square, range(2)), sound="aac")
    with pytest.raises(ConfigError, match=message):
        copied(source, tmp_path / name, Encoding(**options))
    assert not (tmp_path / name).exists()


@pytest.mark.parametrize("name", ["b.mp4", "b.webp"])
def test_frames_that_no_encoder_takes_are_one_line(name: str, tmp_path: Path) -> None:
    info = ClipInfo("a", "mp4", (2, 20_000), Fraction(1, 25))
    frame = Frame(Picture(torch.zeros(3, 2, 20_000)), 0, 1)
    with (
        pytest.raises(WriteError, match=rf"{name} cannot be written.*20000x2 pixels"),
        write_clip(tmp_path / name, info) as writer,
    ):
        writer.write(frame)
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise av.error.OSError(28, "No space left on device")

    source = write_video(tmp_path / "a.mp4", map(square, range(2)))
    monkeypatch.setattr(VideoWriter, "_mux", full)
    with pytest.raises(DiskFullError, match=r"b\.mp4"):
        copied(source, tmp_path / "b.mp4")
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]


def test_transparency_is_not_lost_in_silence(tmp_path: Path) -> None:
    frames = [np.full((16, 16, 4), (level, 9, 9, 0 if level else 255), np.uint8) for level in (0, 90)]
    source = write_animation(tmp_path / "a.webp", frames, [50, 50], 0)
    with pytest.raises(ConfigError, match="holds no transparency"):
        copied(source, tmp_path / "b.mp4")


def test_a_missing_package_is_one_line_that_helps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(ConfigError, match=r"pip install 'attn-i2i\[video\]'"), open_clip(tmp_path / "a.mp4"):
        pass
    assert not extra.has_video()


@pytest.mark.parametrize("source", [b"GIF89a", 3, None])
def test_a_clip_that_is_no_path_is_one_line(source: Any, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"was given: expected a text or a path"):
        open_clip(source)
    with pytest.raises(ConfigError, match=r"clip=.* was given: expected a text or a path"):
        translator(Brighten()).video(source, tmp_path / "a.mp4")
    with pytest.raises(ConfigError, match=r"clip=.* was given: expected a text or a path"):
        translator(Brighten()).frames(source)


def test_what_ffmpeg_says_of_its_functions_is_not_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def damaged(*_: Any) -> Any:
        raise av.error.InvalidDataError(1, "Invalid data", "avcodec_send_packet()")

    source = write_video(tmp_path / "a.mp4", map(square, range(2)))
    monkeypatch.setattr(Video, "_decoded", damaged)
    with pytest.raises(
        UnreadableFileError, match=r"a\.mp4 is damaged or cut short: its beginning cannot be decoded\.$"
    ):
        read_frames(source)
