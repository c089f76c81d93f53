"""A Translator goes into other processes: by pickle, and through those that are spawned."""

from __future__ import annotations

import copy
import multiprocessing
import pickle
import shutil
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
import torch

from attn_i2i import load
from attn_i2i.files import save_safetensors
from attn_i2i.interfaces import channels_of
from attn_i2i.models import create
from attn_i2i.models.cards import list_models
from attn_i2i.models.checksums import write_sums
from attn_i2i.translate.translator import Translator
from attn_i2i.types import ModelError

from .helpers.commands import write_model
from .helpers.translators import Negative, noise, translator

SHIPPED = list_models(installed=True)


def translated(translate: Translator, seed: int) -> torch.Tensor:
    """What a child process is asked for."""
    torch.set_num_threads(1)
    return translate(noise(64, 64)).image + 0 * seed


@pytest.mark.parametrize("used", [False, True])
@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_model_pickles(name: str, used: bool) -> None:
    translate = load(name, device="cpu")
    options = {"domain": translate.domains[0]} if translate.domains else {}
    picture = torch.rand(channels_of(translate.generator)[0], 64, 64)
    expected = translate(picture, **options) if used else None
    again = pickle.loads(pickle.dumps(translate))
    result = again(picture, **options)
    assert torch.equal(result.image, (expected or translate(picture, **options)).image)
    assert (again.directions, again.card, again.config) == (translate.directions, translate.card, translate.config)


def test_networks_that_were_not_used_go_by_path_and_others_by_value(tmp_path: Path) -> None:
    write_model(model := tmp_path, "attentiongan2", width=4, blocks=1)
    unused, used = load(model, device="cpu"), load(model, device="cpu")
    with torch.no_grad():
        for parameter in used.generator.parameters():
            parameter.mul_(0.5)  # as training it further would
    assert len(pickle.dumps(unused)) < 5000 < len(pickle.dumps(used))
    again = pickle.loads(pickle.dumps(used))
    assert torch.equal(again(noise()).image, used(noise()).image)
    assert not torch.equal(again(noise()).image, unused(noise()).image)
    lost = pickle.dumps(load(model, device="cpu"))
    shutil.rmtree(model)
    with pytest.raises(ModelError, match="missing"):
        pickle.loads(lost)(noise())
    assert torch.equal(pickle.loads(pickle.dumps(used))(noise()).image, used(noise()).image)


def test_a_model_is_found_from_another_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_model(tmp_path, "attentiongan2", width=4, blocks=1)
    monkeypatch.chdir(tmp_path.parent)
    expected = load(tmp_path, device="cpu")(noise()).image
    later = load(tmp_path.name, device="cpu")
    sent = pickle.dumps(later)
    monkeypatch.chdir("/")
    assert torch.equal(later(noise()).image, expected)
    assert torch.equal(pickle.loads(sent)(noise()).image, expected)


def test_a_folder_that_holds_another_model_by_now_is_named(tmp_path: Path) -> None:
    write_model(tmp_path, "cyclegan", width=4, blocks=1)
    write_sums(tmp_path)
    before = load(tmp_path, device="cpu")
    before(noise())
    weights = create("cyclegan", width=4, blocks=1).state_dict()  # as large, but drawn anew
    for direction in ("A2B", "B2A"):
        save_safetensors(weights, tmp_path / f"{direction}.safetensors", force=True)
    write_sums(tmp_path)
    before(noise())  # of the network that is there already
    with pytest.raises(ModelError, match="holds another model than when it was loaded: load it again"):
        before(noise(), direction="B2A")
    load(tmp_path, device="cpu")(noise(), direction="B2A")


def test_copies_and_precisions_survive() -> None:
    translate = translator(Negative(), dtype="float64")
    again = pickle.loads(pickle.dumps(copy.deepcopy(translate)))
    assert (again.dtype, again.device) == (torch.float64, torch.device("cpu"))
    assert torch.equal(again(noise()).image, translate(noise()).image)


def test_a_compiled_network_is_compiled_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[torch.nn.Module] = []
    monkeypatch.setattr(torch.nn.Module, "compile", lambda self, **_: compiled.append(self))
    translate = translator(Negative(), compile=True)
    translate(noise())
    again = pickle.loads(pickle.dumps(translate))
    again(noise())
    assert len(compiled) == 2


@pytest.mark.slow
def test_spawned_processes_translate_alike(tmp_path: Path) -> None:
    """The way that docs/quickstart.md gives for several processes."""
    write_model(tmp_path, "attentiongan2", width=4, blocks=1)
    translate = load(tmp_path, device="cpu")
    expected = translate(noise(64, 64)).image
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        assert torch.equal(pool.submit(translated, translate, 0).result(timeout=120), expected)
