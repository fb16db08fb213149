"""A recorded run as one page: how it ended and why, when each node did what, what was seen and answered.

The page needs no other file, asks for none, and runs no script; whatever a tree or a model says is only text on it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any, Final

from ..tracing.history import History
from ..tracing.recording import Recording
from .shown import Shown, shown
from .tables import answered
from .timeline import timeline

MOST: Final = 60
"""Pictures on a page."""
_MOST_ROWS: Final = 500
_SHORT: Final = 300
_STYLE: Final = """
:root { color-scheme: light dark; --paper: #ffffff; --ink: #1f2933; --faint: #5f6c7b; --line: #d9dee4;
  --panel: #f6f8fa; --run: #e0a100; --good: #2e8b57; --bad: #c8402f; --skip: #9aa7b4; --box: #19bfff; }
@media (prefers-color-scheme: dark) { :root { --paper: #14181d; --ink: #e4e8ec; --faint: #9aa7b4; --line: #2f3841;
  --panel: #1c2229; --run: #d8a636; --good: #57b583; --bad: #e2705f; --skip: #5f6c7b; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1240px; padding: 2rem 1.2rem 4rem; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin-top: 2.2rem; }
.outcome { border-left: 6px solid var(--skip); padding: .2rem .8rem; } .outcome.SUCCESS { border-color: var(--good); }
.outcome.FAILURE, .outcome.FAULT { border-color: var(--bad); }
pre { background: var(--panel); padding: .8rem; overflow-x: auto; white-space: pre-wrap; }
.wide { overflow-x: auto; } table { border-collapse: collapse; }
th, td { text-align: left; padding: .2rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top; }
th { color: var(--faint); font-weight: 600; } td.n { text-align: right; font-variant-numeric: tabular-nums; }
.faint { color: var(--faint); }
svg text.name { font-size: 11px; fill: var(--ink); } svg text.mark { font-size: 10px; fill: var(--faint); }
svg .rule { stroke: var(--line); } rect.RUNNING { fill: var(--run); } rect.SUCCESS { fill: var(--good); }
rect.FAILURE { fill: var(--bad); } rect.SKIPPED { fill: var(--skip); }
.key span { display: inline-block; margin-right: 1rem; } .key i { display: inline-block; width: .8rem; height: .8rem;
  margin-right: .3rem; vertical-align: -1px; } .key .RUNNING { background: var(--run); }
.key .SUCCESS { background: var(--good); } .key .FAILURE { background: var(--bad); }
.key .SKIPPED { background: var(--skip); }
.pictures { display: flex; flex-wrap: wrap; gap: 1rem; } figure { margin: 0; width: 380px; }
.frame { position: relative; } .frame img { width: 100%; display: block; }
.frame svg { position: absolute; inset: 0; width: 100%; height: 100%; }
.frame rect { fill: none; stroke: var(--box); stroke-width: 2px; vector-effect: non-scaling-stroke; }
.frame circle { fill: #ffd23f; } .frame text { fill: var(--box); font-size: 3px; }
figcaption { font-size: 13px; } figcaption p { margin: .1rem 0; }
"""
_POLICY: Final = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def page(recording: Recording, name: str, why: str) -> Iterator[str]:
    """Yield a recorded run as HTML, piece by piece.

    Args:
        recording: The trace.
        name: What the trace is called.
        why: Why the run ended as it did, in words.

    Raises:
        TraceError: The trace holds no tree.
    """
    history = History(recording)
    seconds = max((history.time(m) for m in recording.messages), default=0.0)
    start, end = recording.start, recording.end
    title = escape(f"{recording.tree.get('name', 'tree')} {end.get('outcome', 'unfinished')}")
    yield "<!doctype html>\n<html lang='en'>\n<head>\n<meta charset='utf-8'>"
    yield f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
    yield "<meta name='viewport' content='width=device-width, initial-scale=1'>"
    yield f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>"
    outcome = str(end.get("outcome", "UNFINISHED"))
    yield f"<h1>{escape(str(recording.tree.get('name', 'tree')))}</h1>"
    yield f"<div class='outcome {escape(outcome)}'><strong>{escape(outcome)}</strong> "
    yield f"after {recording.last_tick} ticks, {seconds:.2f} s<br><span class='faint'>{escape(name)}</span></div>"
    yield f"<h2>Why</h2>\n<pre>{escape(why)}</pre>"
    yield "<h2>When</h2>\n<p class='key'>"
    yield "".join(f"<span><i class='{s}'></i>{s}</span>" for s in ("RUNNING", "SUCCESS", "FAILURE", "SKIPPED"))
    yield "</p>\n<div class='wide'>"
    yield from timeline(history, seconds)
    yield "</div>"
    yield from _pictures(recording)
    yield from _blackboard(recording)
    yield from _log(recording)
    yield from _table("Recorded", start)
    if end:
        yield from _table("End", {key: value for key, value in end.items() if key != "poses"})
    yield f"<h2>Tree</h2>\n<pre>{escape(str(recording.tree.get('text', '')))}</pre>"
    yield "</body>\n</html>\n"


def _pictures(recording: Recording) -> Iterator[str]:
    pictures, left_out = shown(recording, MOST)
    if not pictures:
        return
    yield "<h2>Seen</h2>\n<div class='pictures'>"
    for picture in pictures:
        yield from _figure(picture)
    yield "</div>"
    if left_out:
        yield f"<p class='faint'>{left_out} more pictures are in the trace.</p>"


def _figure(picture: Shown) -> Iterator[str]:
    if picture.image() is None:
        return
    yield f"<figure><div class='frame'><img alt='{escape(picture.name, quote=True)}' loading='lazy' "
    yield f"src='data:{picture.media_type};base64,{picture.data}'>"
    yield "<svg viewBox='0 0 100 100' preserveAspectRatio='none'>"
    for region in picture.regions():
        x1, y1, x2, y2 = (100.0 * float(v) for v in region["box_xyxy"])
        yield f"<rect x='{x1:.2f}' y='{y1:.2f}' width='{abs(x2 - x1):.2f}' height='{abs(y2 - y1):.2f}'/>"
        yield f"<text x='{x1:.2f}' y='{max(y1 - 0.6, 3):.2f}'>{escape(str(region['label'])[:40])}</text>"
        if region.get("point_uv"):
            u, v = (100.0 * float(p) for p in region["point_uv"])
            yield f"<circle cx='{u:.2f}' cy='{v:.2f}' r='0.9'/>"
    yield f"</svg></div><figcaption><p class='faint'>{picture.time:.2f} s, {escape(picture.name)}</p>"
    for time, answer in picture.answers[-12:]:
        said, sure = answered(answer)
        words = f"{time:.2f} s {answer['question']} → {said} {sure}".strip()
        yield f"<p>{escape(_short(words))}</p>"
    yield "</figcaption></figure>"


def _blackboard(recording: Recording) -> Iterator[str]:
    values = recording.blackboard()
    if values:
        yield from _table("Blackboard at the end", values)


def _log(recording: Recording) -> Iterator[str]:
    lines = recording.topic("/log")
    if not lines:
        return
    yield "<h2>Log</h2>\n<div class='wide'><table>"
    began = recording.began
    for message in lines[:_MOST_ROWS]:
        name, text = escape(str(message.data["name"])), escape(_short(str(message.data["message"]), 2000))
        yield f"<tr><td class='n'>{message.time - began:.2f} s</td><td class='faint'>{name}</td><td>{text}</td></tr>"
    yield "</table></div>"
    if len(lines) > _MOST_ROWS:
        yield f"<p class='faint'>{len(lines) - _MOST_ROWS} more lines are in the trace.</p>"


def _table(title: str, data: Mapping[str, Any]) -> Iterator[str]:
    yield f"<h2>{escape(title)}</h2>\n<div class='wide'><table>"
    for name, value in data.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
        yield f"<tr><th>{escape(str(name))}</th><td>{escape(_short(text, 2000))}</td></tr>"
    yield "</table></div>"


def _short(text: str, most: int = _SHORT) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
