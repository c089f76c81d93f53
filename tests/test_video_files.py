"""Clips in and out: times, sounds, transparency and pixels are those of the input."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any
from weakref import WeakSet

import av
import numpy as np
import pytest
import torch
from PIL import Image

from attn_i2i.images import Picture, PictureWarning
from attn_i2i.types import ConfigError, UnreadableFileError
from attn_i2i.video import ClipInfo, Encoding, Frame, is_clip, open_clip, write_clip

from .helpers.clips import VIDEOS, copied, read_frames, sounds, square, write_animation, write_video


def same(times: list[tuple[int, int]], others: list[tuple[int, int]]) -> bool:
    """Whether frames are shown when the others are; how long the last one is, Matroska only tells by the usual rate."""
    return times[:-1] == others[:-1] and times[-1][0] == others[-1][0] and abs(times[-1][1] - others[-1][1]) < 3


@pytest.mark.parametrize("suffix", VIDEOS)
def test_a_video_keeps_its_times_its_sound_and_without_loss_its_pixels(suffix: str, tmp_path: Path) -> None:
    source = write_video(tmp_path / f"a{suffix}", map(square, range(7)), **VIDEOS[suffix])
    pixels, times = read_frames(source)
    assert len(times) == 7
    assert len({duration for _, duration in times}) > 1
    exact, exact_times = read_frames(copied(source, tmp_path / f"exact{suffix}", Encoding(lossless=True)))
    assert same(exact_times, times)
    assert np.array_equal(exact, pixels)
    lossy = copied(source, tmp_path / f"lossy{suffix}")
    near, near_times = read_frames(lossy)
    assert same(near_times, times)
    assert 0 < np.abs(near.astype(int) - pixels).mean() < 3
    assert sounds(lossy) == sounds(source)
    assert len(sounds(source)) > 5


@pytest.mark.parametrize(("suffix", "loop", "plays"), [(".gif", 2, 3), (".png", 3, 3), (".webp", 0, 0)])
def test_an_animation_keeps_its_durations_its_loops_and_its_transparency(
    suffix: str, loop: int, plays: int, tmp_path: Path
) -> None:
    frames = []
    for number in range(5):
        shown = np.zeros((21, 33, 4), np.uint8)
        shown[3 + number : 11 + number, 4 : 12 + number] = (200, 10 * number, 40, 255)
        frames.append(shown)
    durations = [40, 100, 30, 250, 370]
    source = write_animation(tmp_path / f"a{suffix}", frames, durations, loop)
    pixels, times = read_frames(copied(source, tmp_path / f"b{suffix}"))
    with open_clip(tmp_path / f"b{suffix}") as clip:
        assert (clip.info.plays, clip.info.size, clip.info.count) == (plays, (21, 33), 5)
        milliseconds = [int(duration * clip.info.time_base * 1000) for _, duration in times]
    assert milliseconds == durations
    assert np.array_equal(pixels.transpose(0, 2, 3, 1), np.stack(frames))


def test_grey_frames_stay_grey_and_what_lies_beside_them_is_named(tmp_path: Path) -> None:
    frames = [Image.new("L", (8, 8), level) for level in (9, 200)]
    frames[0].save(tmp_path / "a.png", save_all=True, append_images=frames[1:], duration=50)
    with open_clip(tmp_path / "a.png") as clip:
        assert [frame.picture.channels for frame in clip.frames()] == [1, 1]
    frames = [frame.convert("RGB") for frame in frames]
    frames[0].save(tmp_path / "a.webp", save_all=True, append_images=frames[1:], icc_profile=b"colours", lossless=True)
    with pytest.warns(PictureWarning, match="a colour profile"), open_clip(tmp_path / "a.webp") as clip:
        pass


def test_an_animation_of_sixteen_bits_is_refused(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "a.png"), "w", format="apng") as out:
        stream = out.add_stream("apng", rate=5)
        stream.height, stream.width, stream.pix_fmt = 8, 8, "rgb48be"
        for level in (99, 9999):
            deep = av.VideoFrame.from_ndarray(np.full((8, 8, 3), level, np.uint16), format="rgb48le")
            out.mux(stream.encode(deep.reformat(format="rgb48be")))
        out.mux(stream.encode(None))
    with pytest.raises(UnreadableFileError, match="16 bits a channel"):
        read_frames(tmp_path / "a.png")


def test_a_gif_that_plays_once_is_not_repeated(tmp_path: Path) -> None:
    frames = [np.full((8, 8, 4), (9, level, 9, 255), np.uint8) for level in (0, 200)]
    write_animation(tmp_path / "a.gif", frames, [50, 50], loop=0)
    data = (tmp_path / "a.gif").read_bytes()
    place = data.index(b"!\xff\x0bNETSCAPE2.0")
    (tmp_path / "once.gif").write_bytes(data[:place] + data[place + 19 :])
    copied(tmp_path / "once.gif", tmp_path / "b.gif")
    assert b"NETSCAPE" not in (tmp_path / "b.gif").read_bytes()


def turned(path: Path, matrix: list[int]) -> Path:
    """The MP4 with another display matrix, as phones write it."""
    data = bytearray(path.read_bytes())
    place = data.index(b"tkhd") + 44  # behind the times, the layer and the volume of a header of version 0
    data[place : place + 36] = np.array(matrix, ">i4").tobytes()
    path.write_bytes(data)
    return path


ONE = 1 << 16


@pytest.mark.parametrize(
    ("matrix", "turn"),
    [
        ([0, ONE, 0, -ONE, 0, 0], lambda frame: np.rot90(frame, -1)),
        ([0, -ONE, 0, ONE, 0, 0], lambda frame: np.rot90(frame)),
        ([-ONE, 0, 0, 0, -ONE, 0], lambda frame: np.rot90(frame, 2)),
        ([-ONE, 0, 0, 0, ONE, 0], lambda frame: frame[:, ::-1]),
    ],
    ids=["clockwise", "anticlockwise", "upside down", "mirrored"],
)
def test_a_turned_video_is_upright_and_says_so_no_more(matrix: list[int], turn: Any, tmp_path: Path) -> None:
    options = {"codec": "libx264rgb", "pixels": "rgb24", "options": {"qp": "0", "bf": "0"}, "aspect": Fraction(4, 3)}
    source = write_video(tmp_path / "a.mp4", map(square, range(2)), **options)  # type: ignore[arg-type]
    turned(source, [*matrix, 0, 0, 1 << 30])
    pixels, _ = read_frames(copied(source, tmp_path / "b.mp4", Encoding(lossless=True)))
    assert np.array_equal(pixels[1].transpose(1, 2, 0), turn(square(1)))
    with av.open(str(tmp_path / "b.mp4")) as file:
        frame = next(file.decode(video=0))
        assert not frame.rotation
        sideways = frame.height > frame.width
        assert file.streams.video[0].sample_aspect_ratio == (Fraction(3, 4) if sideways else Fraction(4, 3))


@pytest.mark.parametrize("suffix", [".mp4", ".webm"])
def test_odd_sizes_stay(suffix: str, tmp_path: Path) -> None:
    options = {"pixels": "yuv444p"} if suffix == ".mp4" else VIDEOS[suffix] | {"sound": None}
    source = write_video(tmp_path / f"a{suffix}", [square(i, (31, 33)) for i in range(3)], **options)
    pixels, _ = read_frames(copied(source, tmp_path / f"b{suffix}"))
    assert pixels.shape == (3, 3, 31, 33)
    assert np.abs(pixels[2].transpose(1, 2, 0).astype(int) - square(2, (31, 33))).mean() < 6


def test_ten_bits_stay_ten_and_are_said_to_be_lost_where_they_are(tmp_path: Path) -> None:
    deep = np.repeat(np.arange(0, 65536, 1024, dtype=np.uint16)[None, :, None], 32, 0).repeat(3, 2)
    source = write_video(tmp_path / "a.mkv", [deep] * 2, pixels="yuv420p10le", options={"crf": "0"})
    copied(source, tmp_path / "b.mkv")
    for name in ("b.mkv", "a.mkv"):
        with av.open(str(tmp_path / name)) as file:
            assert file.streams.video[0].codec_context.pix_fmt == "yuv420p10le"
    with pytest.warns(PictureWarning, match="10 bits a channel become 8"):
        copied(source, tmp_path / "b.webm")


def test_high_definition_without_a_word_on_its_colours_is_read_as_players_do(tmp_path: Path) -> None:
    frame = np.full((720, 16, 3), (200, 60, 30), np.uint8)
    made = av.VideoFrame.from_ndarray(frame, format="rgb24").reformat(format="yuv444p", dst_colorspace=1)
    by_709 = made.reformat(format="rgb24", src_colorspace=1).to_ndarray()[0, 0]
    made.colorspace = 2
    with av.open(str(tmp_path / "a.mkv"), "w") as out:
        stream = out.add_stream("ffv1", rate=5)
        stream.height, stream.width, stream.pix_fmt = 720, 16, "yuv444p"
        out.mux(stream.encode(made))
        out.mux(stream.encode(None))
    pixels, _ = read_frames(tmp_path / "a.mkv")
    assert np.array_equal(pixels[0, :, 0, 0], by_709)
    near, _ = read_frames(copied(tmp_path / "a.mkv", tmp_path / "b.mkv"))
    assert np.abs(near.astype(int) - pixels).max() < 4


def test_frames_do_not_pile_up(tmp_path: Path) -> None:
    source = write_video(tmp_path / "a.mp4", map(square, range(9)))
    made, alive = WeakSet(), []
    with open_clip(source) as clip, write_clip(tmp_path / "b.gif", clip.info) as writer:
        for frame in clip.frames():
            writer.write(frame)
            made.add(frame.picture)
            del frame
            alive.append(len(made))
    assert len(alive) == 9
    assert max(alive) <= 1


def test_a_title_is_kept_unless_it_is_to_be_left_out(tmp_path: Path) -> None:
    source = write_video(tmp_path / "a.mkv", map(square, range(2)), title="Moving")
    with open_clip(source) as clip:
        assert clip.info.metadata["title"] == "Moving"
        assert clip.info.bare().metadata == {}
    with av.open(str(copied(source, tmp_path / "b.mkv"))) as file:
        assert file.metadata["title"] == "Moving"


def test_an_animation_is_told_from_a_still_picture(tmp_path: Path) -> None:
    frames = [np.full((8, 8, 4), (9, level, 9, 255), np.uint8) for level in (0, 200)]
    for suffix in (".gif", ".png", ".webp"):
        assert is_clip(write_animation(tmp_path / f"moving{suffix}", frames, [50, 50], 0))
        assert not is_clip(write_animation(tmp_path / f"still{suffix}", frames[:1], [50], 0))
    (tmp_path / "none.gif").write_bytes(b"GIF89a")
    assert not is_clip(tmp_path / "none.gif")
    assert is_clip(tmp_path / "a.MP4")
    assert not is_clip(tmp_path / "._a.mp4")


def written(target: Path, frames: list[tuple[int, int]], plays: int = 1) -> list[tuple[int, int]]:
    """When frames are shown that were to be from a start on for so many milliseconds."""
    with write_clip(target, ClipInfo("a", "mp4", (16, 16), Fraction(1, 1000), plays=plays)) as writer:
        for start, duration in frames:
            writer.write(Frame(Picture(torch.rand(3, 16, 16)), start, duration))
    with open_clip(target) as clip:
        base = 1000 * clip.info.time_base
        return [(int(frame.start * base), int(frame.duration * base)) for frame in clip.frames()]


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".apng"])
def test_an_animation_says_no_other_times_than_it_was_given(suffix: str, tmp_path: Path) -> None:
    for first in (5000, -40):
        times = written(tmp_path / f"{first}{suffix}", [(first, 100), (first + 100, 200)])
        assert times == [(0, 100), (100, 200)]
    for seconds in (700, 20_000, 10**8):
        if seconds < {".gif": 655, ".webp": 16_777, ".apng": 65_535}[suffix]:
            continue
        with pytest.raises(ConfigError, match=rf"b\{suffix}: a frame is shown for {seconds} seconds, and"):
            written(tmp_path / f"b{suffix}", [(0, 100), (100, 1000 * seconds)])
        assert not (tmp_path / f"b{suffix}").exists()


@pytest.mark.parametrize(("suffix", "most"), [(".gif", 65536), (".webp", 65535), (".apng", 65535)])
def test_more_plays_than_a_format_can_say_are_as_many_as_it_can(suffix: str, most: int, tmp_path: Path) -> None:
    with pytest.warns(PictureWarning, match=f"shown {most} times, the most that {suffix} can say, and not 1000000"):
        written(tmp_path / f"a{suffix}", [(0, 100), (100, 100)], plays=10**6)
    with open_clip(tmp_path / f"a{suffix}") as clip:
        assert clip.info.plays == most
