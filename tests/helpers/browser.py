"""A headless Chromium, that of the system, for pages that are to be looked at."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

NAMES = ("chromium", "chromium-browser", "google-chrome")


def chromium() -> str:
    """Where Chromium lies. It is needed, not optional: `apt-get install chromium`."""
    found = [path for name in NAMES if (path := shutil.which(name))]
    assert found, f"none of {', '.join(NAMES)} is installed: apt-get install chromium"
    return found[0]


@contextmanager
def opened(page: Path, *, width: int = 1280, dark: bool = False) -> Iterator[Page]:
    """``page`` in a window of that width; any error of its script and any request to elsewhere fails the test."""
    from playwright.sync_api import sync_playwright

    problems: list[str] = []
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        try:
            context = browser.new_context(
                viewport={"width": width, "height": 900},
                color_scheme="dark" if dark else "light",
                accept_downloads=True,
                reduced_motion="reduce",
            )
            window = context.new_page()
            window.on("pageerror", lambda error: problems.append(str(error)))
            window.on("console", lambda line: problems.append(line.text) if line.type == "error" else None)
            window.on("request", lambda request: _note(request.url, problems))
            window.goto(page.as_uri())
            yield window
        finally:
            browser.close()
    assert problems == []


def _note(url: str, problems: list[str]) -> None:
    if not url.startswith(("file:", "data:", "blob:")):
        problems.append(f"request to {url}")
