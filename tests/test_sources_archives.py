"""Archives that a source may send: without the model, encrypted, full of links, too large to unpack."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import tarfile
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from attn_i2i.hub.sources import FetchError, fetch_model
from attn_i2i.hub.sources import unpack as archives
from attn_i2i.hub.sources.fetch import by_hand
from attn_i2i.hub.sources.unpack import unpack
from attn_i2i.models.cards import get_card
from attn_i2i.models.places import model_store

from .helpers.archives import tarred, zipped
from .helpers.fakesources import FakeSources
from .helpers.sources import CHECKPOINT, card, digest, source


def encrypted() -> bytes:
    """A zip whose member says that it needs a password."""
    body = bytearray(zipped({"net.pth": CHECKPOINT}))
    body[6] |= 1
    body[body.rindex(b"PK\1\2") + 8] |= 1
    return bytes(body)


def linked() -> bytes:
    """A tar whose only fitting members are links."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE):
            info = tarfile.TarInfo("net.pth")
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
    return stream.getvalue()


def bomb() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("net.pth", bytes(3_000_000))
    return stream.getvalue()


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (zipped({"net.pth": CHECKPOINT})[:-30], "no archive that can be read, or is cut off"),
        (zipped({"net.pth": CHECKPOINT}).replace(CHECKPOINT[:0] + b"PK\3\4", b"PK\3\5"), "no archive that can be read"),
        (b"neither zip nor tar" * 99, "no archive that can be read"),
        (encrypted(), "encrypted"),
        (bomb(), "it is no archive of weights"),
        (zipped({"other.pth": CHECKPOINT}), "should hold one net.pth, but 0 of its files fit; it holds other.pth"),
        (zipped({"a/net.pth": b"x", "b/net.pth": b"y"}), "2 of its files fit; it holds a/net.pth, b/net.pth"),
        (linked(), "should hold one net.pth, but 0 of its files fit"),
        (tarred({"net.pth": CHECKPOINT})[:-90], "no archive that can be read, or is cut off"),
        (lzma.compress(tarred({"net.pth": CHECKPOINT}, "w")), "packed by xz"),
        (zipped({"net.pth": b"no checkpoint"}), "what came is not the model"),
    ],
)
def test_an_archive_without_the_model_is_named(places: FakeSources, body: bytes, told: str) -> None:
    address = places.put("/pack.zip", body)
    one = card(source("http", address, members=("net.pth",), sums={"pack.zip": body}, size=len(body)))
    with pytest.raises(FetchError, match=told):
        fetch_model(one)
    assert not (model_store() / one.name).exists()


def test_a_member_other_than_the_cards_is_refused(places: FakeSources) -> None:
    body = zipped({"net.pth": CHECKPOINT})
    known = {"pack.zip": body, "net.pth": b"other"}
    one = card(source("http", places.put("/pack.zip", body), members=("net.pth",), sums=known, size=len(body)))
    with pytest.raises(FetchError, match=rf"net.pth has the SHA-256 {digest(CHECKPOINT)[:12]}"):
        fetch_model(one)


@pytest.mark.parametrize("packed", [gzip.compress, bz2.compress])
def test_a_tar_that_is_a_bomb_is_not_unpacked(tmp_path: Path, packed: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "bomb.tar"
    path.write_bytes(packed(tarred({"other": bytes(20_000_000), "net.pth": b"x"}, "w")))
    with pytest.raises(FetchError, match="unpacks to more than"):
        unpack(path, ["net.pth"], tmp_path)
    assert sorted(tmp_path.iterdir()) == [path]


def test_a_name_that_is_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    member = tarfile.TarInfo("long")
    member.size, member.type = 3_000_000, tarfile.GNUTYPE_LONGNAME
    path = tmp_path / "bomb.tar"
    path.write_bytes(member.tobuf(tarfile.GNU_FORMAT) + bytes(3_010_048))
    with pytest.raises(FetchError, match="a header of 3,000,000 bytes"):
        unpack(path, ["net.pth"], tmp_path)


def folders_with_notes(names: Iterable[str]) -> bytes:
    """A tar of folders, none of which is taken out, with a note of 100 characters each."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz", format=tarfile.PAX_FORMAT) as archive:
        for name in names:
            info = tarfile.TarInfo(name)
            info.type, info.pax_headers = tarfile.DIRTYPE, {"comment": "x" * 100}
            archive.addfile(info)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("pack", "bound", "least"),
    [
        (zipped, "MOST_MEMBERS", 4),
        (tarred, "MOST_MEMBERS", 4),
        (tarred, "MOST_CHARACTERS", 4 * len("0.pth")),
        (folders_with_notes, "MOST_MEMBERS", 4),
        (folders_with_notes, "MOST_CHARACTERS", 4 * (len("0.pth") + 100)),
    ],
)
def test_an_archive_of_endless_members_is_not_listed(
    tmp_path: Path, pack: Callable[[dict[str, bytes]], bytes], bound: str, least: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Empty members pack well, and each is an object in memory."""
    path = tmp_path / "pack"
    path.write_bytes(pack({f"{i}.pth": b"" for i in range(4)}))
    monkeypatch.setattr(archives, bound, least)
    with archives.opened(path) as archive:
        archive.sizes()
    monkeypatch.setattr(archives, bound, least - 1)
    with pytest.raises(FetchError, match=r"more than .* members, or names of more than"):
        unpack(path, ["0.pth"], tmp_path)


@pytest.mark.parametrize("name", ["../net.pth", "/etc/net.pth", "a/../../net.pth"])
@pytest.mark.parametrize("pack", [zipped, tarred])
def test_names_in_an_archive_lead_nowhere_else(
    tmp_path: Path, name: str, pack: Callable[[dict[str, bytes]], bytes]
) -> None:
    (tmp_path / "pack").write_bytes(pack({name: CHECKPOINT}))
    (tmp_path / "in").mkdir()
    assert unpack(tmp_path / "pack", ["net.pth"], tmp_path / "in") == [tmp_path / "in" / "net.pth"]
    assert not (tmp_path / "net.pth").exists()


def test_a_packed_tar_is_read_twice_however_many_members_are_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once for the names and once for the contents, in the order in which they lie there."""
    names = [f"{n}.pth" for n in range(8)]
    body = random.Random(0).randbytes(100_000)
    path = tmp_path / "many.tar.gz"
    path.write_bytes(tarred({name: body + name.encode() for name in names}))
    unpacked = []
    read = gzip._GzipReader.read  # type: ignore[attr-defined]

    def counted(self: object, size: int = -1) -> bytes:
        data = read(self, size)
        unpacked.append(len(data))
        return data

    monkeypatch.setattr("gzip._GzipReader.read", counted)
    (tmp_path / "out").mkdir()
    taken = unpack(path, names[::-1], tmp_path / "out")
    assert [one.name for one in taken] == names[::-1]
    assert [one.read_bytes() for one in taken] == [body + name.encode() for name in names[::-1]]
    assert sum(unpacked) < 2.2 * 8 * len(body)


def test_a_zip_whose_member_lies_before_its_start_is_damaged(tmp_path: Path) -> None:
    body = zipped({"net.pth": CHECKPOINT})
    directory = body.rindex(b"PK\1\2")
    path = tmp_path / "net.zip"
    path.write_bytes(body[:directory][:-9000] + body[directory:])  # all places are shifted by what is cut out
    (tmp_path / "out").mkdir()
    with pytest.raises(FetchError, match="is no archive that can be read, or is cut off"):
        unpack(path, ["net.pth"], tmp_path / "out")


def test_what_to_take_out_of_an_archive_of_several_models_is_said() -> None:
    told = by_hand(get_card("cut-cat2dog"))
    assert "unpack it (what counts is *cat2dog_cut_pretrained*/latest_net_G.pth), then: attn-i2i convert" in told
