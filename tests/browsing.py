"""A real browser for tests: which one, and a page that reports what goes wrong in it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import pytest
from playwright.sync_api import Browser, Page, Playwright, expect

CHROMIUM: Final = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None
)
needs_browser: Final = pytest.mark.skipif(
    CHROMIUM is None and "browser" not in os.environ.get("KNOTHOLE_REQUIRES", ""),  # .ci/run requires it
    reason="no Chromium is installed",
)
ARGS: Final = ["--no-sandbox", "--disable-gpu", "--enable-unsafe-swiftshader", "--disable-dev-shm-usage"]

PATIENCE: Final = 60_000
"""Longest wait for what a page shall show, [ms]."""
expect.set_options(timeout=PATIENCE)


def launch(playwright: Playwright) -> Browser:
    """Start the browser of this machine."""
    return playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)


class Watched:
    """A page, and all that went wrong in it.

    Args:
        page: The page.
        url: Address of the viewer.
    """

    def __init__(self, page: Page, url: str) -> None:
        self.page, self.url = page, url
        self.wrong: list[str] = []
        self.requests: list[str] = []
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: self.wrong.append(f"error: {error}"))
        page.on("dialog", lambda dialog: self.wrong.append(f"dialog: {dialog.message}"))
        page.on("console", lambda said: said.type == "error" and self.wrong.append(said.text))
        page.on("request", lambda request: self.requests.append(request.url))

    def open(self) -> Page:
        """Load the page and wait until it shows its run."""
        self.page.goto(self.url)
        self.page.wait_for_selector("body[data-ready=true]")
        expect(self.page.locator("#tree .row:not([hidden])")).not_to_have_count(0)
        return self.page

    def check(self) -> None:
        """Make sure that nothing went wrong and nothing was asked of anybody else."""
        assert self.wrong == []
        assert [url for url in self.requests if not url.startswith(self.url)] == []


@contextmanager
def watched(browser: Browser, url: str, **context: object) -> Iterator[Watched]:
    """Open a page in a window of its own, and check it when all is done."""
    window = browser.new_context(viewport={"width": 1280, "height": 800}, **context)  # type: ignore[arg-type]
    try:
        found = Watched(window.new_page(), url)
        yield found
        found.check()
    finally:
        window.close()
