"""Directions and domains follow from whole words, all names together; what is unclear is asked, never guessed."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from attn_i2i.convert import convert, find_networks
from attn_i2i.convert.detect import RecognisedNetwork
from attn_i2i.convert.directions import Chosen, assign_slots
from attn_i2i.convert.names import DISCRIMINATOR_WORDS, words
from attn_i2i.models.config import read_config
from attn_i2i.plugins import zoo
from attn_i2i.types import AttnI2IError, ConversionError
from tests.helpers.commands import run_cli

CASE = Path(__file__).parent / "cases" / "cyclegan"


@pytest.fixture(scope="module")
def generator() -> dict[str, Tensor]:
    return dict(torch.load(CASE / "latest_net_G_A.pth"))


@pytest.fixture(scope="module")
def discriminator() -> dict[str, Tensor]:
    return dict(torch.load(CASE / "latest_net_D_A.pth"))


def is_discriminator(name: str) -> bool:
    return not DISCRIMINATOR_WORDS.isdisjoint(words(name))


Write = Callable[..., list[Path]]


@pytest.fixture
def write(generator: dict[str, Tensor], discriminator: dict[str, Tensor], tmp_path: Path) -> Write:
    """Files of these names: generators, or discriminators where the name has a D or a disc."""

    def write_all(*names: str) -> list[Path]:
        for place, name in enumerate(names):
            state = discriminator if is_discriminator(name) else generator
            torch.save({key: tensor + place / 100 for key, tensor in state.items()}, tmp_path / name)
        return [tmp_path / name for name in names]

    return write_all


ALONE = {
    "latest_net_G_A.pth": "A2B",
    "latest_net_G_B.pth": "B2A",
    "day2autumn_latest_net_G_A.pth": "A2B",
    "day2autumn_latest_net_G_B.pth": "B2A",
    "city2aerial.pth": "A2B",
    "G_BA.pth": "B2A",
    "gen_BA.ckpt": "B2A",
    "net_gen_ba.pth": "B2A",
    "G_AB_199.pth": "A2B",
    "G_YtoX.pth": "B2A",
    "netGB2A.pth": "B2A",
    "10_net_G_BtoA.pth": "B2A",
    "G_B_to_A.pth": "B2A",
    "A2B.pth": "A2B",
    "cycleGANs.pth": "A2B",
    "generator_f16.pth": "A2B",
}
UNCLEAR = ("G_b.pth", "G_A.pth", "F.pth", "gen_y.pth", "genB.pth", "latest_net_F.pth", "netG_F.pth")
CONTRADICTING = {
    "G_B2A_epoch_A2B.pth": "its name says B2A and A2B",
    "netG_A2B_BA.pth": "its name says A2B and B2A",
    "netG_A_B2A.pth": "its name says B2A, and by the letter A A2B",
    "latest_net_G_B_AtoB.pth": "its name says A2B, and by the letter B B2A",
    "netG_A_netG_B.pth": "its name says A and B",
    "G_A2A.pth": "its name says A2A",
    "horse2zebra_zebra2horse.pth": "its name says horse2zebra and zebra2horse",
}
TOGETHER = {
    ("netG_A.pth", "netG_B.pth", "netD_A.pth", "netD_B.pth"): ("A2B", "B2A", "B", "A"),
    ("netG_A2B.pth", "netD_B.pth"): ("A2B", "B"),
    ("netG_A2B.pth", "netG_B2A.pth", "netD_A.pth"): ("A2B", "B2A", "A"),
    ("G_AB.pth", "G_BA.pth", "D_A.pth", "D_B.pth"): ("A2B", "B2A", "A", "B"),
    ("gen_ab.pth", "disc_b.pth"): ("A2B", "B"),
    ("latest_net_G.pth", "latest_net_D.pth"): ("A2B", "B"),
    ("netG_B2A.pth", "netD.pth"): ("B2A", "A"),
    ("G.pth", "F.pth"): ("A2B", "B2A"),
    ("horse2zebra.pth", "zebra2horse.pth"): ("A2B", "B2A"),
}


@pytest.fixture
def assigned(generator: dict[str, Tensor], discriminator: dict[str, Tensor]) -> Callable[..., dict[str, str]]:
    """The slots that networks in files of these names get."""

    def assign(*names: str, chosen: Chosen = None) -> dict[str, str]:
        found: list[RecognisedNetwork] = []
        for name in names:
            found += find_networks(discriminator if is_discriminator(name) else generator, name, zoo().converters)
        return dict(zip(names, assign_slots(found, chosen)[0], strict=True))

    return assign


Assigned = Callable[..., dict[str, str]]
Networks = Callable[..., list[RecognisedNetwork]]


@pytest.fixture
def networks(generator: dict[str, Tensor]) -> Networks:
    """Different generators at these paths: a file, then its entries."""

    def place(*paths: tuple[str, ...]) -> list[RecognisedNetwork]:
        (found,) = find_networks(generator, "file.pth", zoo().converters)
        return [
            replace(found, path=path, state={key: tensor + i for key, tensor in found.state.items()})
            for i, path in enumerate(paths)
        ]

    return place


@pytest.mark.parametrize("name", ALONE)
def test_a_direction_is_a_whole_word_of_the_name(name: str, assigned: Assigned) -> None:
    assert assigned(name) == {name: ALONE[name]}


@pytest.mark.parametrize("name", UNCLEAR)
def test_an_unclear_name_is_asked_about(name: str, assigned: Assigned) -> None:
    with pytest.raises(ConversionError, match=rf"Which way {Path(name).stem} translates is unclear.*direction=\"B2A\""):
        assigned(name)
    assert assigned(name, chosen="B2A") == {name: "B2A"}


@pytest.mark.parametrize("name", CONTRADICTING)
def test_a_name_that_contradicts_itself_is_asked_about(name: str, assigned: Assigned) -> None:
    with pytest.raises(ConversionError, match=rf"unclear \({CONTRADICTING[name]}\): say direction=\"A2B\" or"):
        assigned(name)
    assert assigned(name, chosen="B2A") == {name: "B2A"}


@pytest.mark.parametrize(
    ("paths", "why"),
    [
        ([("netG_B2A", "netG_A2B")], "netG_A2B says A2B, and its file netG_B2A says B2A"),
        ([("latest_net_G_B", "state", "G_AB")], r"state\.G_AB says A2B, and its file latest_net_G_B says B2A"),
        ([("netG_B2A", "G_AB"), ("netG_B2A", "G_AB_ema")], "G_AB says A2B"),
        ([("horse2zebra", "zebra2horse")], "says zebra2horse, and its file horse2zebra says horse2zebra"),
        ([("net", "A2B", "netG_B2A")], "its name says A2B and B2A"),
        ([("netG_B2A", "G_AB"), ("netG_B2A", "G_BA")], None),
        ([("horse2zebra", "horse2zebra"), ("horse2zebra", "zebra2horse")], None),
        ([("A2B_and_B2A", "G_AB"), ("A2B_and_B2A", "G_BA")], None),
    ],
)
def test_a_file_that_contradicts_its_entry_is_asked_about(
    paths: list[tuple[str, ...]], why: str | None, networks: Networks
) -> None:
    if why is None:
        assert assign_slots(networks(*paths))[0] == ["A2B", "B2A"]
    else:
        with pytest.raises(ConversionError, match=why):
            assign_slots(networks(*paths))


@pytest.mark.parametrize(
    ("names", "why"),
    [
        (("netG_A2B.pth", "D_B2A.pth"), "its name says B2A, and the generators are A2B"),
        (("G_AB.pth", "G_BA.pth", "D_A2B.pth"), "its name says A2B, and the generators are A2B and B2A"),
        (("netG_A2B.pth", "netD_A_netD_B.pth"), "its name says A and B"),
        (("netG_A2B.pth", "netD_A_A2B.pth"), "its name says A2B and A"),
    ],
    ids=str,
)
def test_a_contradicting_discriminator_is_asked_about(names: tuple[str, ...], why: str, assigned: Assigned) -> None:
    with pytest.raises(ConversionError, match=rf"{names[-1]} looks at is unclear: {why}\. Say it: direction="):
        assigned(*names)
    assert assigned(*names, chosen={Path(names[-1]).stem: "B"})[names[-1]] == "B"


def test_the_example_of_a_question_repeats_what_is_told_and_names_versions(assigned: Assigned) -> None:
    with pytest.raises(ConversionError, match=r'direction=\{"G_BA": "B2A", "other": "A2B"\}'):
        assigned("G_BA.pth", "other.pth")
    with pytest.raises(ConversionError, match=r"another version of the same network \(leave_out=\['Gs'\]\)"):
        assigned("G.pth", "Gs.pth")


@pytest.mark.parametrize("names", TOGETHER, ids=", ".join)
def test_all_names_are_read_together(names: tuple[str, ...], assigned: Assigned) -> None:
    expected = TOGETHER[names]
    assert assigned(*names) == dict(zip(names, expected, strict=True))
    assert assigned(*names[::-1])[names[-1]] == (expected[-1] if "horse2zebra.pth" not in names else "A2B")


@pytest.mark.parametrize(
    "names",
    [("G_A.pth", "G_B.pth"), ("first.pth", "second.pth"), ("G_AB.pth", "other.pth"), ("netG_A.pth", "G_b.pth")],
    ids=", ".join,
)
def test_an_unclear_pair_is_asked_about_and_can_be_told(names: tuple[str, str], assigned: Assigned) -> None:
    with pytest.raises(ConversionError, match=r"unclear .*direction=\{\"\w+\": \"A2B\", \"\w+\": \"B2A\"\}"):
        assigned(*names)
    first, second = (name.partition(".")[0] for name in names)
    assert list(assigned(*names, chosen={second: "A2B", first: "B2A"}).values()) == ["B2A", "A2B"]
    assert list(assigned(*names, chosen=["there", "back"]).values()) == ["there", "back"]


def test_an_unclear_discriminator_is_asked_about_and_can_be_told(assigned: Assigned) -> None:
    names = ("horse2zebra.pth", "D_A.pth")
    with pytest.raises(
        ConversionError, match=r"Which domain D_A\.pth looks at is unclear.*direction=\{\"D_A\": \"A\"\}"
    ):
        assigned(*names)
    assert list(assigned(*names, chosen={"D_A": "B"}).values()) == ["A2B", "B"]


def test_a_name_that_nothing_has_is_refused(assigned: Assigned) -> None:
    with pytest.raises(ConversionError, match="No network is called 'G_C': there are netG_A"):
        assigned("netG_A.pth", chosen={"G_C": "A2B"})


def test_what_was_assumed_is_said_and_recorded(write: Write, tmp_path: Path) -> None:
    done = convert(write("zebra2horse.pth", "horse2zebra.pth"), tmp_path / "model")
    assert done.config.provenance["assumed"][0] == "A is zebra and B is horse, after the first file's name"
    assert "assumed: A is zebra" in done.summary()
    done = convert(write("pytorch_model.bin"), tmp_path / "alone")
    assert "translates A to B: nothing tells its direction" in read_config(tmp_path / "alone").provenance["assumed"][0]


def test_the_command_line_takes_names_and_lists(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = [str(file) for file in write("G_A.pth", "G_B.pth")]
    for name, option, directions in (
        ("named", "G_A=B2A, G_B=A2B", ["A2B", "B2A"]),
        ("ordered", "day2night,night2day", ["day2night", "night2day"]),
    ):
        out = tmp_path / name
        assert run_cli(["convert", *files, "-o", str(out), "--direction", option], monkeypatch) == 0
        assert read_config(out).directions == directions
    line = ["convert", *files, "-o", str(tmp_path / "model")]
    assert run_cli(line, monkeypatch) == 1
    for option, word in (("--weights", "best"), ("--as-layout", "none"), ("--direction", "1st,2nd")):
        assert run_cli([*line, option, word], monkeypatch) == 2, "a word that convert does not know is bad usage"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems keep names as text")
def test_a_name_that_is_no_text_converts_and_is_recorded(write: Write, tmp_path: Path) -> None:
    (file,) = write("plain.pth")
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9_netG_B2A.pth"))
    file.rename(odd)
    convert(odd, tmp_path / "model")
    assert list(read_config(tmp_path / "model").provenance["source_files"]) == ["caf\\xe9_netG_B2A.pth"]
    odd.write_text("nothing")
    with pytest.raises(AttnI2IError) as caught:
        convert(odd, tmp_path / "other")
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda tensor: tensor.mul(torch.nan), r"'model\.26\.weight' hold NaN"),
        (lambda tensor: tensor.mul(torch.inf), r"'model\.26\.weight' hold NaN or infinite"),
        (lambda tensor: tensor.double().mul(1e300), r"'model\.26\.weight' hold numbers beyond float32"),
        (lambda tensor: tensor.mul(100).to(torch.int8), r"'model\.26\.weight' are int8"),
        (lambda tensor: tensor.to(torch.float8_e4m3fn), r"'model\.26\.weight' are float8_e4m3fn"),
        (lambda tensor: tensor.to(torch.complex64), r"'model\.26\.weight' are complex64"),
    ],
)
def test_weights_that_mean_nothing_are_refused(
    change: Callable[[Tensor], Tensor], message: str, generator: dict[str, Tensor], tmp_path: Path
) -> None:
    torch.save({**generator, "model.26.weight": change(generator["model.26.weight"])}, tmp_path / "netG_A.pth")
    with pytest.raises(ConversionError, match=message):
        convert(tmp_path / "netG_A.pth", tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_the_search_for_networks_is_bounded() -> None:
    value = torch.zeros(1)
    for state in (
        {f"a.{i}." + "b." * 200 + "c": value for i in range(3000)},
        {f"{i}." * 100: value for i in range(1000)},
        {f"n{i}": value for i in range(30_000)},
        {"x" * 1000 + f"_optimizer{i}": value for i in range(1000)},
    ):
        started = time.process_time()
        with pytest.raises(ConversionError):
            find_networks(state, "file.pth", zoo().converters)
        assert time.process_time() - started < 6
