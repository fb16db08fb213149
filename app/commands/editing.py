"""Commands for editors: fmt, schema, lsp."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from . import USAGE, Commands


def add(commands: Commands) -> None:
    """Add the commands of this file."""
    fmt = commands.add("fmt", "Format trees, comments kept.", "knothole fmt my_tree.yaml", _fmt)
    fmt.add_argument("files", nargs="+", metavar="FILE", help="YAML file, or - for standard input")
    fmt.add_argument("--check", action="store_true", help="write nothing; exit with 1 if a file would change")
    fmt.add_argument("--diff", action="store_true", help="write nothing; show what would change")

    schema = commands.add(
        "schema", "Write the JSON Schema of the language.", "knothole schema -o knothole.schema.json", _schema
    )
    schema.add_argument("-o", "--output", type=Path, metavar="FILE", help="where it goes (default: standard output)")

    commands.add("lsp", "Serve editors over standard input and output.", "knothole lsp", _lsp)


def _fmt(args: argparse.Namespace) -> int:
    from ..authoring.format import format_files

    done, problems, text = format_files(args.files, args.check, args.diff)
    if args.json:
        rows = [{"file": each.file, "changed": each.changed} for each in done]
        print(json.dumps(rows + [problem.to_json() for problem in problems]))
    elif text:
        print(text, file=sys.stderr if problems or "-" in args.files else sys.stdout)
    if problems:
        return USAGE
    return 1 if args.check and any(each.changed for each in done) else 0


def _schema(args: argparse.Namespace) -> int:
    from ..authoring.schema import write_schema

    print(write_schema(args.output))
    return 0


def _lsp(args: argparse.Namespace) -> int:
    from ..editor.language_server import serve

    return serve()
