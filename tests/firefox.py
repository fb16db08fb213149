"""Firefox for tests, spoken to over WebDriver BiDi: no driver and no patched browser is needed, only Firefox itself."""

from __future__ import annotations

import base64
import itertools
import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from websockets.sync.client import ClientConnection, connect

FIREFOX: Final = next(filter(None, map(shutil.which, ("firefox-esr", "firefox"))), None)
needs_firefox: Final = pytest.mark.skipif(
    FIREFOX is None and "firefox" not in os.environ.get("KNOTHOLE_REQUIRES", ""), reason="no Firefox is installed"
)
WINDOW: Final = {"width": 1280, "height": 800}
PATIENCE: Final = 120.0
"""Longest wait for what a page shall show, [s]."""
_QUIET: Final = """\
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("browser.startup.page", 0);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("app.update.enabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("remote.active-protocols", 1);
user_pref("app.normandy.enabled", false);
user_pref("messaging-system.rsexperimentloader.enabled", false);
user_pref("nimbus.rollouts.enabled", false);
user_pref("webgl.force-enabled", true);
"""
_DRAWING: Final = {"MOZ_WEBGL_FORCE_EGL": "1", "EGL_PLATFORM": "surfaceless", "LIBGL_ALWAYS_SOFTWARE": "1"}
"""Without a display there is no GLX: WebGL is drawn by Mesa in software, into a surface that nobody shows."""
KEYS: Final = {
    "Backspace": "\ue003",
    "Tab": "\ue004",
    "Enter": "\ue007",
    "Escape": "\ue00c",
    "PageUp": "\ue00e",
    "PageDown": "\ue00f",
    "End": "\ue010",
    "Home": "\ue011",
    "ArrowLeft": "\ue012",
    "ArrowUp": "\ue013",
    "ArrowRight": "\ue014",
    "ArrowDown": "\ue015",
}
"""Names of keys that write nothing, and what WebDriver calls them."""


class BidiError(Exception):
    """Firefox refused a command, or a script in the page raised."""


class FirefoxPage:
    """One tab.

    Attributes:
        wrong: What the page said as an error, or raised.
        requests: Addresses that it asked for.
    """

    def __init__(self, socket: ClientConnection) -> None:
        self._socket, self._numbers = socket, itertools.count(1)
        self.wrong: list[str] = []
        self.requests: list[str] = []
        self.call("session.new", capabilities={})
        self.call("session.subscribe", events=["log.entryAdded", "network.beforeRequestSent"])
        self._tab = self.call("browsingContext.getTree")["contexts"][0]["context"]
        self.call("browsingContext.setViewport", context=self._tab, viewport=WINDOW)

    def call(self, method: str, **params: object) -> Any:
        """Give a command and return its result; events that come meanwhile are noted."""
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            said = json.loads(self._socket.recv(timeout=2 * PATIENCE))
            if said.get("id") == number:
                if said["type"] == "error":
                    raise BidiError(f"{method}: {said['error']}: {said['message']}")
                return said["result"]
            self._note(said)

    def _note(self, event: dict[str, Any]) -> None:
        params = event.get("params", {})
        if event.get("method") == "log.entryAdded" and params["level"] == "error":
            self.wrong.append(str(params["text"]))
        elif event.get("method") == "network.beforeRequestSent":
            self.requests.append(str(params["request"]["url"]))

    def open(self, url: str) -> None:
        """Load an address and wait until it is there."""
        self.call("browsingContext.navigate", context=self._tab, url=url, wait="complete")

    @contextmanager
    def watched(self, url: str) -> Iterator[FirefoxPage]:
        """Open a viewer, wait until it shows its run, and check in the end that nothing went wrong in its page.

        Nothing may have been asked of anybody else either.
        """
        self.call("browsingContext.setViewport", context=self._tab, viewport=WINDOW)
        self.open("about:blank")
        self.wrong.clear()
        self.requests.clear()
        self.open(url)
        self.until("document.body.dataset.ready === 'true'")
        self.until("document.querySelectorAll('#tree .row:not([hidden])').length > 0")
        yield self
        self.evaluate("new Promise(requestAnimationFrame)")  # what was said until now is heard with the answer
        assert self.wrong == []
        assert self.requests
        assert [asked for asked in self.requests if not asked.startswith(url)] == []

    def resize(self, width: int, height: int) -> None:
        """Give the window another size, [px]."""
        self.call("browsingContext.setViewport", context=self._tab, viewport={"width": width, "height": height})

    def text(self, selector: str) -> str:
        """Return the text of the first element that a selector finds."""
        return str(self.evaluate(f"document.querySelector({json.dumps(selector)}).textContent"))

    def texts(self, selector: str) -> list[str]:
        """Return the texts of all elements that a selector finds and that are shown."""
        shown = f"[...document.querySelectorAll({json.dumps(selector)})].filter((each) => each.checkVisibility())"
        found: list[str] = self.evaluate(f"{shown}.map((each) => each.textContent)")
        return found

    def shows(self, selector: str, text: str) -> None:
        """Wait until an element shows a text, among others."""
        found = f"document.querySelector({json.dumps(selector)})"
        self.until(f"{found}?.checkVisibility() && {found}.textContent.includes({json.dumps(text)})")

    def evaluate(self, expression: str) -> Any:
        """Return what an expression is in the page, as JSON."""
        wrapped = f"(async () => JSON.stringify(await ({expression})) ?? 'null')()"
        found = self.call("script.evaluate", expression=wrapped, target={"context": self._tab}, awaitPromise=True)
        if found["type"] != "success":
            raise BidiError(str(found["exceptionDetails"]["text"]))
        return json.loads(found["result"]["value"])

    def until(self, expression: str) -> None:
        """Wait in the page until an expression is true; it is looked at in each frame that is painted."""
        limit = PATIENCE * 1000
        self.evaluate(f"""new Promise((done, failed) => {{
            const begin = performance.now();
            const look = () => {{
                if ({expression}) done(true);
                else if (performance.now() - begin > {limit}) failed(new Error('never: ' + {json.dumps(expression)}));
                else requestAnimationFrame(look);
            }};
            look();
        }})""")

    def press(self, *keys: str) -> None:
        """Press and release keys, one after the other; those of ``KEYS`` by name."""
        pressed = [KEYS.get(key, key) for key in keys]
        actions = [{"type": kind, "value": key} for key in pressed for kind in ("keyDown", "keyUp")]
        self._perform({"type": "key", "id": "keys", "actions": actions})

    def drag(self, *points: tuple[float, float]) -> None:
        """Press the mouse at the first of some points of the window, [px], and release it at the last."""
        first, *others = ({"type": "pointerMove", "x": round(x), "y": round(y)} for x, y in points)
        down, up = ({"type": kind, "button": 0} for kind in ("pointerDown", "pointerUp"))
        self._perform({"type": "pointer", "id": "mouse", "actions": [first, down, *others, up]})

    def click(self, selector: str, text: str = "") -> None:
        """Wait for an element with a text in it, and click at its middle."""
        found = (
            f"[...document.querySelectorAll({json.dumps(selector)})]"
            f".find((each) => each.checkVisibility() && each.textContent.includes({json.dumps(text)}))"
        )
        self.until(found)
        x, y = self.evaluate(
            f"(({{ x, y, width, height }}) => [x + width / 2, y + height / 2])({found}.getBoundingClientRect())"
        )
        self.drag((x, y))

    def write(self, selector: str, text: str) -> None:
        """Replace what stands in a field by typing."""
        self.until(f"document.querySelector({json.dumps(selector)})")
        self.evaluate(
            f"((field) => {{ field.focus(); field.select?.(); }})(document.querySelector({json.dumps(selector)}))"
        )
        self.press(*text)

    def _perform(self, source: Mapping[str, object]) -> None:
        self.call("input.performActions", context=self._tab, actions=[source])

    def choose(self, selector: str, option: str) -> None:
        """Choose an option of a list by arrow keys."""
        field = f"document.querySelector({json.dumps(selector)})"
        at, now = self.evaluate(
            f"({field}.focus(), [[...{field}.options].findIndex((each) => each.text === {json.dumps(option)}),"
            f" {field}.selectedIndex])"
        )
        self.press(*["ArrowDown" if at > now else "ArrowUp"] * abs(at - now))

    def pdf(self) -> bytes:
        """Print the page as PDF."""
        return base64.b64decode(self.call("browsingContext.print", context=self._tab)["data"])

    def screenshot(self, path: Path) -> None:
        """Write what the window shows, as PNG."""
        path.write_bytes(base64.b64decode(self.call("browsingContext.captureScreenshot", context=self._tab)["data"]))


@contextmanager
def firefox(folder: Path) -> Iterator[FirefoxPage]:
    """Start Firefox with a profile of its own in a folder, and give its one tab."""
    assert FIREFOX is not None
    profile = folder / "profile"
    profile.mkdir()
    (profile / "user.js").write_text(_QUIET)
    command = [FIREFOX, "--headless", "--no-remote", "--profile", str(profile), "--remote-debugging-port", "0"]
    log = folder / "firefox.log"
    with log.open("w") as file:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            env={**os.environ, **_DRAWING, "HOME": str(folder)},
        )
    try:
        with connect(f"{_address(process, log)}/session", open_timeout=PATIENCE, max_size=None) as socket:
            yield FirefoxPage(socket)
    finally:
        process.terminate()
        process.wait()


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    """Wait until Firefox has said where it listens."""
    until = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < until:
        found = re.search(r"WebDriver BiDi listening on (ws://\S+)", log.read_text())
        if found:
            return found[1]
        try:
            process.wait(0.1)
        except subprocess.TimeoutExpired:
            continue
    raise AssertionError(f"Firefox did not start:\n{log.read_text()}")
