"""A tree as one page for a browser: the outline with search and folding, and nothing that is fetched from anywhere.

Names and texts are escaped; the only script that may run is the one below, by its hash.
"""

from __future__ import annotations

import base64
import hashlib
from html import escape
from typing import Final

from .clean import clean
from .labels import Labelled
from .paint import Paint
from .style import EDGE, FAINT, KEYS, TEXT, Ink

_STYLE: Final = f"""
body {{ font: 15px/1.4 Helvetica, Arial, sans-serif; color: {TEXT}; margin: 0 16px 60px }}
header {{ position: sticky; top: 0; background: #fff; padding: 12px 0 8px; border-bottom: 1px solid #d9dee3 }}
h1 {{ font-size: 20px; margin: 0 }} header p {{ margin: 4px 0; color: {FAINT} }}
.legend span {{ display: inline-block; margin: 4px 14px 4px 0 }}
.legend i {{ display: inline-block; width: 14px; height: 14px; border-radius: 3px; margin-right: 6px;
  vertical-align: -2px; border: 2px solid }}
input, button {{ font: inherit; padding: 3px 8px }} input {{ width: 18em; max-width: 60vw }}
#rows {{ margin-top: 10px }}
.row {{ display: flex; align-items: flex-start; margin: 3px 0 }}
.row[hidden] {{ display: none }}
.fold {{ flex: none; width: 22px; border: 0; background: none; padding: 3px 0; cursor: pointer; color: {FAINT} }}
.box {{ border: 2px solid; border-radius: 3px; padding: 1px 9px; overflow-wrap: anywhere }}
.decorator .box {{ border-radius: 12px }} .condition .box {{ border-radius: 16px }} .use .box {{ border-style: double;
  border-width: 4px }}
.box b {{ margin-right: 8px }} .box small {{ font-size: 13px; color: {FAINT}; margin-right: 8px }}
.box em {{ font-size: 13px; font-style: normal; color: {KEYS} }} .box u {{ text-decoration: none; font-weight: 600;
  font-size: 13px; margin-right: 8px }}
.strong small, .strong em {{ color: {TEXT} }}
.found .box {{ outline: 3px solid #0b57d0; outline-offset: 1px }}
.edge {{ color: {EDGE}; font-size: 13px; padding: 4px 6px 0 0; flex: none }}
@media print {{ header {{ position: static }} input, button {{ display: none }} }}
"""
_SCRIPT: Final = """
'use strict';
const rows = Array.from(document.querySelectorAll('.row'));
const depth = row => Number(row.dataset.depth);
const folded = new Set();
const search = document.getElementById('search'), count = document.getElementById('count');
function show() {
  let hide = Infinity;
  rows.forEach(row => {
    if (depth(row) <= hide) hide = Infinity;
    row.hidden = hide !== Infinity;
    const fold = row.querySelector('.fold');
    fold.textContent = fold.disabled ? '' : folded.has(row) ? '\\u25b8' : '\\u25be';
    if (hide === Infinity && folded.has(row)) hide = depth(row);
  });
}
function unfoldTo(row) {
  let level = depth(row);
  for (let i = rows.indexOf(row) - 1; i >= 0 && level > 0; i--) {
    if (depth(rows[i]) < level) { folded.delete(rows[i]); level = depth(rows[i]); }
  }
}
let at = -1;
function find(step) {
  const wanted = search.value.trim().toLowerCase();
  const hits = rows.filter(row => {
    const hit = wanted !== '' && row.textContent.toLowerCase().includes(wanted);
    row.classList.toggle('found', hit);
    return hit;
  });
  count.textContent = wanted === '' ? '' : hits.length + ' found';
  if (!hits.length) { at = -1; return; }
  at = (at + step + hits.length) % hits.length;
  unfoldTo(hits[at]);
  show();
  hits[at].scrollIntoView({block: 'center'});
}
search.addEventListener('input', () => { at = -1; find(1); });
search.addEventListener('keydown', event => { if (event.key === 'Enter') find(event.shiftKey ? -1 : 1); });
document.getElementById('rows').addEventListener('click', event => {
  const fold = event.target.closest('.fold');
  if (!fold || fold.disabled) return;
  const row = fold.parentElement;
  folded.has(row) ? folded.delete(row) : folded.add(row);
  show();
});
document.getElementById('close').addEventListener('click', () => {
  rows.forEach(row => { if (depth(row) > 0 && !row.querySelector('.fold').disabled) folded.add(row); });
  show();
});
document.getElementById('open').addEventListener('click', () => { folded.clear(); show(); });
show();
"""


def to_html(root: Labelled, title: str, about: str, paint: Paint) -> str:
    """Return a page that needs nothing but itself."""
    allowed = base64.b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{allowed}'"
    out = [
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width">',
        f"<title>{escape(clean(title))}</title><style>{_STYLE}{_classes(paint, root)}</style></head><body>",
        f"<header><h1>{escape(clean(title))}</h1>",
        *(f"<p>{escape(clean(text))}</p>" for text in (about, paint.about) if text),
        _legend(paint),
        '<input id="search" type="search" placeholder="search, Enter for the next" aria-label="search">',
        '<button id="close">fold all</button> <button id="open">unfold all</button> <span id="count"></span></header>',
        '<div id="rows">',
    ]
    inks = _inks(paint, root)
    stack = [(root, 0)]
    while stack:
        node, depth = stack.pop()
        out.append(_row(node, depth, paint, inks[paint.ink(node.path, node.shape)]))
        stack.extend((child, depth + 1) for child in reversed(node.children))
    return "\n".join([*out, f"</div><script>{_SCRIPT}</script></body></html>", ""])


def _row(node: Labelled, depth: int, paint: Paint, color: int) -> str:
    path = escape(clean(node.path), quote=True)
    data = "".join(f' data-{name}="{escape(text)}"' for name, text in paint.data.get(node.path, {}).items())
    fold = f'<button class="fold" aria-label="fold"{"" if node.children else " disabled"}></button>'
    edge = f'<span class="edge">{escape(node.edge)}</span>' if node.edge else ""
    note = paint.notes.get(node.path, "")
    parts = [
        f"<b>{escape(node.title)}</b>",
        f"<u>{escape(note)}</u>" if note else "",
        f"<small>{escape(',  '.join(' '.join(line.split()) for line in node.lines))}</small>" if node.lines else "",
        f"<em>{escape(node.keys)}</em>" if node.keys else "",
    ]
    strong = " strong" if paint.ink(node.path, node.shape).strong else ""
    indent = min(depth * 22, 300 + depth * 2)
    return (
        f'<div class="row {node.shape}" data-depth="{depth}" data-path="{path}"{data} title="{path}" '
        f'style="margin-left:{indent}px">{fold}{edge}<div class="box c{color}{strong}">{"".join(parts)}</div></div>'
    )


def _inks(paint: Paint, root: Labelled) -> dict[Ink, int]:
    used = [paint.ink(node.path, node.shape) for node in root.walk()]
    return {ink: number for number, ink in enumerate(dict.fromkeys(used))}


def _classes(paint: Paint, root: Labelled) -> str:
    rules = []
    for ink, number in _inks(paint, root).items():
        dashed = "; border-style: dashed" if ink.dashed else ""
        rules.append(f".c{number} {{ background: {ink.fill}; border-color: {ink.line}{dashed} }}\n")
    return "".join(rules)


def _legend(paint: Paint) -> str:
    rows = "".join(
        f'<span><i style="background:{ink.fill};border-color:{ink.line}"></i>{escape(text)}</span>'
        for ink, text in paint.legend
    )
    return f'<div class="legend">{rows}</div>' if rows else ""
