"""Commands for authors of trees: check, draw, nodes."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from ..settings.arguments import moment
from . import USAGE, Commands


def add(commands: Commands) -> None:
    """Add the commands of this file."""
    check = commands.add("check", "Check trees without running them.", "knothole check my_tree.yaml", _check)
    check.add_argument("--strict", action="store_true", help="count warnings as errors")
    check.add_argument("--invariants", type=Path, metavar="FILE", help="rules that the trees must not break")
    check.add_argument("trees", nargs="+", metavar="TREE", help="file, or name of a tree in the library")

    nodes = commands.add("nodes", "List the nodes a tree can use, or explain one.", "knothole nodes pick", _nodes)
    nodes.add_argument("name", nargs="?", metavar="NAME", help="node to explain, or a dialect to list: bt, pt, nav2")

    nodes.add_argument("--skills", action="store_true", help="list what plans may be made of: needs and effects")
    nodes.add_argument(
        "--from",
        dest="models",
        type=Path,
        nargs="+",
        default=[],
        metavar="XML",
        help="print declarations of the nodes of BehaviorTree.CPP models and trees",
    )

    convert = commands.add(
        "convert",
        "Convert trees between BehaviorTree.CPP's XML and YAML, comments kept.",
        "knothole convert tree.xml tree.yaml",
        _convert,
    )
    convert.add_argument("source", type=Path, metavar="FROM", help=".xml or .yaml file")
    convert.add_argument("target", type=Path, nargs="?", metavar="TO", help="file to write (default: standard output)")
    convert.add_argument(
        "--modern", action="store_true", help="say scripts as `set` and expressions where it is the same"
    )
    convert.add_argument("--force", action="store_true", help="write over an existing file")
    convert.add_argument(
        "--models", type=Path, action="append", default=[], metavar="XML", help="models of the nodes that the tree uses"
    )

    draw = commands.add(
        "draw", "Draw a tree or a recorded run.", "knothole draw runs/RUN.mcap --heat time -o run.pdf", _draw
    )
    draw.add_argument("tree", metavar="TREE", help="file, name of a tree in the library, or trace (….mcap)")
    formats = ".svg, .png, .pdf, .html, .mmd (Mermaid), .dot or .txt"
    draw.add_argument("-o", "--output", type=Path, metavar="FILE", help=f"{formats} (default: text)")
    draw.add_argument("--heat", choices=("visits", "time", "failures"), help="of a run: color by how much happened")
    draw.add_argument("--at", type=moment, metavar="T", help="of a run: at this tick (340, @340) or time (12.4s)")
    draw.add_argument("--expand", action="store_true", help="draw used trees whole")
    draw.add_argument("--brief", action="store_true", help="leave out all ports but the main ones")
    draw.add_argument("--direction", choices=("auto", "down", "right"), default="auto", help="right: an outline")
    draw.add_argument("--layout", choices=("own", "dot"), default="own", help="dot: Graphviz places the boxes")


def _check(args: argparse.Namespace) -> int:
    from ..authoring.inspect import check_trees

    problems, text = check_trees(args.trees, args.strict, args.invariants)
    failed = any(problem.severity == "error" for problem in problems)
    if args.json:
        print(json.dumps([problem.to_json() for problem in problems]))
    else:
        print(text, file=sys.stderr if failed else sys.stdout)
    return USAGE if failed else 0


def _nodes(args: argparse.Namespace) -> int:
    from ..authoring.inspect import node_list, node_page, node_table

    if args.models:
        from ..authoring.convert import declare_nodes

        declare_nodes(args.models, sys.stdout)
    elif args.skills:
        from ..authoring.skills import skill_list, skill_table

        print(json.dumps(skill_table()) if args.json else skill_list())
    elif args.json:
        print(json.dumps(node_table(args.name or "")))
    else:
        print(node_page(args.name) if args.name else node_list())
    return 0


def _convert(args: argparse.Namespace) -> int:
    from ..authoring.convert import convert

    text = convert(
        args.source,
        args.target,
        modern=args.modern,
        force=args.force,
        models=args.models,
        tell=lambda note: print(note, file=sys.stderr),
    )
    if args.target is None:
        print(text, end="")
    else:
        print(f"wrote {args.target}")
    return 0


def _draw(args: argparse.Namespace) -> int:
    from ..authoring.draw import draw_what

    made = draw_what(
        args.tree,
        args.output,
        heat=args.heat,
        at=args.at,
        expand=args.expand,
        brief=args.brief,
        direction=args.direction,
        layout=args.layout,
        colored=not args.json
        and sys.stdout.isatty()
        and not os.environ.get("NO_COLOR")
        and os.environ.get("TERM") != "dumb",
    )
    if args.json:
        file, text = (None, made) if args.output is None else (str(args.output), None)
        made = json.dumps({"tree": args.tree, "file": file, "text": text})
    print(made)
    return 0
