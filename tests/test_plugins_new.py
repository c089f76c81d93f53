"""``attn-i2i new-plugin`` writes a distribution that works as it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from attn_i2i.files import TargetExistsError
from attn_i2i.plugins.scaffold import new_plugin
from attn_i2i.types import ConfigError

from .helpers import processes
from .helpers.distributions import install
from .helpers.forked import forked_cli
from .helpers.source import ROOT

ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}


def outcome(folder: Path) -> subprocess.CompletedProcess[str]:
    """What pytest makes of the tests of a plugin."""
    options = ["-q", "-W", "error", "-p", "no:cacheprovider"]
    return processes.run("-m", "pytest", *options, cwd=folder, env=ENVIRONMENT)


@pytest.mark.slow
def test_its_tests_pass_as_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = forked_cli(tmp_path, "new-plugin", "my-gan")
    assert (
        done.stdout
        == "plugin written to attn-i2i-my-gan; next: pip install -e 'attn-i2i-my-gan[test]' && pytest attn-i2i-my-gan\n"
    )
    assert "1 passed" in outcome(tmp_path / "attn-i2i-my-gan").stdout


PARTS = {"discriminators": "discriminator", "recipes": "recipe"}
FURTHER = """
from attn_i2i.blocks import PatchDiscriminator
from attn_i2i.losses import adversarial, cycle
from attn_i2i.recipes import CycleOptions, CycleRecipe, RecipeFactory


def discriminator(width: int = 16) -> PatchDiscriminator:
    return PatchDiscriminator(3, width, layers=2)


recipe = RecipeFactory(
    name="my-gan",
    summary="CycleGAN's training without its identity term.",
    loop=CycleRecipe,
    training=CycleOptions,
    generator="my-gan",
    discriminator="my-gan",
    objective={"adversarial": (1.0, adversarial), "cycle": (10.0, cycle)},
    presets={"released": {}},
)
"""


@pytest.mark.slow
def test_its_tests_pass_after_its_author_added_parts(tmp_path: Path) -> None:
    folder = new_plugin("my-gan", tmp_path / "plugin")
    (folder / "attn_i2i_my_gan/training.py").write_text(FURTHER)
    lines = [f'    zoo.{kind}.add("my-gan", "attn_i2i_my_gan.training:{part}")' for kind, part in PARTS.items()]
    with (folder / "attn_i2i_my_gan/__init__.py").open("a") as file:
        file.write("\n".join([*lines, ""]))
    assert "1 passed" in outcome(folder).stdout
    (folder / "attn_i2i_my_gan/__init__.py").write_text(
        "from attn_i2i import hookimpl\n\n\n@hookimpl\ndef register_components(zoo): ...\n"
    )
    assert "no part is registered" in outcome(folder).stdout


def test_the_projects_own_distributions_are_taken(tmp_path: Path) -> None:
    for name in (*(file.parent.name for file in ROOT.glob("plugins/*/pyproject.toml")), "attn-i2i-attn-i2i"):
        with pytest.raises(ConfigError, match="is taken by a distribution of this project: choose another name"):
            new_plugin(name, tmp_path / "plugin")


@pytest.mark.parametrize("name", ["cyclegan", "attentiongan", "attn-i2i-ugatit", "attentiongan2"])
def test_a_name_that_is_taken_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"taken by the (plugin|generator of the plugin) \w+: choose another name"):
        new_plugin(name, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_installed_it_is_found_and_keeps_the_contract(tmp_path: Path) -> None:
    source = new_plugin("attn-i2i-sepia", tmp_path / "elsewhere")
    (tmp_path / "site").mkdir()
    site = install(tmp_path / "site", source)
    rows = {one["name"]: one for one in json.loads(forked_cli(site, "plugins", "--json").stdout)}
    assert rows["sepia"]["adds"] == {"generator": ["sepia"]}
    assert (rows["sepia"]["distribution"], rows["sepia"]["problem"]) == ("attn-i2i-sepia", None)
    checked = forked_cli(site, "plugins", "check", "sepia", "-c", "width=4")
    assert checked.stdout == "ok   generator sepia\nsepia: 1 of 1 parts keep the contract\n"


def test_it_asks_for_this_version_and_imports_nothing_heavy(tmp_path: Path) -> None:
    source = new_plugin("light", tmp_path / "light")
    project = tomllib.loads((source / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["dependencies"][0] == "attn-i2i>=0.1.0"
    assert project["entry-points"]["attn_i2i"] == {"light": "attn_i2i_light"}
    code = "import attn_i2i_light, sys; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], cwd=source, env=ENVIRONMENT, check=True)


@pytest.mark.parametrize("name", ["", "My-Gan", "class", "../up", "two--hyphens", "3d", "a b"])
def test_a_name_that_cannot_be_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot name a plugin"):
        new_plugin(name, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_nothing_is_overwritten_unasked(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "work.txt").write_text("mine")
    with pytest.raises(TargetExistsError):
        new_plugin("kept", tmp_path / "kept")
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["work.txt"]
    for project in ("", "[project]\nname = 'mine'\n", "no TOML"):
        with pytest.raises(TargetExistsError, match="not the plugin attn-i2i-kept"):
            new_plugin("kept", tmp_path / "kept", force=True)
        (tmp_path / "kept" / "pyproject.toml").write_text(project)
    assert (tmp_path / "kept" / "work.txt").read_text() == "mine"
    written = new_plugin("ours", tmp_path / "ours")
    (written / "README.md").unlink()
    new_plugin("ours", written, force=True)
    assert (written / "README.md").is_file()
