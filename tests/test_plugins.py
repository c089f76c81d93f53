"""Plugins by others: found, listed, checked; a broken one is named and costs nothing but itself."""

from __future__ import annotations

import json
import os
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from attn_i2i import hookimpl
from attn_i2i.plugins import PluginManager, PluginWarning, allowed_plugins
from attn_i2i.plugins import _manager as plugins
from attn_i2i.plugins._manager import BUILTINS
from attn_i2i.plugins.listing import PluginInfo, describe
from attn_i2i.registry import Zoo
from attn_i2i.types import ConfigError, DuplicateNameError

from .helpers import processes
from .helpers.distributions import FOLDER, install
from .helpers.forked import forked_cli
from .helpers.source import ROOT

BROKEN = {
    "raises": "RuntimeError: no licence found for this machine",
    "exits": "SystemExit: goodbye",
    "panics": "PanicException: called `Option::unwrap()` on a `None` value",
    "wrong-argument": "Its hook register_components asks for 'registry'; it may ask for zoo only, by this name.",
    "unknown-hook": "There is no hook 'register_component'. Did you mean 'register_components'?",
    "no-hook": "implements no hook: mark register_components(zoo) with @attn_i2i.hookimpl",
    "duplicate": "generator 'cyclegan' is already supplied by plugin 'cyclegan': plugin 'duplicate' must choose",
    "needs-newer": "It needs attn-i2i >=99, this is 0.1.0",
}
EVERY = sorted(path.name for path in FOLDER.iterdir() if path.is_dir())


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on ``sys.path`` to install into; what is imported from it is forgotten."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    before = set(sys.modules)
    yield folder
    for name in set(sys.modules) - before:
        if name.startswith("fixture_"):
            del sys.modules[name]


def loaded(*names: str) -> tuple[PluginManager, list[str]]:
    """A manager with the installed plugins of these entry point names, and the warnings they caused."""
    manager = PluginManager()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", PluginWarning)
        manager.load_third_party(frozenset(names))
    return manager, [str(one.message) for one in caught if one.category is PluginWarning]


def info(manager: PluginManager, name: str) -> PluginInfo:
    (found,) = (one for one in describe(manager) if one.name == name)
    return found


def test_a_plugin_is_found_and_described(site: Path) -> None:
    install(site, "fine")
    manager, warned = loaded("fine")
    fine = info(manager, "fine")
    assert not warned
    assert (fine.distribution, fine.version, fine.builtin, fine.problem) == ("attn-i2i-fine", "1.2.3", False, None)
    assert fine.adds == {"generator": ["fine"], "command": ["hello"], "hook": ["fetch_file"]}
    assert manager.zoo.generators.load("fine")(width=4, blocks=1) is not None


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_plugin_is_named_and_costs_only_itself(name: str, site: Path) -> None:
    install(site, name, "fine")
    manager, (warned,) = loaded(name, "fine")
    assert warned.startswith(f"Plugin {name} (fixture_{name.replace('-', '_')}) was skipped: ")
    assert BROKEN[name] in warned
    assert "\n" not in warned
    assert BROKEN[name] in str(info(manager, name).problem)
    assert not manager.zoo.supplied(name)
    assert not manager.has_plugin(name)
    assert "fine" in manager.zoo.generators
    assert "half-done" not in manager.zoo.generators


def test_two_entry_points_of_one_name_leave_the_first(site: Path) -> None:
    install(site, "fine", "same-name")
    manager, (warned,) = loaded("fine")
    assert "Plugin fine (fixture_same_name) was skipped: another plugin is called 'fine' too" in warned
    assert "fine" in manager.zoo.generators
    assert [one.problem is None for one in describe(manager) if one.name == "fine"] == [True, False]


def test_a_slow_import_is_named_and_kept(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(site, "slow")
    monkeypatch.setattr(plugins, "SLOW_SECONDS", 0.1)
    manager, (warned,) = loaded("slow")
    assert "Plugin slow (fixture_slow) took 0." in warned
    assert info(manager, "slow").seconds > 0.1
    assert "slow" in manager.zoo.generators


def test_only_allowed_plugins_are_imported(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(site, *EVERY)
    monkeypatch.setenv("ATTN_I2I_PLUGINS", " careless ,")
    manager = PluginManager()
    manager.load_third_party(allowed_plugins())
    assert not info(manager, "careless").problem
    assert {name for name in sys.modules if name.startswith("fixture_")} == {"fixture_careless"}
    assert info(manager, "slow").problem == "not among those that ATTN_I2I_PLUGINS allows"


def test_the_allow_list_may_be_empty_or_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTN_I2I_PLUGINS", "")
    assert allowed_plugins() == frozenset()
    monkeypatch.delenv("ATTN_I2I_PLUGINS")
    assert allowed_plugins() is None


def test_a_misspelt_allowed_plugin_is_named(site: Path) -> None:
    install(site, "fine")
    _, (warned,) = loaded("fien")
    assert warned == "ATTN_I2I_PLUGINS allows 'fien', but no such plugin is installed. Did you mean 'fine'?"


def test_builtins_come_through_the_same_door() -> None:
    listed = describe(PluginManager())
    assert [one.name for one in listed] == list(BUILTINS)
    assert all(one.builtin and one.distribution == "attn-i2i" for one in listed)
    assert [next(iter(one.adds)) for one in listed] == ["generator"] * (len(listed) - 2) + ["measure", "card"]


class Late:
    """A plugin object rather than a module."""

    def __init__(self, name: str) -> None:
        self.name = name

    @hookimpl
    def register_components(self, zoo: Zoo) -> None:
        zoo.generators.add(self.name, "attn_i2i.builtin.cyclegan.networks:generator")


def test_objects_register_and_unregister_wholly() -> None:
    manager = PluginManager()
    plugin = Late("late")
    manager.register(plugin, "late")
    assert manager.zoo.supplied("late") == {"generator": ["late"]}
    manager.unregister(plugin)
    assert "late" not in manager.zoo.generators
    with pytest.raises(DuplicateNameError, match="'cyclegan'"):
        manager.register(Late("cyclegan"), "late")
    assert not manager.has_plugin("late")
    with pytest.raises(ConfigError, match="implements no hook"):
        manager.register(object(), "empty")


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every fixture distribution installed at once."""
    return install(tmp_path_factory.mktemp("site"), *EVERY)


def test_the_command_lists_all_and_names_the_broken(crowded: Path) -> None:
    environment = os.environ | {"PYTHONPATH": f"{crowded}{os.pathsep}{ROOT}"}
    done = processes.run("-m", "attn_i2i.cli", "plugins", "--json", env=environment)
    assert done.returncode == 0, done.stderr
    rows = {one["distribution"]: one for one in json.loads(done.stdout)}
    assert {f"attn-i2i-{name}" for name in EVERY} <= rows.keys()
    for name, problem in BROKEN.items():
        assert problem in rows[f"attn-i2i-{name}"]["problem"]
        assert f"warning: Plugin {name} (" in done.stderr
    assert rows["attn-i2i-fine"]["adds"]["command"] == ["hello"]
    text = forked_cli(crowded, "plugins").stdout
    assert "fine  (attn-i2i-fine 1.2.3, " in text
    assert "raises  (attn-i2i-raises 1.2.3)  not loaded: RuntimeError: no licence found for this machine" in text


def test_a_plugins_command_runs_beside_broken_plugins(crowded: Path) -> None:
    assert forked_cli(crowded, "hello").stdout == "hello\n"


def test_no_plugins_turns_them_off(crowded: Path) -> None:
    done = forked_cli(crowded, "plugins", "--json", "--no-plugins")
    assert done.stderr == ""
    assert all(one["builtin"] or one["problem"] for one in json.loads(done.stdout))
    assert forked_cli(crowded, "--no-plugins", "hello").returncode == 2


def test_check_says_what_is_wrong_in_the_authors_terms(crowded: Path) -> None:
    for name in ("careless", "fixture_careless"):  # as an entry point, and as a module
        done = forked_cli(crowded, "plugins", "check", name)
        assert done.returncode == 1
        bad, good, total = done.stdout.splitlines()
        expected = (
            "It returned a tensor of shape (2, 3, 48, 48), not a Translation: return attn_i2i.Translation(image=...)."
        )
        assert bad == f"FAIL generator careless: {expected}"
        assert good == "ok   head careful"
        assert total == f"{name}: 1 of 2 parts keep the contract"


def test_check_of_a_good_plugin_succeeds(crowded: Path) -> None:
    done = forked_cli(crowded, "plugins", "check", "fine", "-c", "width=4", "--config", "blocks=1")
    assert (done.returncode, done.stdout) == (0, "ok   generator fine\nfine: 1 of 1 parts keep the contract\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["duplicate"], "error: Plugin duplicate is not loaded: generator 'cyclegan' is already supplied"),
        (["panics"], "error: Plugin panics is not loaded: PanicException: called `Option::unwrap()` on a `None` value"),
        (["fixture_panics"], "error: No plugin is named fixture_panics (`attn-i2i plugins` lists them), and importing"),
        (["fixture_unknown_hook"], "error: There is no hook 'register_component'."),
        (["fixture_nowhere"], "error: No plugin is named fixture_nowhere (`attn-i2i plugins` lists them)"),
        (["fine", "-c", "width"], "error: --config width is not of the form KEY=VALUE"),
    ],
)
def test_check_fails_in_one_line(crowded: Path, arguments: list[str], message: str) -> None:
    done = forked_cli(crowded, "plugins", "check", *arguments)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith(message)
