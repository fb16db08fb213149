"""Small trees for the tests of the checker."""

from __future__ import annotations

import textwrap

from knothole.trees.loader import check_text

INPUTS = "inputs:\n  n: {type: number, default: 1}\n  thing: {type: object}\n  things: {type: objects}\n"


def tree(root: str, head: str = INPUTS) -> str:
    """Return a file with a root node, which begins in line 8."""
    return f"knothole: 1\ntree: t\n{head}root:\n" + textwrap.indent(textwrap.dedent(root).strip("\n"), "  ") + "\n"


def codes(text: str) -> list[str]:
    """Return the codes of all problems of a file, top to bottom."""
    return [problem.code for problem in check_text(text)]
