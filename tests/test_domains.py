"""A domain is names or a vector, and never one taken for the other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from attn_i2i.translate.domains import domain_of_options, domain_vector
from attn_i2i.types import AttnI2IError, ConfigError, UnknownNameError

from .helpers.translators import Labelled, noise, translator

LETTERS = ["a", "b", "c"]
DIGITS = ["0", "1", "2"]


def vector(domain: Any, names: list[str] | None) -> list[float]:
    found = domain_vector(domain, names, len(names or LETTERS))
    assert found is not None
    assert (found.shape[0], found.dtype) == (1, torch.float32)
    return found[0].tolist()


@pytest.mark.parametrize("names", [LETTERS, DIGITS, None])
@pytest.mark.parametrize(
    "domain",
    [
        [0, 0, 1], (0.0, 0.0, 1.0), [False, False, True], np.array([0, 0, 1]), np.array([[0, 0, 1]], np.uint8),
        [np.int64(0), np.float32(0), np.int8(1)], torch.tensor([0, 0, 1]), torch.tensor([[0.0, 0, 1]]),
        [torch.tensor(0), 0, torch.tensor(1)], "[0,0,1]", " [0, 0, 1.0] ",
    ],
    ids=str,
)  # fmt: skip
def test_numbers_are_a_vector_whatever_the_labels_are_called(domain: Any, names: list[str] | None) -> None:
    assert vector(domain, names) == [0, 0, 1]


@pytest.mark.parametrize("domain", ["2", ["2"], {"2"}, np.array(["2"]), " 2 "])
def test_texts_are_names_even_of_digits(domain: Any) -> None:
    assert vector(domain, DIGITS) == [0, 0, 1]


def test_several_names() -> None:
    assert vector("0,2", DIGITS) == vector(["0", "2"], DIGITS) == vector(["0,2"], DIGITS) == [1, 0, 1]
    assert vector("0,1,2", DIGITS) == [1, 1, 1], "2 is no number of a vector"
    assert vector("0,0,1", LETTERS) == [0, 0, 1]
    assert vector("0.5,0,1", DIGITS) == [0.5, 0, 1], "0.5 is no name"
    assert vector("1", ["1"]) == [1], "both readings say the same"


@pytest.mark.parametrize(("domain", "names"), [("0,0,1", DIGITS), ("1,0,1", DIGITS), ("0,1", ["0", "1"])])
def test_what_could_be_both_says_how_to_write_each(domain: str, names: list[str]) -> None:
    with pytest.raises(ConfigError, match=r"could be the names .*\(domain=\['.*or the vector \(domain=") as caught:
        vector(domain, names)
    assert f'"[{domain}]"' in str(caught.value)


def test_a_name_with_a_comma_can_be_chosen() -> None:
    names = ["Hair, black", "Hair", "Male"]
    assert vector("Hair, black", names) == vector(["Hair, black"], names) == [1, 0, 0]
    assert vector(["Hair, black", "Male"], names) == [1, 0, 1]
    with pytest.raises(ConfigError, match=r"the name 'a,b' .* or the names a, b"):
        vector("a,b", ["a", "b", "a,b"])
    assert vector(domain_of_options(["a,b"]) and ["a,b"], ["a", "b", "a,b"]) == [0, 0, 1]


def test_options_of_the_command_line() -> None:
    assert domain_of_options(None) is domain_of_options([]) is None
    assert domain_of_options(["0,0,1"]) == "0,0,1"
    assert vector(domain_of_options(["a,b", "c"]), LETTERS) == [1, 1, 1]


@pytest.mark.parametrize(
    "domain",
    [2, 2.0, np.int64(2), torch.tensor(2), True, [], (), {"a": 1}, b"a", ["a", 1], {0, 1}, [[0, 0, 1]], object()],
)
@pytest.mark.parametrize("names", [LETTERS, DIGITS])
def test_what_is_neither_is_an_error(domain: Any, names: list[str]) -> None:
    with pytest.raises(ConfigError, match=r"expected 3 numbers from 0 to 1, or names: ") as caught:
        vector(domain, names)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "domain", [[0, 1], [2, 0, 0], [-1, 0, 0], [float("nan"), 0, 0], "2,0,0", "[2,0,0]", "1,0", "[a]"]
)
def test_vectors_of_another_length_or_range_are_errors(domain: Any) -> None:
    with pytest.raises(ConfigError, match="3 numbers from 0 to 1"):
        vector(domain, LETTERS)


@pytest.mark.parametrize("domain", ["A", ["A"], "a,B", "d", ""])
def test_unknown_names_get_the_right_ones(domain: Any) -> None:
    with pytest.raises(UnknownNameError, match="This model knows a, b, c"):
        vector(domain, LETTERS)


def test_a_name_for_each_picture_is_not_taken_for_two_labels() -> None:
    translate = translator(Labelled(), domains=["red", "blue", "green"])
    with pytest.raises(ConfigError, match=r"for 2 pictures: .*domain='red,blue'.*one by one"):
        translate([noise(), noise()], domain=["red", "blue"])
    for result in translate([noise(), noise()], domain="red,blue"):
        assert result.image[0, 0, :3].tolist() == [1, 1, 0]
    assert translate(noise(), domain=["red", "blue"]).image[0, 0, :3].tolist() == [1, 1, 0]
    assert len(translate([noise()] * 3, domain=[1, 0, 0])) == 3, "numbers are a vector"


def test_one_domain_takes_none() -> None:
    assert domain_vector(None, None, None) is None
    with pytest.raises(AttnI2IError, match="leave it out"):
        domain_vector([1], None, None)
