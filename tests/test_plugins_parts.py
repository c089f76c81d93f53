"""A part that cannot be had is named and left out; commands of taken names name both; a model remembers."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import typer

from attn_i2i import hookimpl, load
from attn_i2i.convert import convert
from attn_i2i.hub.client import Repository
from attn_i2i.losses import cycle
from attn_i2i.models import ModelConfig, create, read_config, save_model
from attn_i2i.plugins import PluginManager, PluginWarning, manager
from attn_i2i.plugins._manager import DiscoveredPlugin, usable
from attn_i2i.plugins.listing import describe
from attn_i2i.registry import BrokenPartError, Entry, Zoo
from attn_i2i.testing.plugins import check_plugin
from attn_i2i.train.suppliers import suppliers_of
from attn_i2i.types import UnknownNameError

from .helpers.commands import Run
from .helpers.distributions import install
from .helpers.source import ROOT

CHECKPOINT = ROOT / "tests" / "cases" / "attentiongan_scheme2" / "latest_net_G_A.pth"


@pytest.mark.parametrize("target", ["fixture_nowhere:converter", "EXITS:converter"])
def test_a_converter_that_does_not_import_costs_only_itself(
    tmp_path: Path, session: Callable[[Any], None], exits: str, target: str
) -> None:
    session(lambda zoo: zoo.converters.add("mine", target.replace("EXITS", exits)))
    with pytest.warns(PluginWarning, match="The converter 'mine' of plugin 'mine' is left out: "):
        convert(CHECKPOINT, tmp_path / "model")
    assert read_config(tmp_path / "model").architecture == "attentiongan2"


def test_a_part_that_does_not_import_names_its_plugin(session: Callable[[Any], None], exits: str) -> None:
    session(lambda zoo: zoo.generators.add("mine", f"{exits}:generator"))
    with pytest.raises(
        BrokenPartError, match=rf"'mine' of the plugin 'mine' cannot be imported from {exits}:generator: S"
    ):
        create("mine")


def test_a_part_that_panics_is_named_and_ctrl_c_is_not_its_fault(
    tmp_path: Path, session: Callable[[Any], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "class PanicException(BaseException): ...\nraise {}('index out of bounds')\n"
    for module, error in (("fixture_panic", "PanicException"), ("fixture_interrupted", "KeyboardInterrupt")):
        (tmp_path / f"{module}.py").write_text(text.format(error))
    monkeypatch.syspath_prepend(str(tmp_path))
    session(lambda zoo: [zoo.recipes.add("mine", "fixture_panic:x"), zoo.recipes.add("built", panicking)])
    for name, problem in (("mine", "PanicException: index"), ("built", "PanicException: index")):
        (checked,) = (each for each in check_plugin(manager(), "mine") if each.name == name)
        assert problem in str(checked.problem)
    with pytest.warns(PluginWarning, match="The recipe 'mine' of plugin 'mine' is left out: 'mine' of the plugin"):
        assert "mine" not in usable(manager().zoo.recipes)
    with pytest.raises(KeyboardInterrupt):
        Entry("late", "fixture_interrupted:x", "mine").load()


@pytest.mark.parametrize("kind", ["generator", "discriminator", "head", "loss", "recipe"])
def test_a_part_that_is_no_function_is_named_with_its_plugin(session: Callable[[Any], None], kind: str) -> None:
    registry = next(registry for registry in manager().zoo.registries() if registry.kind == kind)
    session(lambda _: [registry.add("mine", 3), registry.add("lazy", f"{__name__}:__name__")])
    for checked, is_a in zip(check_plugin(manager(), "mine"), ("int", "str"), strict=True):
        with pytest.raises(BrokenPartError, match=f"of the plugin 'mine' is of type {is_a}, expected a function or"):
            registry.load(checked.name)
        assert f"'{checked.name}' of the plugin 'mine' is of type {is_a}" in str(checked.problem)


class Commands:
    """A plugin whose commands are added by a function."""

    def __init__(self, add: Callable[[typer.Typer], None]) -> None:
        self.add = add

    @hookimpl
    def register_commands(self, app: typer.Typer) -> None:
        self.add(app)


def leaving(app: typer.Typer) -> None:
    app.command("half-done")(lambda: None)
    raise SystemExit("goodbye")


class PanicException(BaseException):
    """What pyo3 raises for a panic of a Rust extension."""


def panicking(*arguments: object, **options: object) -> None:
    raise PanicException("index out of bounds")


def shadowing(app: typer.Typer) -> None:
    app.command("train")(lambda: print("not the training"))


def unreadable(app: typer.Typer) -> None:
    @app.command()
    def odd(value: list[list[int]]) -> None:
        """A parameter that no command line can give."""


def taking_over(app: typer.Typer) -> None:
    @app.callback()
    def everywhere() -> None:
        raise SystemExit("every command")


@pytest.mark.parametrize(
    ("add", "says"),
    [
        (leaving, "SystemExit: goodbye"),
        (panicking, "PanicException: index out of bounds"),
        (shadowing, "the command 'train' is already supplied by this package"),
        (unreadable, "AssertionError: List types with complex sub-types are not"),
        (taking_over, ""),
    ],
)
@pytest.mark.filterwarnings("default::attn_i2i.plugins.PluginWarning")
def test_commands_that_fail_cost_only_themselves(
    run: Run, session: Callable[[Any], None], add: Callable[[typer.Typer], None], says: str
) -> None:
    session(Commands(add))
    code, out, err = run("list", "cyclegan-flat2clay")
    assert code == 0
    assert "cyclegan-flat2clay" in out
    assert err.startswith("warning: the commands of plugin 'mine' were skipped: " if says else "")
    assert says in err
    assert run("half-done")[0] == 2


def test_a_plugin_that_fails_to_answer_for_the_hub_is_passed_over(session: Callable[[Any], None]) -> None:
    class Mirror:
        @hookimpl
        def fetch_file(self, filename: str) -> object:
            if filename == "odd":
                return 5
            if filename == "panic":
                panicking()
            raise SystemExit("no mirror today")

    session(Mirror())
    for name, says in (("config.json", "SystemExit: no mirror today"), ("odd", "TypeError"), ("panic", "PanicExc")):
        with pytest.warns(PluginWarning, match=f"Plugin 'mine' failed to answer for {name} of acme/model: {says}"):
            assert Repository("acme/model", None).from_plugins(name) is None


def test_the_listing_has_a_row_for_what_is_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = tmp_path / "site"
    site.mkdir()
    install(site, "fine")
    module = site / "fixture_fine.py"
    module.write_text(module.read_text().replace("attn_i2i.builtin.cyclegan.networks", "fixture_gone.networks"))
    monkeypatch.syspath_prepend(str(site))
    own = PluginManager()
    own.load_third_party(frozenset({"fine"}))
    sys.modules.pop("fixture_fine", None)
    (fine,) = (each for each in describe(own) if each.name == "fine")
    assert fine.broken == {"fine": "there is no module fixture_gone.networks"}


def test_a_model_of_a_plugin_that_is_gone_names_its_distribution(
    tmp_path: Path, session: Callable[[Any], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def add(zoo: Zoo) -> None:
        zoo.generators.add("mine", "attn_i2i.builtin.cyclegan.networks:generator")
        zoo.losses.add("edges", cycle)

    site = tmp_path / "site"
    site.mkdir()
    install(site, "fine")
    from importlib.metadata import distributions

    (found,) = (each for each in distributions(path=[str(site)]) if each.name == "attn-i2i-fine")
    (point,) = found.entry_points
    discovered = DiscoveredPlugin("mine", point)
    monkeypatch.setattr(manager(), "discovered", [*manager().discovered, discovered])
    session(add)
    small = {"width": 4, "blocks": 1}
    save_model(tmp_path / "model", ModelConfig("mine", small, ["A2B"]), {"A2B": create("mine", **small).state_dict()})
    assert read_config(tmp_path / "model").provenance == {"suppliers": {"mine": "attn-i2i-fine 1.2.3"}}
    options = {"generator": "mine", "objective.cycle": 1.0, "objective.flat": [2.0, "edges"], "generator.head": None}
    assert suppliers_of("cyclegan", options) == dict.fromkeys(("mine", "edges"), "attn-i2i-fine 1.2.3")
    assert isinstance(load(tmp_path / "model", device="cpu").generator, torch.nn.Module)
    manager().unregister(name="mine")
    discovered.problem = "not among those that ATTN_I2I_PLUGINS allows"
    with pytest.raises(UnknownNameError, match=r"attn-i2i-fine 1\.2\.3, which is installed but not loaded: not among"):
        _ = load(tmp_path / "model", device="cpu").generator
    manager().discovered.remove(discovered)
    with pytest.raises(
        UnknownNameError, match=r"attn-i2i-fine 1\.2\.3, which is not installed here: pip install attn-i2i-fine"
    ):
        _ = load(tmp_path / "model", device="cpu").generator


def test_builtin_parts_leave_no_trace_in_a_model(tmp_path: Path) -> None:
    small = {"width": 4, "blocks": 1}
    weights = create("cyclegan", **small).state_dict()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        save_model(tmp_path / "model", ModelConfig("cyclegan", small, ["A2B"]), {"A2B": weights})
    assert read_config(tmp_path / "model").provenance == {}
