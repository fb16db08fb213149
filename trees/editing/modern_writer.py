"""One script's statement as an expression, where both surely give the same value."""

from __future__ import annotations

from ..formulas.script_syntax import Assign, Chain, Constant, Name, Node, Prefix
from ..formulas.scripts import walk
from .modern_entries import Entries

_RANKS = {"||": 1, "&&": 2, "!": 3, "==": 4, "+": 5, "*": 6, "-x": 7, "": 8}


class Unlike(Exception):
    """A script and the expression might differ; the text says why."""


class ExpressionWriter:
    """Writes expressions for the scripts of one tree.

    Args:
        entries: What is known of the entries.
        tree: The tree whose names the scripts use.
    """

    def __init__(self, entries: Entries, tree: str) -> None:
        self.entries, self.tree = entries, tree

    def condition(self, node: Node) -> str:
        """Write a condition, which gives true or false.

        Raises:
            Unlike: It cannot be shown to decide the same.
        """
        return self._truth(node)[0]

    def value(self, node: Node, kind: str) -> str:
        """Write a value for an entry that holds ``kind``.

        Raises:
            Unlike: It cannot be shown to be the same value.
        """
        own = self.entries.kind(node, self.tree)
        if own == "bool" and kind in ("bool", "double"):
            if isinstance(node, Name | Constant):
                return self._number(node, "double")[0]
            return f"1.0 if {self._truth(node)[0]} else 0.0"
        if kind == "text":
            return self._text(node)[0]
        return self._number(node, "int" if kind == "int" else "double")[0]

    def _name(self, node: Name) -> str:
        why = self.entries.unknown(self.tree, node)
        if why:
            raise Unlike(why)
        return f"${'@' if node.root else ''}{node.name}"

    def _kind(self, node: Node) -> str:
        if isinstance(node, Name):
            self._name(node)
        return self.entries.kind(node, self.tree)

    def _truth(self, node: Node) -> tuple[str, int]:
        if isinstance(node, Prefix) and node.sign == "!":
            return f"not {_inside(self._truth(node.operand), 3)}", 3
        if isinstance(node, Chain) and node.compares:
            return self._comparison(node)
        if isinstance(node, Chain) and node.rest[0][0] in ("&&", "||"):
            return self._logic(node)
        if isinstance(node, Constant) and node.value in (0, 1) and not isinstance(node.value, str):
            return ("true" if node.value else "false"), 8
        if self._kind(node) == "bool" and isinstance(node, Name):
            return f"{self._name(node)} != 0", 4
        raise Unlike("a condition of a script must be 0 or 1, and this may be something else")

    def _logic(self, node: Chain) -> tuple[str, int]:
        sign = node.rest[0][0]
        parts = [node.first, *(operand for _, operand, _ in node.rest)]
        looked = {str(n) for n in walk(parts[0]) if isinstance(n, Name)}
        for part in parts[1:]:
            for name in (n for n in walk(part) if isinstance(n, Name)):
                if str(name) not in looked:
                    raise Unlike(f"a script looks at {name} even where the left side of {sign} decides")
        rank = _RANKS[sign]
        word = " and " if sign == "&&" else " or "
        return word.join(_inside(self._truth(part), rank + 1) for part in parts), rank

    def _comparison(self, node: Chain) -> tuple[str, int]:
        parts = [node.first, *(operand for _, operand, _ in node.rest)]
        kinds = [self._kind(part) for part in parts]
        signs = [sign for sign, _, _ in node.rest]
        if set(kinds) == {"text"}:
            texts = [_inside(self._text(part), 5) for part in parts]
        elif set(kinds) <= {"int", "bool", "double"}:
            exact = set(kinds) <= {"int", "bool"}
            if not exact and any(sign in ("==", "!=") for sign in signs):
                raise Unlike("a script takes numbers for equal that differ by less than 2**-23")
            texts = [_inside(self._number(part, "any"), 5) for part in parts]
        else:
            raise Unlike("a script compares a text with a number by reading the text as one")
        return texts[0] + "".join(f" {sign} {text}" for sign, text in zip(signs, texts[1:], strict=True)), 4

    def _text(self, node: Node) -> tuple[str, int]:
        if isinstance(node, Constant) and isinstance(node.value, str):
            quoted = node.value.replace("\\", "\\\\").replace("'", "\\'")
            return f"'{quoted}'", 8
        if self._kind(node) != "text":
            raise Unlike("a script may change the type of this value")
        if isinstance(node, Name):
            return self._name(node), 8
        if isinstance(node, Chain) and {sign for sign, _, _ in node.rest} <= {"+", ".."}:
            parts = [node.first, *(operand for _, operand, _ in node.rest)]
            return " + ".join(_inside(self._text(part), 6) for part in parts), 5
        raise Unlike("this has no counterpart in expressions")

    def _number(self, node: Node, kind: str) -> tuple[str, int]:
        """Write a number as int or double (``any``: only its amount counts)."""
        if isinstance(node, Constant) and not isinstance(node.value, str):
            if kind == "int" and not isinstance(node.value, int):
                raise Unlike("a script makes a whole number of this, or fails")
            return (repr(float(node.value)) if kind == "double" else repr(node.value)), 8
        if isinstance(node, Name):
            own = self._kind(node)
            if own not in ("int", "double", "bool") or (kind == "int" and own != "int"):
                raise Unlike(f"a script changes the type of {node} here")
            return (f"1.0 * {self._name(node)}", 6) if kind == "double" and own == "int" else (self._name(node), 8)
        if isinstance(node, Prefix) and node.sign == "-":
            return f"-{_inside(self._number(node.operand, kind), 7)}", 7
        if isinstance(node, Chain) and not node.compares and {sign for sign, _, _ in node.rest} <= {"+", "-", "*", "/"}:
            return self._arithmetic(node, kind)
        if isinstance(node, Assign):
            raise Unlike("it assigns inside an expression")
        raise Unlike("this has no counterpart in expressions")

    def _arithmetic(self, node: Chain, kind: str) -> tuple[str, int]:
        rank = 5 if node.rest[0][0] in "+-" else 6
        text = _inside(self._number(node.first, kind), rank)
        for sign, operand, _ in node.rest:
            if sign == "/" and (kind == "int" or not isinstance(operand, Constant) or not operand.value):
                raise Unlike("a division by zero is infinity in a script and a fault in an expression")
            text += f" {sign} {_inside(self._number(operand, kind), rank + 1)}"
        return text, rank


def _inside(piece: tuple[str, int], rank: int) -> str:
    text, own = piece
    return text if own >= rank else f"({text})"
