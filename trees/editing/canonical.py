"""Put the text of a tree file into its canonical form, and make sure that it still says the same."""

from __future__ import annotations

from collections.abc import Iterator

from ..._base import KnotholeError
from ..language.constants import text_of
from ..literals import core_value
from ..loader import check_text
from ..problems import TreeError
from ..reading.document import Comments, Documents, Item, Pairs, Scalar
from ..reading.reader import read_text
from .comments import find_comments
from .printer import print_yaml


def canonical(text: str, file: str = "<text>") -> str:
    """Return a text in its canonical form, with the line ends that its first line has and no byte order mark.

    Args:
        text: YAML, of one or several trees.
        file: Its name in messages; trees that it uses are looked for beside it.

    Raises:
        TreeError: It is no YAML, the reader leaves parts of it out, or nobody can tell a comment from text.
    """
    documents = read_text(text, file)
    comments = find_comments(documents)
    _refuse_cut_texts(documents, text, file)
    made = print_yaml(documents, comments)
    again = read_text(made, file)
    if said(again) != said(documents) or notes(find_comments(again)) != notes(comments):
        raise KnotholeError(
            f"{file}: error: the formatter would change what this file says, so it is left as it is\n"
            "  fix:  please report this with the file"
        )
    first = text.find("\n")
    return made.replace("\n", "\r\n") if first > 0 and text[first - 1] == "\r" else made


def said(documents: Documents) -> list[object]:
    """Return what a file says as plain data: structure, texts, what an untyped port reads, anchors and aliases."""
    made: list[object] = []
    for root in documents.roots:
        made.append("document")
        waiting: list[Item | str] = [root]
        while waiting:
            item = waiting.pop()
            if isinstance(item, str):
                made.append(item)
                continue
            name = documents.anchors.get(id(item), "")
            if name.startswith("*"):
                made.append(name)
            elif isinstance(item, Scalar):
                text = text_of(item)
                value = core_value(text) if item.style == "plain" else text
                made.append((name, text, type(value).__name__))
            elif isinstance(item, Pairs):
                made.append((name, "{"))
                waiting.append("}")
                waiting.extend(each for pair in reversed(item.pairs) for each in reversed(pair))
            else:
                made.append((name, "["))
                waiting.append("]")
                waiting.extend(reversed(item.items))
    return made


def notes(comments: Comments) -> list[str]:
    """Return the lines of all comments, sorted."""
    blocks = [*comments.beside.values(), *comments.first, *comments.last]
    blocks += [block for table in (comments.above, comments.below) for each in table.values() for block in each]
    return sorted(line.strip() for block in blocks for line in block.split("\n"))


def _refuse_cut_texts(documents: Documents, text: str, file: str) -> None:
    """Refuse plain text that a comment follows where the checker takes the comment for the rest of the text."""
    source = documents.source
    for scalar in _scalars(documents):
        note = source.comment_after(scalar) if scalar.style == "plain" else ""
        if note and (" " in scalar.text or not note.startswith(("# ", "##"))):
            cut = [problem for problem in check_text(text, file) if problem.code == "K013"]
            if cut:
                raise TreeError(cut)
            return


def _scalars(documents: Documents) -> Iterator[Scalar]:
    waiting: list[Item] = list(documents.roots)
    while waiting:
        item = waiting.pop()
        if isinstance(item, Scalar):
            yield item
        elif isinstance(item, Pairs):
            waiting.extend(value for _, value in item)
        elif not documents.anchors.get(id(item), "").startswith("*"):
            waiting.extend(item.items)
