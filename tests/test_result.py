"""What a result saves and shows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from attn_i2i.images.draw import contact_sheet
from attn_i2i.types import AttnI2IError, ConfigError

from .helpers.translators import Brighten, Negative, noise, translator


def test_results_are_saved_with_transparency_under_their_names(tmp_path: Path) -> None:
    rgba = noise(channels=4)
    Image.fromarray(rgba).save(tmp_path / "in.png")
    result = translator(Negative())(tmp_path / "in.png")
    (tmp_path / "out").mkdir()
    path = result.save(tmp_path / "out")
    assert path == tmp_path / "out" / "in.png"
    with Image.open(path) as saved:
        assert (np.asarray(saved)[..., 3] == rgba[..., 3]).all()
    with pytest.raises(AttnI2IError, match="exists already"):
        result.save(path)
    result.save(path, force=True)
    renamed = (tmp_path / "in.png").rename(tmp_path / "in.jpg")
    assert translator(Negative())(renamed).save(tmp_path / "out", force=True) == path


def test_pictures_of_a_result_show_what_they_say() -> None:
    array = noise(64, 64)
    result = translator(Brighten())(array)
    assert (np.asarray(result.mask_image()) == np.repeat([[255, 0]], 32, 1)).all()
    cutout = np.asarray(result.cutout())
    assert cutout.shape == (64, 64, 4)
    assert (cutout[..., 3] == np.repeat([[255, 0]], 32, 1)).all()
    assert result.overlay().size == result.heatmap_image().size == (64, 64)
    overlay = np.asarray(result.overlay()).astype(int)
    assert overlay[:, :32].sum() > overlay[:, 32:].sum()
    assert [label for label, _ in result.tiles()] == ["input", "mask", "overlay", "heatmap", "output"]
    width, height = result.grid().size
    assert 3 * 128 < height < 3 * 256
    assert 5 * 128 < width < 1600
    assert repr(result) == "Result('image', 64x64, masks=2, heatmap)"


@pytest.mark.parametrize(
    ("label", "drawn"),
    [("café Å ß.png", "cafe A \\xdf.png"), ("出.png", "\\u51fa.png"), ("ﬁ²\udce9\n", "fi2\\udce9\\n")],
)
def test_labels_are_drawn_in_letters_that_the_font_has(label: str, drawn: str) -> None:
    tile = Image.new("RGB", (8, 8))
    expected = np.asarray(contact_sheet([[(drawn, tile)]], 200))
    assert (np.asarray(contact_sheet([[(label, tile)]], 200)) == expected).all()
    assert (expected != np.asarray(contact_sheet([[("", tile)]], 200))).any()


def test_pictures_of_what_is_absent_are_errors() -> None:
    result = translator(Negative())(noise())
    for picture in (result.mask_image, result.heatmap_image, result.overlay, result.cutout):
        with pytest.raises(ConfigError, match="this network gives no"):
            picture()
    assert result.grid().size[0] > 256
    masked = translator(Negative())(noise(), mask=np.ones((12, 16), bool))
    assert masked.cutout().mode == "RGBA"


def test_the_contact_sheet_numbers_masks_and_contents_from_one(monkeypatch: pytest.MonkeyPatch) -> None:
    sheets = []
    monkeypatch.setattr(
        "attn_i2i.translate.result.contact_sheet",
        lambda rows, side: sheets.append([[label for label, _ in row] for row in rows]),
    )
    translator(Brighten())(noise(32, 32)).grid()
    masks, contents = ["mask 1", "mask 2", "background mask"], ["content 1", "content 2", "input"]
    assert sheets[0][1:] == [masks, contents]
