"""Pictures of trees: every question in full, no two boxes on each other, shapes by kind, colors by status."""

from __future__ import annotations

import io
import itertools
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from py_trees.common import Status

from knothole.trees.draw import DrawError, draw, render
from knothole.trees.drawing.fonts import font_for, width_of, wrap
from knothole.trees.drawing.labels import Labelled, label_tree
from knothole.trees.drawing.layout import LEADING, lay_out
from knothole.trees.drawing.raster import PictureTooLargeError
from knothole.trees.loader import load, load_text

SVG = "{http://www.w3.org/2000/svg}"
EVERYTHING = """
knothole: 1
tree: everything
about: Every shape once.
inputs: {n: {type: number, default: 3}, side: {type: text, default: left}}
root:
  reactive_sequence:
    - see: {question: "Is the very long question about the cup on the ${side} of the table shown in full?", max_age: 1s}
    - parallel:
        success: one
        children:
          - wait: 90s
          - selector:
              - check: "$n > 3 and $n < 10"
              - inverter: {child: {see: {question: "Tür auf → or <not>?", rate: 2}}}
            name: a name of several words
            timeout: 20s
            retry: 3
    - use: tidy_table
"""

TEXT = """\
everything: Every shape once.
▣ reactive_sequence
├── ? see  "Is the very long question about the cup on the ${side} of the table shown in full?", max_age: 1s
├── ▣ parallel  success: one
│   ├── ▸ wait  90s
│   └── ▣ a name of several words  selector  (timeout 20s · retry 3)
│       ├── ? check  $n > 3 and $n < 10
│       └── ◇ inverter
│           └── ? see  "Tür auf → or <not>?", rate: 2
└── ⊞ tidy_table  use
"""


def test_text() -> None:
    assert draw(load_text(EVERYTHING)) == TEXT


def test_text_with_statuses_and_expanded_subtrees() -> None:
    statuses = {
        "main/sequence": "RUNNING",
        "main/sequence/use": Status.FAILURE,
        "main/sequence/use/sub/home": "FAILURE",
    }
    tree = load_text(
        "knothole: 1\ntree: main\nroot: {sequence: [{use: sub}, home]}\n---\nknothole: 1\ntree: sub\nroot: home\n"
    )
    assert draw(tree, expand=True, statuses=statuses) == (
        "main\n… ▣ sequence\n├── ✗ ⊞ sub  use\n│   └── ✗ ▸ home\n└── ▸ home\n"
    )


def test_svg_shows_every_question_in_full_and_shapes_by_kind() -> None:
    root = ET.fromstring(render(load_text(EVERYTHING), "svg", statuses={"everything/reactive_sequence/see": "SUCCESS"}))
    groups = {group.get("data-path"): group for group in root.iter(f"{SVG}g")}
    shapes = {
        path: [child.tag.removeprefix(SVG) for child in group if "text" not in child.tag]
        for path, group in groups.items()
    }
    see = "everything/reactive_sequence/see"
    assert "ellipse" in shapes[see]
    assert "ellipse" in shapes["everything/reactive_sequence/parallel/selector/check"]
    assert shapes["everything/reactive_sequence/use"].count("rect") == 2
    assert shapes["everything/reactive_sequence/parallel"].count("polyline") == 4  # two arrows
    corner = groups["everything/reactive_sequence/parallel/selector/inverter"].find(f"{SVG}rect")
    assert corner is not None
    assert corner.get("rx") == "14"
    words = " ".join("".join(text.itertext()) for text in groups[see].iter(f"{SVG}text"))
    assert "Is the very long question about the cup on the ${side} of the table shown in full?" in words
    assert groups[see].get("data-status") == "SUCCESS"
    assert groups["everything/reactive_sequence/use"].get("data-status") is None


def test_png_is_a_picture_of_the_size_of_the_layout(tmp_path: Path) -> None:
    path = tmp_path / "tree.png"
    draw(load("tidy_table"), path)
    image = Image.open(path)
    layout = lay_out(label_tree(load("tidy_table")), "tidy_table", load("tidy_table").about)
    assert image.size == (-int(-layout.width * 2 // 1), -int(-layout.height * 2 // 1))
    assert len(image.getcolors(1 << 20) or ()) > 20


def test_statuses_color_the_png() -> None:
    tree = load("tidy_table")
    plain = Image.open(io.BytesIO(render(tree, "png")))
    colored = Image.open(io.BytesIO(render(tree, "png", statuses={"tidy_table/guard": Status.RUNNING})))
    assert (0xCF, 0xE3, 0xFF) not in {color for _, color in plain.getcolors(1 << 20) or ()}
    assert (0xCF, 0xE3, 0xFF) in {color for _, color in colored.getcolors(1 << 20) or ()}


def test_dot_quotes_what_needs_it() -> None:
    dot = render(load_text(EVERYTHING), "dot").decode()
    assert dot.startswith('digraph "everything" {')
    assert r'label="see\n\"Tür auf → or <not>?\"\nrate: 2", shape=ellipse' in dot
    assert dot.count(" -> ") == 8
    if shutil.which("dot"):
        assert subprocess.run(["dot", "-Tsvg"], input=dot.encode(), capture_output=True, check=True).stdout


@pytest.mark.parametrize("name", ["tree.jpg", "tree", "tree.pgn"])
def test_unknown_formats_are_told(tmp_path: Path, name: str) -> None:
    with pytest.raises(DrawError, match="no picture format"):
        draw(load_text(EVERYTHING), tmp_path / name)


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(DrawError, match="cannot be written: No such file or directory"):
        draw(load_text(EVERYTHING), tmp_path / "none" / "tree.svg")


def test_too_large_for_pixels_is_told() -> None:
    leaves = ", ".join(["home"] * 4000)
    deep = "{sequence: [" * 60 + f"{{sequence: [{leaves}]}}" + "]}" * 60
    tree = load_text(f"knothole: 1\ntree: wide\nroot: {deep}\n")
    with pytest.raises(PictureTooLargeError, match="the picture would be"):
        render(tree, "png", direction="down")
    assert render(tree, "svg").count(b"<g ") == 4061


words = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=60)
boxes = st.recursive(
    st.builds(lambda title, lines, shape: Labelled("p", shape, "", False, title, tuple(lines)),
              words, st.lists(words, max_size=3), st.sampled_from(["condition", "action", "use"])),
    lambda inner: st.builds(
        lambda title, kids, shape: Labelled("p", shape, "sequence", False, title, children=kids),
        words, st.lists(inner, min_size=1, max_size=5), st.sampled_from(["composite", "decorator"])),
    max_leaves=25,
)  # fmt: skip


@given(boxes)
@settings(max_examples=60, deadline=None)
def test_boxes_never_overlap_and_hold_their_text(root: Labelled) -> None:
    picture = lay_out(root, "title", "about")
    for box in picture.boxes:
        assert box.x - box.width / 2 >= 0
        assert box.x + box.width / 2 <= picture.width
        assert box.y >= picture.heading[-1].y + 20
        assert box.y + box.height <= picture.height
        for line in box.lines:
            assert line.width <= box.width
            assert line.y >= 0
            assert line.y + line.size * LEADING <= box.height + 1e-6
            if box.node.shape == "condition":
                far = max(abs(line.y - box.height / 2), abs(line.y + line.size * LEADING - box.height / 2))
                assert (line.width / box.width) ** 2 + (2 * far / box.height) ** 2 <= 1.0
        if box.children:
            middle = (box.children[0].x + box.children[-1].x) / 2
            assert box.x == pytest.approx(middle)
    rows: dict[float, list[tuple[float, float]]] = {}
    for box in picture.boxes:
        rows.setdefault(box.y, []).append((box.x - box.width / 2, box.x + box.width / 2))
    for row in rows.values():
        row.sort()
        assert all(right + 10 <= left for (_, right), (left, _) in itertools.pairwise(row))


@given(words, st.integers(30, 200))
@settings(max_examples=60, deadline=None)
def test_wrapped_text_loses_nothing_but_spaces(text: str, width: int) -> None:
    lines = wrap(text, 13, width)
    assert re.sub(r"\s", "", "".join(lines)) == re.sub(r"\s", "", text)
    assert all(width_of(line, 13) <= width or len(line) == 1 for line in lines)


def test_letters_that_no_font_has_are_written_in_ascii() -> None:
    _, drawn = font_for("caf\u00e9 \U0001f916", 13)
    assert drawn.endswith(("?", "🤖"))
