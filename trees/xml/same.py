"""Compare two XML files: they say the same if they differ only in white space and in the order of attributes."""

from __future__ import annotations

from .elements import Comment, Element, XmlFile


def first_difference(one: XmlFile, other: XmlFile) -> Element | Comment | None:
    """Return the first element or comment of ``one`` that ``other`` does not have at its place, None if all are there.

    Elements match if they have the same tag, attributes and text and hold as many elements and comments.
    """
    for mine, its in ((one.before, other.before), (one.after, other.after)):
        if len(mine) != len(its) or any(_words(a.text) != _words(b.text) for a, b in zip(mine, its, strict=True)):
            return mine[0] if mine else one.root
    if [each.text for each in one.instructions] != [each.text for each in other.instructions]:
        return one.root
    pairs: list[tuple[Element | Comment, Element | Comment]] = [(one.root, other.root)]
    while pairs:
        a, b = pairs.pop()
        if isinstance(a, Comment) or isinstance(b, Comment):
            if not (isinstance(a, Comment) and isinstance(b, Comment) and _words(a.text) == _words(b.text)):
                return a
            continue
        same = a.tag.text == b.tag.text and _attributes(a) == _attributes(b) and _words(a.text) == _words(b.text)
        if not same or len(a.inside) != len(b.inside):
            return a
        pairs.extend(reversed(list(zip(a.inside, b.inside, strict=True))))
    return None


def _words(text: str) -> list[str]:
    return text.split()


def _attributes(element: Element) -> dict[str, str]:
    return {each.name.text: each.value.text for each in element.attributes}
