"""Large trees, recorded runs and names of strangers, in every format a picture has."""

from __future__ import annotations

import io
import itertools
import os
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from knothole._base import MissingExtraError
from knothole.tests.calling import call
from knothole.tests.moveit import CORPUS, write_objective
from knothole.tests.test_draw import boxes
from knothole.tests.test_why import recorded
from knothole.trees.draw import FORMATS, Drawing, render, render_drawing
from knothole.trees.drawing.clean import MOST, clean
from knothole.trees.drawing.labels import Labelled, label_tree
from knothole.trees.drawing.layout import BODY, LEADING, SMALL, TITLE, Box, Picture
from knothole.trees.drawing.mermaid import quoted
from knothole.trees.drawing.outline import WIDTH, lay_out_outline
from knothole.trees.drawing.paint import PLAIN
from knothole.trees.drawing.pdf import LEAST_POINTS, page_height, page_scale
from knothole.trees.drawing.recorded import drawing_of, label_recording, paint_heat, status_at
from knothole.trees.drawing.style import HEAT
from knothole.trees.loader import Loader, load, load_text
from knothole.trees.spec import TreeSpec
from knothole.trees.tracing.history import History

SVG = "{http://www.w3.org/2000/svg}"
MERMAID = Path(os.environ.get("KNOTHOLE_MERMAID", "node_modules/mermaid/dist/mermaid.min.js"))
"""Mermaid as npm brings it; tests that need it skip without."""
needs_mermaid = pytest.mark.skipif(not MERMAID.is_file(), reason=f"there is no Mermaid at {MERMAID}")
needs_corpus = pytest.mark.skipif(not CORPUS.is_dir(), reason="the folder ../shared/corpus is not here")
needs_dot = pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")


@pytest.fixture(scope="module")
def objective(tmp_path_factory: pytest.TempPathFactory) -> TreeSpec:
    loader = Loader()
    return loader.main(loader.file(write_objective(tmp_path_factory.mktemp("moveit"))))


def pages_of(pdf: bytes) -> int:
    return len(re.findall(rb"/Type /Page\b(?!s)", pdf))


def overlapping(boxes: list[Box]) -> list[tuple[Box, Box]]:
    """Return the boxes of a column that touch."""
    found = []
    for a, b in itertools.pairwise(boxes):
        if a.column == b.column and a.y + a.height > b.y:
            found.append((a, b))
    return found


def inside(picture: Picture, box: Box) -> bool:
    column = picture.columns[box.column]
    left, right = box.x - box.width / 2, box.x + box.width / 2
    across = column.x <= left and right <= column.x + column.width + 0.5
    return across and column.y <= box.y and box.y + box.height <= column.y + column.height + 0.5


@needs_corpus
def test_an_objective_of_300_nodes_is_readable_on_paper(objective: TreeSpec) -> None:
    root = label_tree(objective, expand=True)
    height = page_height(WIDTH + 40.0)
    picture = lay_out_outline(root, "Everything", "", PLAIN, height=height, stacked=True)
    assert len(picture.boxes) == len(list(root.walk())) > 300
    assert overlapping(picture.boxes) == []
    assert all(inside(picture, box) for box in picture.boxes)
    assert all(column.height <= height + 1 for column in picture.columns)
    smallest = min(line.size for box in picture.boxes for line in box.lines)
    assert smallest * page_scale(picture.width) >= LEAST_POINTS
    pdf = render(objective, "pdf", expand=True)
    assert pages_of(pdf) == len(picture.columns) <= 15
    brief = Drawing(label_tree(objective, True, True), "Everything", "", PLAIN)
    assert pages_of(render_drawing(brief, "pdf")) <= 10


@needs_corpus
def test_an_objective_of_300_nodes_fits_the_width_of_a_screen(objective: TreeSpec) -> None:
    svg = ET.fromstring(render(objective, "svg", expand=True))
    width, height = float(svg.get("width", "0")), float(svg.get("height", "0"))
    assert width < 2500
    assert height < 6000
    assert float(ET.fromstring(render(objective, "svg", expand=True, direction="down")).get("width", "0")) > 20000
    assert len(svg.findall(f"{SVG}g")) == len(list(label_tree(objective, True).walk()))


@needs_corpus
def test_the_boxes_of_a_used_tree_stand_in_a_frame(objective: TreeSpec) -> None:
    picture = lay_out_outline(label_tree(objective, expand=True), "Everything", "")
    used = [box for box in picture.boxes if box.node.shape == "use" and box.children]
    assert len(picture.frames) >= len(used) > 5
    for box in used:
        corner = box.x - box.width / 2 - 4.0, box.y - 2.5
        (frame,) = [f for f in picture.frames if (f.x, f.y) == pytest.approx(corner)]
        below = [child for child in box.children if child.column == box.column]
        assert all(child.y + child.height <= frame.y + frame.height for child in below)


def test_a_column_says_what_it_goes_on_with() -> None:
    leaves = ", ".join(["home"] * 90)
    tree = load_text(f"knothole: 1\ntree: long\nroot: {{sequence: [{{selector: [{leaves}]}}, home]}}\n")
    picture = lay_out_outline(label_tree(tree), "long", "", height=700.0)
    assert len(picture.columns) > 3
    words = [column.words.text for column in picture.columns[1:] if column.words is not None]
    assert words == ["… in sequence › selector"] * (len(picture.columns) - 1)
    assert overlapping(picture.boxes) == []


def test_small_trees_keep_their_children_below_them_and_wide_ones_become_an_outline() -> None:
    small = ET.fromstring(render(load("tidy_table"), "svg"))
    outline = ET.fromstring(render(load("tidy_table"), "svg", direction="right"))
    assert float(small.get("height", "0")) != float(outline.get("height", "0"))
    assert float(outline.get("width", "0")) <= WIDTH + 40
    leaves = ", ".join(["home"] * 60)
    wide = load_text(f"knothole: 1\ntree: wide\nroot: {{sequence: [{leaves}]}}\n")
    assert float(ET.fromstring(render(wide, "svg")).get("width", "0")) < 2500
    assert float(ET.fromstring(render(wide, "svg", direction="down")).get("width", "0")) > 4000


def test_a_tree_of_500_levels_stays_within_its_column() -> None:
    root = leaf = Labelled("0", "decorator", "same", False, "inverter")
    for level in range(1, 500):
        child = Labelled(str(level), "decorator", "same", False, "inverter")
        leaf.children.append(child)
        leaf = child
    picture = lay_out_outline(root, "deep", "")
    assert all(inside(picture, box) for box in picture.boxes)


@given(boxes, st.integers(300, 3000), st.booleans())
@settings(max_examples=60, deadline=None)
def test_the_lines_of_an_outline_never_overlap_and_hold_their_text(root: Labelled, height: int, stacked: bool) -> None:
    picture = lay_out_outline(root, "title", "about", height=float(height), stacked=stacked)
    assert len(picture.boxes) == len(list(root.walk()))
    assert overlapping(picture.boxes) == []
    for box in picture.boxes:
        column = picture.columns[box.column]
        assert column.x <= box.x - box.width / 2
        assert box.x + box.width / 2 <= min(column.x + column.width, picture.width) + 0.5
        for line in box.lines:
            assert line.x is not None
            assert line.x + line.width <= box.width + 1e-6
            assert 0 <= line.y <= line.y + line.size * LEADING <= box.height + 1e-6
        for a, b in itertools.combinations(box.lines, 2):
            apart = a.y + a.size * LEADING <= b.y + 1e-6 or b.y + b.size * LEADING <= a.y + 1e-6
            assert apart or (a.x or 0.0) + a.width <= (b.x or 0.0) or (b.x or 0.0) + b.width <= (a.x or 0.0)


HOSTILE = (
    "<script>alert(1)</script>",
    '"]; n0 --> n1; click n0 "javascript:alert(1)"',
    "%%{init: {'securityLevel': 'loose'}}%%",
    "\x1b[31mred\x1b[0m\x07",
    "\u202egnp.exe",
    "1. <b>&amp; `code` #35; end",
    "- a\\nb \\\\ \" ' {x}",
    "x" * (MOST + 500),
    "子 → é \U0001f916 ]]>",
    "\ud800 \ufffe \x00",
    "",
)


def hostile() -> Labelled:
    root = Labelled("t/root", "composite", "sequence", True, clean(HOSTILE[0]))
    for number, text in enumerate(HOSTILE):
        shape: Any = ("action", "condition", "decorator", "use")[number % 4]
        words = clean(text)
        root.children.append(Labelled(f"t/{text}", shape, "", False, words, (words,), words[:60], "port"))
    return root


@pytest.fixture(params=["down", "right"])
def picture(request: pytest.FixtureRequest) -> Iterator[Drawing]:
    return Drawing(hostile(), HOSTILE[0], HOSTILE[1], PLAIN, request.param)


def test_names_of_strangers_are_text_in_every_format(picture: Drawing) -> None:
    made = {name: render_drawing(picture, name) for name in FORMATS}
    svg = ET.fromstring(made["svg"])
    assert "script" not in {each.tag.removeprefix(SVG) for each in svg.iter()}
    shown = "".join("".join(each.itertext()) for each in svg.iter(f"{SVG}text"))
    assert "<script>alert(1)</script>" in shown
    Image.open(io.BytesIO(made["png"])).verify()
    assert made["pdf"].startswith(b"%PDF-")
    page = made["html"].decode()
    assert page.count("<script>") == 1
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    for name in ("txt", "svg", "html", "mmd", "dot"):
        text = made[name].decode()
        assert not any(each in text for each in ("\x1b", "\x07", "\u202e", "\x00", "\ufffe")), name
        assert max(map(len, re.findall("x{9,}", text))) <= MOST


@needs_dot
@pytest.mark.parametrize("format", ["svg", "png", "pdf"])
def test_graphviz_reads_what_is_written_for_it(format: str) -> None:
    text = render_drawing(Drawing(hostile(), HOSTILE[1], "", PLAIN), "dot")
    done = subprocess.run(["dot", f"-T{format}"], input=text, capture_output=True, check=False)
    assert (done.returncode, b"rror" in done.stderr) == (0, False), done.stderr
    if format == "svg":
        words = "".join(ET.fromstring(done.stdout).itertext())
        assert "<script>alert(1)</script>" in words
        assert "&amp; `code` #35; end" in words


@needs_dot
def test_graphviz_places_the_boxes_on_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert call("draw tidy_table --layout dot -o t.svg") == (0, "wrote t.svg\n", "")
    assert "Generated by graphviz" in (tmp_path / "t.svg").read_text(encoding="utf-8")
    assert call("draw tidy_table --layout dot -o t.html")[2] == (
        "error: dot lays out svg, png, pdf, not html\n  fix:  leave out --layout dot\n"
    )
    monkeypatch.setenv("PATH", "")
    assert call("draw tidy_table --layout dot -o t.svg")[2] == (
        "error: there is no program dot\n  fix:  install Graphviz, or leave out --layout dot\n"
    )


@pytest.mark.parametrize("text", HOSTILE)
def test_a_label_of_mermaid_holds_no_sign_that_means_something(text: str) -> None:
    made = quoted(clean(text))
    left = re.sub(r"#\d+;", "", made)
    assert not set(left) & set('"`<>&#;%{}[]|\\\n*~^')
    assert not re.match(r"\s*([-+*]|\d+\.)\s", made)


def browser_page(browser: Any) -> Any:
    page = browser.new_page()
    page.add_script_tag(path=str(MERMAID))
    page.evaluate("mermaid.initialize({startOnLoad: false, securityLevel: 'strict'})")
    return page


@needs_mermaid
def test_mermaid_draws_what_is_written_for_it(browser: Any) -> None:
    page = browser_page(browser)
    for drawing in (
        Drawing(hostile(), HOSTILE[2], "", PLAIN),
        Drawing(label_tree(load("tidy_table")), "tidy_table", "", PLAIN, "right"),
    ):
        text = render_drawing(drawing, "mmd").decode()
        svg = page.evaluate("async text => (await mermaid.render('drawn', text)).svg", text)
        assert svg.count('class="node default c') == len(list(drawing.root.walk()))
        assert "Unsupported markdown" not in svg
        words = page.evaluate("svg => new DOMParser().parseFromString(svg, 'text/html').body.textContent", svg)
        if drawing.root.title == HOSTILE[0]:
            assert "<script>alert(1)</script>" in words
            assert "1. <b>&amp; `code` #35; end" in words
            assert "javascript:alert(1)" in words


def test_the_page_searches_and_folds_without_the_network(browser: Any, tmp_path: Path) -> None:
    file = tmp_path / "tree.html"
    file.write_bytes(render(load("tidy_table"), "html"))
    page = browser.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(file.as_uri())
    rows = page.locator(".row")
    count = rows.count()
    assert count == len(list(label_tree(load("tidy_table")).walk()))
    page.click("#close")
    assert page.locator(".row:visible").count() < count
    page.fill("#search", "ground")
    assert page.locator(".row.found:visible").count() == page.locator(".row.found").count() >= 1
    page.click("#open")
    assert page.locator(".row:visible").count() == count
    page.locator(".fold").first.click()
    assert page.locator(".row:visible").count() == 1
    assert said == []


def test_no_script_of_a_name_runs_in_the_page(browser: Any, tmp_path: Path) -> None:
    file = tmp_path / "tree.html"
    file.write_bytes(render_drawing(Drawing(hostile(), HOSTILE[0], HOSTILE[1], PLAIN), "html"))
    page = browser.new_page()
    opened: list[str] = []
    page.on("dialog", lambda dialog: (opened.append(dialog.message), dialog.dismiss()))
    page.goto(file.as_uri())
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.ran=1\">')")
    assert page.locator(".row").count() == len(HOSTILE) + 1
    assert page.evaluate("window.ran") is None, "the policy of the page lets no other script run"
    assert opened == []


def test_a_pdf_can_be_searched_and_is_the_same_each_time() -> None:
    pytest.importorskip("reportlab")
    first, again = (render(load("tidy_table"), "pdf") for _ in range(2))
    assert first == again
    assert b"/ToUnicode" in first
    assert any(b"BT" in zlib.decompress(each) for each in streams(first))


def streams(pdf: bytes) -> list[bytes]:
    """Return the compressed streams of a PDF as it is written here: in letters of base 85."""
    import base64

    found = re.findall(rb"/ASCII85Decode /FlateDecode \].*?stream\r?\n(.*?)endstream", pdf, re.S)
    return [base64.a85decode(each.strip().removesuffix(b"~>")) for each in found]


def test_without_the_extra_a_pdf_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    import builtins
    import importlib

    real = importlib.import_module

    def without(name: str, package: str | None = None) -> Any:
        if name.startswith("reportlab"):
            raise ModuleNotFoundError(f"No module named {name!r}", name="reportlab")
        return real(name, package)

    assert builtins is not None
    monkeypatch.setattr(importlib, "import_module", without)
    with pytest.raises(MissingExtraError, match=r"knothole\[pdf\]"):
        render(load("tidy_table"), "pdf")


RUN = """\
  guard:
    check: {see: {question: "Is it safe?"}}
    child:
      sequence:
        - selector: [check: "$n > 5", say: fetching]
        - pick: the cup
          retry: 3
        - say: never
          when: "$n > 9"
        - wait: 1s
          timeout: 400ms
        - home
"""


def run(folder: Path) -> History:
    mocks = {"**/pick": {"status": ["failure", "success"], "after": "300ms", "reason": "slipped"}}
    return History(recorded(folder, RUN, mocks=mocks, answers={"*": "yes"}))


def test_a_recorded_run_is_drawn_with_its_statuses(tmp_path: Path) -> None:
    root, paint = drawing_of(run(tmp_path))
    assert render_drawing(Drawing(root, "t", "", paint), "txt").decode() == (
        """\
t
statuses at the end of a run that ended with FAILURE
✗ ◇ guard
├── ✓ check: ? see  "Is it safe?"
└── ✗ child: ▣ sequence
    ├── ✓ ▣ selector
    │   ├── ✗ ? check  $n > 5
    │   └── ✓ ▸ say  fetching
    ├── ✓ ▸ pick  "the cup", mocked: failure, success; after 0.3s  (retry 3)
    ├── - ▸ say  never  (when $n > 9)
    ├── ✗ ▸ wait  1s  (timeout 400ms)
    └── ▸ home
"""
    )


def test_a_moment_of_a_run_is_drawn(tmp_path: Path) -> None:
    history = run(tmp_path)
    signs = drawing_of(history, tick=4)[1].signs
    assert (signs["t/guard/sequence/pick"], signs.get("t/guard/sequence/wait")) == ("…", None)
    moment = history.at_tick(4)
    assert status_at(history, history.nodes[0], moment) == "RUNNING"


def test_heat_counts_visits_time_and_failures(tmp_path: Path) -> None:
    history = run(tmp_path)
    pick, wait, home = (f"t/guard/sequence/{name}" for name in ("pick", "wait", "home"))
    visits, time, failures = (drawing_of(history, heat)[1] for heat in ("visits", "time", "failures"))  # type: ignore[arg-type]
    assert (visits.notes[pick], failures.notes[pick], time.notes[pick]) == ("2 visits", "1 failure", "0.60 s")
    assert (visits.notes[wait], time.notes[wait]) == ("1 visit", "0.45 s")
    assert home not in visits.notes
    assert visits.inks[pick] == HEAT[4]
    assert [text for _, text in visits.legend] == ["none", "1 visits", "2 visits"]
    assert time.inks[home] == HEAT[0]
    assert "ended with FAILURE" in time.about
    half = drawing_of(history, "time", time=0.2)[1]
    assert float(half.data[pick]["heat"]) < float(time.data[pick]["heat"])


def test_heat_of_a_run_in_which_nothing_failed_is_none(tmp_path: Path) -> None:
    history = History(recorded(tmp_path, "  say: hi\n"))
    paint = paint_heat(history, "failures", history.end, 0.0, "of a run")
    assert paint.legend == ((HEAT[0], "none"),)
    assert paint.notes == {}


def test_a_recorded_tree_looks_like_the_one_that_ran(tmp_path: Path) -> None:
    drawn = label_recording(run(tmp_path))
    (tmp_path / "t.yaml").write_text(f"knothole: 1\ntree: t\ninputs: {{n: {{type: number}}}}\nroot:\n{RUN}", "utf-8")
    read = label_tree(load(tmp_path / "t.yaml"))

    assert outline(drawn) == outline(read)


def outline(root: Labelled) -> list[tuple[object, ...]]:
    return [(n.path, n.shape, n.flow, n.reactive, n.title, n.keys, n.edge) for n in root.walk()]


def test_hooks_and_used_trees_of_a_recorded_run_stand_where_they_belong(tmp_path: Path) -> None:
    (tmp_path / "inner.yaml").write_text("knothole: 1\ntree: inner\nroot:\n  say: hi\n", encoding="utf-8")
    root = (
        "  reactive_sequence:\n    - use: {tree: inner}\n      name: greet\n      on_success: {say: well}\n"
        "      finally: {wait: 50ms, retry: 2}\n      repeat: 2\n    - wait: 100ms\n"
    )
    drawn = outline(label_recording(History(recorded(tmp_path, root))))
    read = outline(label_tree(load(tmp_path / "t.yaml"), expand=True))
    ports = [(path, edge, keys) for path, _, _, _, _, keys, edge in drawn]
    assert sorted(ports) == sorted((path, edge, keys) for path, _, _, _, _, keys, edge in read)
    assert ("t/reactive_sequence/use#finally/wait", "finally", "retry 2") in ports


def test_the_command_draws_runs_and_says_what_does_not_go_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run(tmp_path)
    assert call("draw t.mcap --heat time --at 0.3s -o heat.svg") == (0, "wrote heat.svg\n", "")
    assert "0.30 s" in (tmp_path / "heat.svg").read_text(encoding="utf-8")
    assert call("draw t.yaml --heat time")[2] == (
        "error: --heat needs a recorded run, t.yaml is a tree\n  fix:  name a trace, ….mcap\n"
    )
    assert "there is no tick 999: the run is known up to tick" in call("draw t.mcap --at 999")[2]
    assert "'warm'" in call("draw t.mcap --heat warm")[2]


def test_text_is_colored_for_a_terminal_only(tmp_path: Path) -> None:
    root, paint = drawing_of(run(tmp_path))
    plain, colored = (render_drawing(Drawing(root, "t", "", paint), "txt", c).decode() for c in (False, True))
    assert "\x1b" not in plain
    assert "\x1b[38;2;31;41;51;48;2;246;188;182m✗ ◇ guard\x1b[0m" in colored
    assert re.sub(r"\x1b\[[0-9;]*m", "", colored).startswith(plain.rstrip("\n"))


def test_letters_on_paper_are_never_smaller_than_promised() -> None:
    assert min(TITLE, BODY) * page_scale(WIDTH + 40.0) >= LEAST_POINTS
    assert SMALL * page_scale(100.0) >= LEAST_POINTS
