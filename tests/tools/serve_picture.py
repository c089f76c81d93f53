"""The page of ``attn-i2i serve`` as documentation shows it: ``python -m tests.tools.serve_picture OUT.webp``.

The first sample, translated by its model, in a light desktop's window and a dark phone's.
"""

from __future__ import annotations

import io
import sys

from PIL import Image

from attn_i2i.serve.shelf import Shelf

from ..helpers.browser import running
from ..helpers.serving import served

# Width and height of the windows, and how far down each is shown from.
DESKTOP, PHONE = (1040, 760, 0), (356, 760, 620)


def main() -> None:
    """Take both pictures and put them side by side."""
    windows = []
    with running() as chromium, served(Shelf(None)) as address:
        for (width, height, top), scheme in ((DESKTOP, "light"), (PHONE, "dark")):
            page = chromium.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
            page.goto(f"{address}/")
            page.locator("#samples button").first.click()
            page.locator("#about", has_text="128").wait_for()
            page.locator("#go").click()
            page.locator(".parts button img[src]").first.wait_for()
            page.wait_for_timeout(2000)  # the rest of the masks is drawn one by one
            page.evaluate(f"window.scrollTo(0, {top})")
            windows.append(Image.open(io.BytesIO(page.screenshot())).convert("RGB"))
    sheet = Image.new("RGB", (sum(window.width for window in windows), windows[0].height))
    left = 0
    for window in windows:
        sheet.paste(window, (left, 0))
        left += window.width
    sheet.save(sys.argv[1], quality=85)


if __name__ == "__main__":
    main()
