"""Clips in and out: times, sounds, transparency and pixels are those of the input."""

from __future__ import annotations

import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any
from weakref import WeakSet

import av
import numpy as np
import pytest
import torch
from PIL import Image

from attn_i2i.files import DiskFullError, WriteError
from attn_i2i.images import Picture, PictureWarning
from attn_i2i.types import ConfigError, UnreadableFileError
from attn_i2i.video import ClipInfo, Encoding, Frame, extra, is_clip, open_clip, write_clip
from attn_i2i.video.containers import Video
from attn_i2i.video.video_writer import VideoWriter

from .helpers.clips import read_frames, sounds, square, write_animation, write_sound, write_video
from .helpers.translators import Brighten, translator

VIDEOS = {
    ".mp4": {"sound": "aac"},
    ".mov": {"sound": "aac"},
    ".mkv": {"sound": "aac"},
    ".webm": {"codec": "libvpx-vp9", "sound": "libopus", "options": {"deadline": "realtime"}},
}


def copied(
    source: Path,
    target: Path,
    encoding: Encoding = Encoding(),  # noqa: B008  # a constant
    force: bool = False,
    each: Callable[[Frame], None] = lambda frame: None,
) -> Path:
    """The clip ``source`` read and written frame by frame."""
    with (
        open_clip(source) as clip,
        write_clip(target, clip.info, tracks=clip.tracks, encoding=encoding, force=force) as writer,
    ):
        for frame in clip.frames(writer.copy):
            writer.write(frame)
            each(frame)
    return target


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
        ("b.gif", {"crf": 3}, "leave them out for animations"),
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


def test_a_title_is_kept_unless_it_is_to_be_left_out(tmp_path: Path) -> None:
    source = write_video(tmp_path / "a.mkv", map(square, range(2)), title="Moving")
    with open_clip(source) as clip:
        assert clip.info.metadata["title"] == "Moving"
        assert clip.info.bare().metadata == {}
    with av.open(str(copied(source, tmp_path / "b.mkv"))) as file:
        assert file.metadata["title"] == "Moving"


def test_transparency_is_not_lost_in_silence(tmp_path: Path) -> None:
    frames = [np.full((16, 16, 4), (level, 9, 9, 0 if level else 255), np.uint8) for level in (0, 90)]
    source = write_animation(tmp_path / "a.webp", frames, [50, 50], 0)
    with pytest.raises(ConfigError, match="holds no transparency"):
        copied(source, tmp_path / "b.mp4")


def test_an_animation_is_told_from_a_still_picture(tmp_path: Path) -> None:
    frames = [np.full((8, 8, 4), (9, level, 9, 255), np.uint8) for level in (0, 200)]
    for suffix in (".gif", ".png", ".webp"):
        assert is_clip(write_animation(tmp_path / f"moving{suffix}", frames, [50, 50], 0))
        assert not is_clip(write_animation(tmp_path / f"still{suffix}", frames[:1], [50], 0))
    (tmp_path / "none.gif").write_bytes(b"GIF89a")
    assert not is_clip(tmp_path / "none.gif")
    assert is_clip(tmp_path / "a.MP4")
    assert not is_clip(tmp_path / "._a.mp4")


def test_a_missing_package_is_one_line_that_helps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(ConfigError, match=r"pip install 'attn-i2i\[video\]'"), open_clip(tmp_path / "a.mp4"):
        pass
    assert not extra.has_video()


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
