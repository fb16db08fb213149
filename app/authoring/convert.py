"""Convert trees between BehaviorTree.CPP's XML and YAML, and declare the nodes of XML models."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, TextIO

from ..._base import KnotholeError, Place
from ...trees.editing.comments import find_comments
from ...trees.editing.modern import modernise
from ...trees.editing.printer import print_yaml
from ...trees.problems import Problem, TreeError
from ...trees.reading.document import Comments, Documents, Item, Items, Pairs, Scalar
from ...trees.reading.reader import read_file, read_text
from ...trees.xml.elements import Comment, XmlFile, parse_file, parse_text
from ...trees.xml.reader import read_xml, read_xml_file
from ...trees.xml.same import first_difference
from ...trees.xml.writer import write_xml

YAML: Final = (".yaml", ".yml")
XML: Final = ".xml"


class ConvertError(KnotholeError):
    """A file cannot be converted, or not to where it should go."""


def convert(
    source: Path,
    target: Path | None,
    *,
    modern: bool = False,
    force: bool = False,
    models: Sequence[Path] = (),
    tell: Callable[[str], None] = lambda _: None,
) -> str:
    """Convert a file, XML to YAML or YAML to XML by its suffix, and return the text of the other form.

    What is written is read again and compared, so nothing is lost in silence. Mistakes in a tree do not stop a
    conversion, only what the other form cannot hold does.

    Args:
        source: ``.xml``, ``.yaml`` or ``.yml``.
        target: Where to write; None only returns the text.
        modern: Say scripts of BehaviorTree.CPP in our own language where that means the same; YAML only.
        force: Write over an existing file.
        models: XML files whose models declare nodes that the source uses.
        tell: Is told of mistakes in the source, of scripts that stay scripts with ``modern``, and of declarations that
            XML does not get.

    Raises:
        TreeError: The source cannot be read, or holds what the other form has no place for.
        ConvertError: The suffixes do not say what to do, or the target exists.
    """
    to_yaml = source.suffix == XML
    _check(source, target, to_yaml, modern)
    if target is not None and target.exists() and not force:
        raise _exists(target)
    if to_yaml:
        documents = _to_yaml(source, models)
        for problem in documents.problems:
            tell(str(problem))
    else:
        documents = read_file(source)
        documents = replace(documents, comments=find_comments(documents))
    if modern:
        documents, notes = modernise(documents)
        for note in notes:
            tell(str(note))
    text = print_yaml(documents) if to_yaml or modern else _to_xml(documents, source, tell)
    if target is not None:
        _write(target, text, force)
    return text


def declare_nodes(models: Sequence[Path], out: TextIO) -> None:
    """Print a YAML document that declares the nodes of XML files: those of their models, and those that trees use.

    Of a node that several files declare, the first counts; a comment says so where the others say something else.

    Args:
        models: XML files with a ``TreeNodesModel`` or trees.
        out: Where to print.

    Raises:
        TreeError: A file cannot be read.
    """
    found: dict[str, tuple[Scalar, Item, Path]] = {}
    inferred: dict[str, tuple[Scalar, Item, Path]] = {}
    trees: set[str] = set()
    comments = Comments()
    for path in models:
        documents = read_xml_file(path, keep=True)
        names = (root.get("tree") for root in documents.roots if isinstance(root, Pairs))
        trees.update(name.text for name in names if isinstance(name, Scalar))
        given = documents.comments or Comments()
        for store, mine in zip(_stores(comments), _stores(given), strict=True):
            store.update(mine)
        for key, value in _declarations(documents):
            guessed = _is_guessed(value)
            first = (inferred if guessed else found).setdefault(key.text, (key, value, path))
            if first[2] is not path and not guessed and _plain(first[1]) != _plain(value):
                comments.above.setdefault(id(first[0]), []).append(f"{path.name} declares {key.text} another way")
    guesses = (each for name, each in inferred.items() if name not in found and not _is_of(trees, each[1], name))
    entries = [*found.values(), *guesses]
    at = Scalar("", "plain", 1, 1, 1, 1)
    listed = Pairs(tuple((key, value) for key, value, _ in entries), 1, 1)
    document = Pairs(((at._replace(text="knothole"), at._replace(text="1")), (at._replace(text="nodes"), listed)), 1, 1)
    source = read_text("knothole: 1\n").source
    out.write(print_yaml(Documents(source, (document,)), comments))


def _stores(comments: Comments) -> tuple[dict[int, list[str]], dict[int, list[str]]]:
    return comments.above, comments.below


def _declarations(documents: Documents) -> Iterator[tuple[Scalar, Item]]:
    for root in documents.roots:
        nodes = root.get("nodes") if isinstance(root, Pairs) else None
        yield from nodes if isinstance(nodes, Pairs) else ()


def _is_guessed(declaration: Item) -> bool:
    flag = declaration.get("inferred") if isinstance(declaration, Pairs) else None
    return isinstance(flag, Scalar) and flag.text == "true"


def _is_of(trees: set[str], declaration: Item, name: str) -> bool:
    """Tell whether a declaration stands for one of some trees."""
    plain = _plain(declaration)
    return isinstance(plain, dict) and plain.get("kind") == "subtree" and plain.get("id", name) in trees


def _plain(item: Item) -> object:
    """Return what an item says, without places."""
    if isinstance(item, Scalar):
        return item.text
    if isinstance(item, Items):
        return [_plain(each) for each in item.items]
    return {key.text: _plain(value) for key, value in item}


def _check(source: Path, target: Path | None, to_yaml: bool, modern: bool) -> None:
    if not to_yaml and source.suffix not in YAML:
        raise ConvertError(f"{source} is neither XML nor YAML\n  fix:  name a file that ends in .xml, .yaml or .yml")
    if target is None:
        return
    if target.suffix not in (XML, *YAML):
        raise ConvertError(f"{target} does not say which form it should have\n  fix:  end it with .yaml or .xml")
    if (target.suffix == XML) == to_yaml and not (modern and not to_yaml):
        form, other = ("XML", "yaml") if to_yaml else ("YAML", "xml")
        raise ConvertError(f"{source} and {target} are both {form}\n  fix:  end the second with .{other}")
    if modern and target.suffix == XML:
        raise ConvertError("only YAML has the modern words\n  fix:  leave out --modern, or write to a .yaml file")


def _to_yaml(source: Path, models: Sequence[Path]) -> Documents:
    documents = read_xml_file(source, models, keep=True)
    again = read_text(print_yaml(documents), str(source))
    _same(parse_file(source), write_xml(again, find_comments(again)))
    return documents


def _to_xml(documents: Documents, source: Path, tell: Callable[[str], None]) -> str:
    text = write_xml(documents, documents.comments or Comments())
    again = read_xml(text, str(source), keep=True)
    _same(parse_text(text, str(source)), write_xml(again, again.comments or Comments()))
    lost = list(_unwritten(documents, again))
    if lost:
        names = ", ".join(key.text for key in lost[:5]) + (f" and {len(lost) - 5} more" if len(lost) > 5 else "")
        tell(
            f"{source}:{lost[0].line}:{lost[0].column}: note: XML does not get what is declared of {names}\n"
            "  why:  `inferred: true` says that a declaration only stands for what the tree shows\n"
            "  fix:  take out `inferred: true`, and `open: true`: then it becomes part of <TreeNodesModel>"
        )
    return text


def _unwritten(documents: Documents, again: Documents) -> Iterator[Scalar]:
    """Yield the inferred declarations that say something which reading the XML does not tell."""
    told = {key.text: _plain(value) for key, value in _declarations(again)}
    for key, value in _declarations(documents):
        if _is_guessed(value) and isinstance(value, Pairs) and told.get(key.text) != _plain(value):
            more = {name.text for name, _ in value} - {"id", "kind", "inferred", "open"}
            if more or key.text in told:
                yield key


def _same(before: XmlFile, text: str) -> None:
    """Make sure that nothing is lost on the way there and back.

    Raises:
        TreeError: Something is; it is not known what could be.
    """
    lost = first_difference(before, parse_text(text, before.source.file))
    if lost is None:
        return
    line, column = (lost.line, lost.column) if isinstance(lost, Comment) else (lost.tag.line, lost.tag.column)
    raise TreeError(
        [
            Problem(
                Place(before.source.file, line, column),
                "K056",
                "this would not come back as it is, so nothing was converted",
                why="each conversion is tried backwards before it is written",
                fix="please report it with the file; written in a plainer way it may pass",
                snippet=before.source.line(line),
            )
        ]
    )


def _write(target: Path, text: str, force: bool) -> None:
    """Write a file at once or not at all."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
        part = Path(name)
        try:
            with open(handle, "w", encoding="utf-8", newline="\n") as file:
                file.write(text)
            part.chmod(0o666 & ~_umask())
            if force:
                part.replace(target)
            else:
                os.link(part, target)  # fails where the file has come into being meanwhile
        finally:
            part.unlink(missing_ok=True)
    except FileExistsError as error:
        if target.parent.is_dir():
            raise _exists(target) from error
        raise ConvertError(f"{target.parent} is no folder\n  fix:  give another place") from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConvertError(
            f"{target} cannot be written: {reason}\n  fix:  check the folder and its permissions"
        ) from error


def _exists(target: Path) -> ConvertError:
    return ConvertError(f"{target} exists\n  fix:  give another name, or overwrite it with --force")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
