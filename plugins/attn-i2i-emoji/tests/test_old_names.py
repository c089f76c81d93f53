"""What was called attn-i2i-emoji still works, and says where it is now."""

from __future__ import annotations

from pathlib import Path

import attn_i2i_tasks.emoji
import pytest
import typer
from attn_i2i_tasks.emoji import scenes
from typer.testing import CliRunner

import attn_i2i_emoji
from attn_i2i_emoji import plugin


@pytest.mark.parametrize(("old", "new"), [("make", "make_emoji"), ("Emoji", "Emoji"), ("Picture", "EmojiPicture")])
def test_old_names_are_the_new_ones_and_say_so(old: str, new: str) -> None:
    with pytest.warns(DeprecationWarning, match=f"attn_i2i_tasks.emoji.{new}"):
        assert getattr(attn_i2i_emoji, old) is getattr(attn_i2i_tasks.emoji, new)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        attn_i2i_emoji.nothing  # noqa: B018


def test_the_old_command_makes_the_folder_and_names_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("train_glyphs", "test_glyphs"):  # five of each, which is quick
        whole = getattr(scenes, name)
        monkeypatch.setattr(scenes, name, lambda *arguments, whole=whole: whole(*arguments)[:5])
    app = typer.Typer()
    app.callback()(lambda: None)
    plugin.register_commands(app)
    arguments = ["emoji", str(tmp_path / "data"), "--size", "16", "--per-glyph", "1", "--styles", "flat,noto"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    assert "attn-i2i task emoji" in done.stderr
    assert (tmp_path / "data/task.json").is_file()
