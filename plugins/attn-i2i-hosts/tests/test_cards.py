"""The cards of published files are known to everything that goes by names."""

from __future__ import annotations

from pathlib import Path

import pytest
from attn_i2i.hub.mirror import mirror_models
from attn_i2i.models.cards import cards

LEFT_OUT = {
    "drit-yosemite": "nobody says under what licence",
    "munit-edges2shoes": "By hand: get the file at",
    "unit-gta2city": "By hand: get the file at",
}


def test_cards_whose_files_only_a_person_can_get_are_left_out_of_a_mirror(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATTN_I2I_HOME", str(tmp_path))
    monkeypatch.setattr("attn_i2i.hub.mirror.require_account", lambda owner: None)
    assert cards().keys() >= LEFT_OUT.keys()
    for name, done in mirror_models([*LEFT_OUT], "me", accept_license=True):
        assert done.published is None
        assert done.told.startswith("left out: ")
        assert LEFT_OUT[name] in done.told
