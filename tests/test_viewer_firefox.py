"""The page of the viewer in Firefox: it loads, scrubs, searches and draws as in Chromium."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from knothole.tests.firefox import FirefoxPage, firefox, needs_firefox
from knothole.tests.viewing import serve_run
from knothole.viewer.serving import ViewerServer

pytestmark = needs_firefox


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FirefoxPage]:
    """The page with a recorded run; at the end nothing went wrong in it, and nothing was asked of anybody else."""
    folder = tmp_path_factory.mktemp("firefox")
    trace = serve_run(folder / "slips.mcap")
    with ViewerServer([trace]) as server, firefox(folder) as found:
        found.open(server.url)
        found.until("document.body.dataset.ready === 'true'")
        found.until("document.querySelectorAll('#tree .row:not([hidden])').length > 0")
        yield found
        assert found.wrong == []
        assert [url for url in found.requests if not url.startswith(server.url) and "favicon" not in url] == []


def test_it_shows_a_run_and_scrubs_through_it(page: FirefoxPage) -> None:
    page.until("document.querySelector('#moment').textContent.startsWith('tick 34 of 34')")
    page.press("0", ".", ".")
    page.until("document.querySelector('#moment').textContent.startsWith('tick 2 of 34')")
    x, y, wide = page.evaluate(
        "(({ x, y, width, height }) => [x, y + height / 2, width])"
        "(document.querySelector('#lanes').getBoundingClientRect())"
    )
    page.click(x + wide * 0.6, y)
    page.until("knothole.view.tick > 10 && knothole.view.tick < 30")


def test_it_searches(page: FirefoxPage) -> None:
    page.press("/", *"pick")
    page.until("knothole.view.run.treeAt(knothole.view.tick).byUid.get(knothole.view.selected).path.includes('pick')")
    page.press("\ue00c")


def test_camera_and_scene_are_drawn(page: FirefoxPage) -> None:
    page.press("0", "f")
    page.until("document.querySelector('#camera .caption').textContent === 'table#2, 0.05 s · red cube'")
    counted = """(([box]) => box)((() => {
        const canvas = document.querySelector('#camera canvas');
        const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        let box = 0;
        for (let at = 0; at < data.length; at += 4) {
            if (data[at] === 255 && data[at + 1] === 176 && data[at + 2] === 0) box += 1;
        }
        return [box];
    })())"""
    page.until(f"{counted} > 200")
    said = page.evaluate("document.querySelector('#scene .caption').textContent")
    assert said.startswith("kinematic, gripper") or "WebGL 2 is missing" in said  # as without a display on Debian
