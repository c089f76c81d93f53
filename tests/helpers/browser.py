"""A headless Chromium, that of the system, for pages that are to be looked at."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page, Route

PATIENCE = 120  # seconds for whatever a page is waited for, on a machine that does much else
NAMES = ("chromium", "chromium-browser", "google-chrome")


def chromium() -> str:
    """Where Chromium lies. It is needed, not optional: `apt-get install chromium`."""
    found = [path for name in NAMES if (path := shutil.which(name))]
    assert found, f"none of {', '.join(NAMES)} is installed: apt-get install chromium"
    return found[0]


@contextmanager
def running() -> Iterator[Browser]:
    """Chromium without a window; a camera of its own shows moving circles."""
    from playwright.sync_api import sync_playwright

    arguments = ["--no-sandbox", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium(), args=arguments)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def window_of(
    browser: Browser, address: str, *, width: int = 1280, dark: bool = False, expected: str | None = None
) -> Iterator[Page]:
    """``address`` in a window of that width and a profile of its own; any error of its script fails the test.

    So does any request but to where it came from. Lines of the console that hold ``expected`` are no errors.
    """
    problems: list[str] = []
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if dark else "light",
        accept_downloads=True,
        reduced_motion="reduce",
    )
    try:
        context.set_default_timeout(1000 * PATIENCE)
        window = context.new_page()
        window.on("pageerror", lambda error: problems.append(str(error)))
        window.on("console", lambda line: problems.append(line.text) if _is_error(line, expected) else None)
        context.route("**/*", lambda route: _allow(route, address, problems))
        window.goto(address)
        yield window
    finally:
        context.close()
    assert problems == []


def until(window: Page, condition: str | Callable[[], object]) -> None:
    """Wait for what a script or a function says; pages forbid the browser's own way, which evaluates text."""
    end = time.monotonic() + PATIENCE
    while not (window.evaluate(condition) if isinstance(condition, str) else condition()):
        assert time.monotonic() < end, condition
        window.wait_for_timeout(20)


def _is_error(line: ConsoleMessage, expected: str | None) -> bool:
    return line.type == "error" and (expected is None or expected not in line.text)


def _allow(route: Route, address: str, problems: list[str]) -> None:
    """Refuse, and note, what leads elsewhere than to ``address``."""
    url = route.request.url
    home = "file:" if address.startswith("file:") else address
    if url.startswith((home, "data:", "blob:")):
        route.continue_()
    else:
        problems.append(f"request to {url}")
        route.abort()
