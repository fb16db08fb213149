"""The report as one page that needs no other file and asks for none; light and dark."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Final

from .collecting import Source, Tally, reliability
from .plots import answers_bar, latency_plot, reliability_plot
from .report import HEADS, QuestionReport, cells, describe

_STYLE: Final = """
:root { color-scheme: light dark; --paper: #ffffff; --ink: #1f2933; --faint: #5f6c7b; --line: #d9dee4;
  --panel: #f6f8fa; --one: #2f6fb3; --two: #c2571a; --three: #3b8a5a; --four: #7a5aa6; --doubt: #b9c0c8; }
@media (prefers-color-scheme: dark) { :root { --paper: #14181d; --ink: #e4e8ec; --faint: #9aa7b4; --line: #2f3841;
  --panel: #1c2229; --one: #6ea8e0; --two: #e9965f; --three: #71c294; --four: #b59be0; --doubt: #4b5661; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1180px; padding: 2rem 1.2rem 4rem; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin-top: 2.2rem; }
table { border-collapse: collapse; width: 100%; }
.wide { overflow-x: auto; }
th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top; }
th { color: var(--faint); font-weight: 600; } .n { text-align: right; font-variant-numeric: tabular-nums; }
.node td { background: var(--panel); font-weight: 600; } .kind { color: var(--faint); }
tfoot td { font-weight: 600; }
.plots { display: flex; flex-wrap: wrap; gap: 2rem; } figure { margin: 0; } figcaption { color: var(--faint); }
.notes li { color: var(--faint); }
.area { fill: var(--panel); stroke: var(--line); } .faint { stroke: var(--faint); stroke-dasharray: 4 4; }
.line { fill: none; stroke: var(--one); } .dot, .bar, .part0 { fill: var(--one); } .part1 { fill: var(--two); }
.part2 { fill: var(--three); } .part3 { fill: var(--four); } .unsure { fill: var(--doubt); }
.tick, .axis { fill: var(--faint); font-size: 11px; } .middle { text-anchor: middle; } .end { text-anchor: end; }
"""
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"


def page(report: QuestionReport) -> str:
    """Return the report as HTML."""
    return "\n".join(_page(report))


def _page(report: QuestionReport) -> Iterator[str]:
    found = report.gathered
    yield "<!doctype html>\n<html lang='en'>\n<head>\n<meta charset='utf-8'>"
    yield f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
    yield "<meta name='viewport' content='width=device-width, initial-scale=1'>"
    yield f"<title>Questions to the model</title>\n<style>{_STYLE}</style>\n</head>\n<body>"
    yield "<h1>Questions to the model</h1>"
    if report.notes:
        yield "<ul class='notes'>" + "".join(f"<li>{escape(note)}</li>" for note in report.notes) + "</ul>"
    yield from _plots(found.total)
    yield from _table(report)
    yield "<h2>Traces</h2>\n<table><tr><th>trace</th><th>run</th></tr>"
    yield from map(_source, found.sources)
    yield "</table>\n<p class='kind'>Calls are requests to the backend; one may carry several questions. An answer is "
    yield "unsure when it has a problem, or no allowed answer has a probability of 0.8 or more. Accuracy is the share "
    yield "that was right of the usable answers whose truth is known; ECE is their expected calibration error.</p>"
    yield "</body>\n</html>\n"


def _plots(total: Tally) -> Iterator[str]:
    if not total.latencies:
        return
    yield "<div class='plots'>"
    if total.bets:
        caption = f"How honest probabilities are, {len(total.bets)} answers"
        yield f"<figure>{reliability_plot(reliability(total.bets))}<figcaption>{caption}</figcaption></figure>"
    caption = f"How long answers took, {len(total.latencies)} answers"
    yield f"<figure>{latency_plot(total.latencies)}<figcaption>{caption}</figcaption></figure>\n</div>"


def _table(report: QuestionReport) -> Iterator[str]:
    heads = "".join(f"<th class='n'>{head}</th>" for head in HEADS)
    yield f"<h2>By node and question</h2>\n<div class='wide'><table>\n<tr><th>question</th><th>answers</th>{heads}</tr>"
    node = None
    for (asker, kind, text), tally in sorted(report.gathered.rows.items()):
        if asker != node:
            yield f"<tr class='node'><td colspan='{2 + len(HEADS)}'>{escape(asker or 'nobody')}</td></tr>"
            node = asker
        words = f"{escape(text)} <span class='kind'>{escape(kind)}</span>"
        yield f"<tr><td>{words}</td><td>{answers_bar(tally.said)}</td>{_numbers(tally)}</tr>"
    yield f"<tfoot><tr><td>all</td><td></td>{_numbers(report.gathered.total)}</tr></tfoot>\n</table></div>"


def _numbers(tally: Tally) -> str:
    return "".join(f"<td class='n'>{escape(cell)}</td>" for cell in cells(tally))


def _source(source: Source) -> str:
    what = f"left out: {source.problem}" if source.problem else describe(source)
    cut = "" if source.complete else " (ends in the middle)"
    return f"<tr><td>{escape(str(source.path))}</td><td>{escape(what + cut)}</td></tr>"
