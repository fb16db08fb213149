"""Promises of the grounding forms: a square is found where it is, whatever the form and the shape of the image."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knothole.vlm.grounding_format import UnreadableError, read_boxes

FORMS = ("thousandths", "pixels", "relative", "gemini", "paligemma", "florence", "molmo", "moondream", "any_json")
SHAPES = ((224, 224), (640, 480), (320, 960), (97, 61))


def written_box(form: str, box: tuple[float, float, float, float], size: tuple[int, int]) -> str:
    """A square as a model of this form writes it; ``box`` relative to the image, ``size`` that of the resized one."""
    x1, y1, x2, y2 = box
    thousandths = [round(v * 1000) for v in box]
    bins = {n: [min(n - 1, int(v * n)) for v in box] for n in (1000, 1024)}
    if form == "pixels":
        return json.dumps([{"bbox_2d": [round(v * size[i % 2]) for i, v in enumerate(box)], "label": "square"}])
    if form in ("thousandths", "any_json"):
        return f"```json\n{json.dumps([{'bbox_2d': thousandths, 'label': 'square'}])}\n```"
    if form == "relative":
        return json.dumps({"objects": [{"box": list(box), "label": "square"}]})
    if form == "gemini":
        y_first = [thousandths[i] for i in (1, 0, 3, 2)]
        return f"```json\n{json.dumps([{'box_2d': y_first, 'label': 'square'}])}\n```"
    if form == "paligemma":
        return "".join(f"<loc{bins[1024][i]:04}>" for i in (1, 0, 3, 2)) + " square"
    if form == "florence":
        return "</s><s>square" + "".join(f"<loc_{n}>" for n in bins[1000]) + "</s>"
    if form == "moondream":
        return json.dumps({"objects": [{"x_min": x1, "y_min": y1, "x_max": x2, "y_max": y2, "label": "square"}]})
    raise AssertionError(form)


def written_point(form: str, u: float, v: float, size: tuple[int, int]) -> str:
    if form == "gemini":
        return json.dumps([{"point": [round(v * 1000), round(u * 1000)], "label": "square"}])
    if form == "molmo":
        return f'<point x="{100 * u:.1f}" y="{100 * v:.1f}" alt="square">square</point>'
    if form == "moondream":
        return json.dumps({"points": [{"x": u, "y": v, "label": "square"}]})
    place = {"pixels": (u * size[0], v * size[1]), "relative": (u, v)}.get(form, (u * 1000, v * 1000))
    return json.dumps(
        [{"point_2d": list(place) if form == "relative" else [round(n) for n in place], "label": "square"}]
    )


@pytest.mark.parametrize("size", SHAPES, ids=str)
@pytest.mark.parametrize("form", [form for form in FORMS if form != "molmo"])
def test_a_square_is_found_within_one_pixel(form, size):
    width, height = size
    side = min(size) // 3
    for left, top in ((0, 0), (width // 5, height // 2), (width - side, height - side)):
        box = (left / width, top / height, (left + side) / width, (top + side) / height)
        (found,) = read_boxes(written_box(form, box, size), form, size)
        in_pixels = [v * size[i % 2] for i, v in enumerate(found.box_xyxy)]
        assert in_pixels == pytest.approx([left, top, left + side, top + side], abs=1.0)
        assert found.label == "square"
        assert found.point_uv is None


@pytest.mark.parametrize("size", SHAPES, ids=str)
@pytest.mark.parametrize("form", [form for form in FORMS if form not in ("paligemma", "florence")])
def test_a_point_is_found_within_one_pixel(form, size):
    for u, v in ((0.5, 0.5), (0.1, 0.8), (0.0, 1.0)):
        (found,) = read_boxes(written_point(form, u, v, size), form, size)
        assert found.point_uv[0] * size[0] == pytest.approx(u * size[0], abs=1.0)
        assert found.point_uv[1] * size[1] == pytest.approx(v * size[1], abs=1.0)
        x1, y1, x2, y2 = found.box_xyxy
        assert 0 <= x1 <= found.point_uv[0] <= x2 <= 1
        assert 0 <= y1 <= found.point_uv[1] <= y2 <= 1
        assert x2 > x1
        assert y2 > y1


ROWS = [
    ("paligemma", "<loc0256><loc0512><loc0512><loc0768> cat ; <loc0000><loc0000><loc1023><loc1023> old dog",
     [((0.5, 0.25, 0.75, 0.5), "cat"), ((0.0, 0.0, 0.999, 0.999), "old dog")]),
    ("paligemma", "<loc0512><loc0768><loc0256><loc0512><seg001><seg127> cat", [((0.5, 0.25, 0.75, 0.5), "cat")]),
    ("paligemma", "<loc0256><loc0512><loc0512><loc0768> cat ; <loc0000><loc00", [((0.5, 0.25, 0.75, 0.5), "cat")]),
    ("paligemma", "", []),
    ("florence", "cup<loc_99><loc_199><loc_299><loc_399><loc_499><loc_499><loc_599><loc_599>"
                 "tin<loc_0><loc_0><loc_9><loc_9>",
     [((0.0995, 0.1995, 0.2995, 0.3995), "cup"), ((0.4995, 0.4995, 0.5995, 0.5995), "cup"),
      ((0.0005, 0.0005, 0.0095, 0.0095), "tin")]),
    ("florence", "cup<loc_99><loc_199><loc_299>", None),
    ("florence", "</s><s></s><pad>", []),
    ("gemini", '[{"box_2d": [100, 200, 300, 400], "label": "cup"}]', [((0.2, 0.1, 0.4, 0.3), "cup")]),
    ("gemini", '{"box_2d": [300, 400, 100, 1200]}', [((0.4, 0.1, 1.0, 0.3), "")]),
    ("gemini", "[]", []),
    ("any_json", "The cup is at [0.1, 0.2, 0.3, 0.4].", [((0.1, 0.2, 0.3, 0.4), "")]),
    ("any_json", '{"bbox": [0.1, 0.2, 0.3, 0.4], "label": "cup"}', [((0.1, 0.2, 0.3, 0.4), "cup")]),
    ("any_json", '{"bbox": [100, 200, 300, 400], "name": "cup"}', [((0.1, 0.2, 0.3, 0.4), "cup")]),
    ("any_json", "[1.2.3, 4, 5, 6]", None),
    ("moondream", '{"objects": []}', []),
    ("moondream", '{"objects": [{"x_min": 0.3, "y_min": 0.2, "x_max": 0.1, "y_max": 0.4}]}',
     [((0.1, 0.2, 0.3, 0.4), "")]),
    ("molmo", "There are none.", []),
    ("molmo", "A cup.", None),
    ("thousandths", '{"objects": [{"bbox_2d": [100, 200, 300, 400], "label": "cup"}]}',
     [((0.1, 0.2, 0.3, 0.4), "cup")]),
    ("thousandths", '[{"bbox_2d": [0.31, 0.42, 0.55, 0.71], "label": "cup"}]', [((0.31, 0.42, 0.55, 0.71), "cup")]),
    ("thousandths", '[{"bbox_2d": [0, 0, 0.5, 1], "label": "cup"}]', [((0.0, 0.0, 0.5, 1.0), "cup")]),
    ("thousandths", '[{"bbox_2d": [0, 0, 1, 1]}]', [((0.0, 0.0, 0.001, 0.001), "")]),
    ("thousandths", '[{"bbox_2d": [0.5, 0.5, 500.5, 300]}]', [((0.0005, 0.0005, 0.5005, 0.3), "")]),
    ("gemini", '[{"box_2d": [0.1, 0.2, 0.3, 0.4], "label": "cup"}]', [((0.2, 0.1, 0.4, 0.3), "cup")]),
    ("thousandths", '[{"bbox_2d": [NaN, 200, 300, 400]}]', None),
    ("thousandths", '[{"bbox_2d": [1e999, 200, 300, 400]}]', None),
    ("thousandths", '[{"bbox_2d": [true, 200, 300, 400]}]', None),
    ("thousandths", '[{"bbox_2d": [5, 5, 5, 5]}]', None),
]  # fmt: skip


@pytest.mark.parametrize(("form", "text", "boxes"), ROWS, ids=[f"{form}: {text[:40]}" for form, text, _ in ROWS])
def test_what_is_written_is_read_or_said_to_be_unreadable(form, text, boxes):
    if boxes is None:
        with pytest.raises(UnreadableError):
            read_boxes(text, form, (100, 100))
    else:
        assert [(pytest.approx(b.box_xyxy, abs=1e-3), b.label) for b in read_boxes(text, form, (100, 100))] == boxes


@pytest.mark.parametrize(
    ("text", "points"),
    [
        ('<points x1="10.0" y1="20.0" x2="30" y2="40" alt="cups">cups</points>', [(0.1, 0.2), (0.3, 0.4)]),
        ('Two: <points coords="1 1 100 200 2 300 400">cups</points>.', [(0.1, 0.2), (0.3, 0.4)]),
        ('<points coords="1 1 100 200;2 1 300 400"/>', [(0.1, 0.2), (0.3, 0.4)]),
        ('<point x="150" y="-3" alt="cup">cup</point>', [(1.0, 0.0)]),
    ],
)  # fmt: skip
def test_molmo_points(text, points):
    found = read_boxes(text, "molmo")
    assert [one.point_uv for one in found] == [pytest.approx(point) for point in points]
    assert {one.label for one in found} <= {"cups", "cup", ""}


@pytest.mark.parametrize(
    ("form", "text", "box", "point"),
    [
        ("thousandths", '[{"bbox_2d": [100, 200, 500, 600], "point_2d": [300, 450]}]',
         (0.1, 0.2, 0.5, 0.6), (0.3, 0.45)),
        ("gemini", '[{"point": [450, 300], "box_2d": [200, 100, 600, 500]}]', (0.1, 0.2, 0.5, 0.6), (0.3, 0.45)),
        ("thousandths", '[{"bbox_2d": [0.1, 0.2, 0.5, 0.6], "point_2d": [0.3, 0.45]}]',
         (0.1, 0.2, 0.5, 0.6), (0.3, 0.45)),
        ("moondream", '{"x_min": 0.1, "y_min": 0.2, "x_max": 0.5, "y_max": 0.6, "x": 0.3, "y": 0.45}',
         (0.1, 0.2, 0.5, 0.6), (0.3, 0.45)),
        ("pixels", '[{"bbox_2d": [10, 20, 50, 60], "point_2d": [30, 45]}]', (0.1, 0.2, 0.5, 0.6), (0.3, 0.45)),
        ("thousandths", '[{"bbox_2d": [300, 450, 300, 450], "point_2d": [300, 450]}]',
         (0.29, 0.44, 0.31, 0.46), (0.3, 0.45)),
    ],
)  # fmt: skip
def test_a_box_keeps_the_point_that_stands_beside_it(form, text, box, point):
    (found,) = read_boxes(text, form, (100, 100))
    assert found.box_xyxy == pytest.approx(box)
    assert found.point_uv == pytest.approx(point)


PIECES = [
    "<loc0100>", "<loc_100>", "<loc_9999>", "<loc", "<point ", 'x="1"', 'y="1.5"', 'coords="1 1 2 3"', "</points>",
    "<points ", '{"bbox_2d": [', '{"box_2d": [1, 2, 3, 4]}', '"point": [', "[1,2,3,4]", "[0.1, 0.2, 0.3, 0.4]",
    "{" * 40, "[" * 40,
    '{"x_min": 1, "y_min": 0, "x_max": -1, "y_max": 1e308}', "NaN", "-Infinity", "9" * 400,
    "```json", ";", ">", "/>", '"', "\x00", "漢",
    "<|box_start|>(", "1,2),(3,4)<|box_end|>", '{"a": ' * 30,
]  # fmt: skip


@given(
    st.sampled_from(FORMS),
    st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=5)), max_size=20).map("".join),
    st.tuples(st.integers(1, 4000), st.integers(1, 4000)),
)
def test_any_text_gives_boxes_inside_the_image_or_is_unreadable(form, text, size):
    try:
        found = read_boxes(text, form, size)
    except UnreadableError:
        return
    for one in found:
        x1, y1, x2, y2 = one.box_xyxy
        assert 0 <= x1 < x2 <= 1
        assert 0 <= y1 < y2 <= 1
        assert 0 <= one.start < one.stop <= len(text)
        assert one.point_uv is None or all(0 <= value <= 1 for value in one.point_uv)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "text", ['{"a": ' * 50_000, "{" * 500_000, "<loc_1>" * 50_000, "<points " + 'x1="1" ' * 40_000, "[1," * 90_000]
)
def test_endless_text_comes_to_an_end(form, text):
    try:
        assert read_boxes(text, form, (100, 100)) is not None
    except UnreadableError as error:
        assert "no box" in str(error)  # noqa: PT017
