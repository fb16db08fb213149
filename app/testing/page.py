"""The report as one page that needs no other file: cases, failures, and each tree with its marks; light and dark."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Final

from .case import Verdict
from .coverage import NodeCoverage, TreeCoverage
from .report import TestReport

_STYLE: Final = """
:root { color-scheme: light dark; --paper: #ffffff; --ink: #1f2933; --faint: #5f6c7b; --line: #d9dee4;
  --panel: #f6f8fa; --good: #1e7a3c; --part: #9a6700; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --paper: #14181d; --ink: #e4e8ec; --faint: #9aa7b4; --line: #2f3841;
  --panel: #1c2229; --good: #5fcf80; --part: #e3b341; --bad: #ff7b72; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1100px; padding: 2rem 1.2rem 4rem; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0 0 .2rem; } h2 { font-size: 1.15rem; margin: 2.2rem 0 .6rem; }
p { margin: .2rem 0 1rem; color: var(--faint); }
table { border-collapse: collapse; width: 100%; font-size: .88rem; }
th { text-align: left; color: var(--faint); font-weight: 500; }
th, td { padding: .3rem .6rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
td.path { font-family: ui-monospace, monospace; word-break: break-all; }
.n { text-align: right; } .n + th, .n + td { padding-left: 1rem; }
pre { background: var(--panel); border: 1px solid var(--line); border-radius: 6px; padding: .8rem; overflow-x: auto;
  font: .82rem/1.45 ui-monospace, monospace; }
.covered, .passed { color: var(--good); } .partly { color: var(--part); } .never, .failed { color: var(--bad); }
.bar { display: inline-block; width: 8rem; height: .5rem; border-radius: 4px; background: var(--line); }
.bar i { display: block; height: 100%; border-radius: 4px; background: var(--good); }
.tree { background: #ffffff; border: 1px solid var(--line); border-radius: 6px; overflow: auto; max-height: 80vh;
  margin: .8rem 0; } .tree svg { display: block; margin: 0 auto; }
"""
_SIGN: Final = {"covered": "●", "partly": "◐", "never": "○"}


def page(report: TestReport, title: str = "knothole test") -> str:
    """Return the report as an HTML document."""
    out = [
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>",
        f"<h1>{escape(title)}</h1>",
        *_cases(report),
    ]
    for tree in report.coverage.results():
        out += _tree(tree)
    return "\n".join([*out, "</body>\n</html>\n"])


def _cases(report: TestReport) -> Iterator[str]:
    if not report.verdicts:
        return
    yield f"<p>{escape(report.summary)}</p>\n<h2>Cases</h2>\n<table>\n<tr><th></th><th>case</th><th>status</th>"
    yield "<th class='n'>ticks</th><th class='n'>time</th></tr>"
    yield from map(_case, report.verdicts)
    yield "</table>"
    for verdict in report.verdicts:
        if not verdict.passed:
            yield f"<h2 class='failed'>{escape(verdict.case.title)}</h2>\n<pre>{escape(verdict.explanation)}</pre>"


def _case(verdict: Verdict) -> str:
    played = verdict.played
    status, ticks, time = (played.status, played.ticks, f"{played.time:g}s") if played is not None else ("", "", "")
    mark = "<td class='passed'>✓</td>" if verdict.passed else "<td class='failed'>✗</td>"
    name = f"<td>{escape(verdict.case.name)}<br><small>{escape(verdict.case.source.file)}</small></td>"
    return f"<tr>{mark}{name}<td>{status}</td><td class='n'>{ticks}</td><td class='n'>{time}</td></tr>"


def _tree(tree: TreeCoverage) -> Iterator[str]:
    yield f"<h2>Coverage of {escape(tree.tree.name)}</h2>\n<p>{escape(tree.tree.file)}</p>\n<table>"
    for name, (got, all_of) in tree.totals.items():
        share = 100.0 * got / all_of if all_of else 100.0
        bar = f"<span class='bar'><i style='width:{share:.0f}%'></i></span>"
        count = f"<td class='n'>{got} of {all_of}</td><td class='n'>{share:.0f} %</td>"
        yield f"<tr><td>{name}</td><td>{bar}</td>{count}</tr>"
    yield f"</table>\n<div class='tree'>{tree.picture('svg').decode()}</div>\n<table>"
    yield "<tr><th></th><th>node</th><th class='n'>line</th><th>outcomes, in ticks</th><th>missing</th></tr>"
    yield from map(_node, tree.nodes)
    yield "</table>"


def _node(node: NodeCoverage) -> str:
    counts = ", ".join(f"{name} {count}" for name, count in node.counts.items() if count and name != "UNSURE")
    missing = ", ".join(node.missing) if node.ticked else ""
    return (
        f"<tr><td class='{node.mark}'>{_SIGN[node.mark]}</td><td class='path'>{escape(node.path)}</td>"
        f"<td class='n'>{node.spec.place.line}</td><td>{counts or 'never ticked'}</td><td>{escape(missing)}</td></tr>"
    )
