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
    check.add_argument("trees", nargs="+", metavar="TREE", help="file, or name of a tree in the library")

    nodes = commands.add("nodes", "List the nodes a tree can use, or explain one.", "knothole nodes pick", _nodes)
    nodes.add_argument("name", nargs="?", metavar="NAME", help="node to explain")

    draw = commands.add("draw", "Draw a tree.", "knothole draw tidy_table -o tidy_table.svg", _draw)
    draw.add_argument("tree", metavar="TREE", help="file, or name of a tree in the library")
    draw.add_argument("-o", "--output", type=Path, metavar="FILE", help=".svg, .png, .dot or .txt (default: text)")


def _check(args: argparse.Namespace) -> int:
    from ..inspect import check_trees

    problems, text = check_trees(args.trees)
    failed = any(problem.severity == "error" for problem in problems)
    if args.json:
        print(json.dumps([problem.to_json() for problem in problems]))
    else:
        print(text, file=sys.stderr if failed else sys.stdout)
    return USAGE if failed else 0


def _nodes(args: argparse.Namespace) -> int:
    from ..inspect import node_list, node_page

    print(node_page(args.name) if args.name else node_list())
    return 0


def _draw(args: argparse.Namespace) -> int:
    from ..inspect import draw_tree

    print(draw_tree(args.tree, args.output))
    return 0
