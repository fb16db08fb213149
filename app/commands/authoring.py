"""Commands for authors of trees: check, draw, nodes."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from . import USAGE, Commands


def add(commands: Commands) -> None:
    """Add the commands of this file."""
    check = commands.add("check", "Check trees without running them.", "knothole check my_tree.yaml", _check)
    check.add_argument("--strict", action="store_true", help="count warnings as errors")
    check.add_argument("trees", nargs="+", metavar="TREE", help="file, or name of a tree in the library")

    nodes = commands.add("nodes", "List the nodes a tree can use, or explain one.", "knothole nodes pick", _nodes)
    nodes.add_argument("name", nargs="?", metavar="NAME", help="node to explain, or a dialect to list: bt, pt, nav2")

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

    draw = commands.add("draw", "Draw a tree.", "knothole draw tidy_table -o tidy_table.svg", _draw)
    draw.add_argument("tree", metavar="TREE", help="file, or name of a tree in the library")
    draw.add_argument("-o", "--output", type=Path, metavar="FILE", help=".svg, .png, .dot or .txt (default: text)")


def _check(args: argparse.Namespace) -> int:
    from ..inspect import check_trees

    problems, text = check_trees(args.trees, args.strict)
    failed = any(problem.severity == "error" for problem in problems)
    if args.json:
        print(json.dumps([problem.to_json() for problem in problems]))
    else:
        print(text, file=sys.stderr if failed else sys.stdout)
    return USAGE if failed else 0


def _nodes(args: argparse.Namespace) -> int:
    from ..inspect import node_list, node_page, node_table

    if args.models:
        from ..convert import declare_nodes

        declare_nodes(args.models, sys.stdout)
    elif args.json:
        print(json.dumps(node_table(args.name or "")))
    else:
        print(node_page(args.name) if args.name else node_list())
    return 0


def _convert(args: argparse.Namespace) -> int:
    from ..convert import convert

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
    from ..inspect import draw_tree

    print(draw_tree(args.tree, args.output))
    return 0
