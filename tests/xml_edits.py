"""Edits of YAML that came from XML, as an author would make them, and what each must change in the XML."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from knothole.behaviors.ports import CONDITION_KEYS, HOOK_KEYS
from knothole.tests.xml_trees import Shape
from knothole.trees.language.common_grammar import is_common
from knothole.trees.reading.document import Comments, Documents, Item, Items, Pairs, Scalar
from knothole.trees.xml.names import CONDITIONS, HOOKS, port_text

Change = tuple[str, str, str, str]
"""What changed, the name of it, what it was and what it is."""
NEW = Scalar("x", "plain", 1, 1, 1, 2)


def changes(old: Any, new: Any) -> list[Change]:
    """Return the differences of two shapes of ``xml_trees.shape_of``, by element from the root on."""
    root, (before, after), instructions = old[0], old[1], old[2]
    found = _element(root, new[0])
    found += _inside(before, new[1][0]) + _inside(after, new[1][1])
    return found + ([("instructions", "", "", "")] if instructions != new[2] else [])


def _element(old: Shape, new: Shape) -> list[Change]:
    found: list[Change] = []
    if old[0] != new[0]:
        found.append(("tag", "", old[0], new[0]))
    if old[2] != new[2]:
        found.append(("comment" if old[0] == "#" else "text", old[0], old[2], new[2]))
    mine, its = dict(old[1]), dict(new[1])
    for name in sorted(mine.keys() | its.keys()):
        if mine.get(name) != its.get(name):
            found.append(("attribute", name, mine.get(name, "-"), its.get(name, "-")))
    return found + _inside(list(old[3]), list(new[3]))


def _inside(old: list[Any], new: list[Any]) -> list[Change]:
    if len(old) == len(new):
        return [each for a, b in zip(old, new, strict=True) for each in _element(a, b)]
    start = 0
    while start < min(len(old), len(new)) and old[start] == new[start]:
        start += 1
    end = 0
    while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
        end += 1
    gone, come = old[start : len(old) - end], new[start : len(new) - end]
    return [("gone", "", str(each), "") for each in gone] + [("new", "", "", str(each)) for each in come]


class Editor:
    """Makes one random edit of documents that were read from YAML, in place.

    Args:
        documents: As read; their items are changed.
        comments: Of these documents; changed as well.
        seed: Same seed, same edit.
    """

    def __init__(self, documents: Documents, comments: Comments, seed: int) -> None:
        self.documents, self.comments = documents, comments
        self.random = random.Random(seed)
        self.mark = f"edited_{seed}"

    def edit(self) -> tuple[str, list[Change]] | None:
        """Make an edit; return its kind and the changes that the XML must show, None where nothing fits."""
        kinds = [self.port, self.port, self.name, self.meta, self.comment, self.comment, self.new_comment]
        kinds += [self.rename_port, self.node, self.insert, self.delete, self.condition, self.hook, self.declared]
        self.random.shuffle(kinds)
        for kind in kinds:
            made = kind()
            if made is not None:
                return kind.__name__, made
        return None

    # finding -------------------------------------------------------------------------------------------------------
    def nodes(self) -> list[tuple[Pairs, Scalar, Item]]:
        """Return the nodes that are mappings, with type key and value."""
        return [found for found in self._walk() if found is not None]

    def _walk(self) -> Iterator[tuple[Pairs, Scalar, Item]]:
        waiting = [root.get("root") for root in self.documents.roots if isinstance(root, Pairs)]
        while waiting:
            item = waiting.pop()
            if isinstance(item, Items):
                waiting.extend(item.items)
            if not isinstance(item, Pairs):
                continue
            key, value = next((k, v) for k, v in item if not is_common(k, v))
            yield item, key, value
            if isinstance(value, Items):
                waiting.append(value)
            elif isinstance(value, Pairs):
                waiting.extend(each for name, each in value if name.text in ("child", "children"))

    def ports(self) -> list[tuple[Pairs, int]]:
        """Return mappings of ports and the index of one in it."""
        found = []
        for _, key, value in self.nodes():
            if isinstance(value, Pairs):
                for number, (name, each) in enumerate(value):
                    plain = isinstance(each, Scalar) and name.text not in ("child", "children", "code", "ID")
                    if plain and not (key.text == "bt.SubTree" and name.text == "_autoremap"):
                        found.append((value, number))
        return found

    def lists(self) -> list[Items]:
        """Return the lists of nodes."""
        found = []
        for _, _, value in self.nodes():
            held = value.get("children") if isinstance(value, Pairs) else value
            if isinstance(held, Items):
                found.append(held)
        return found

    # changing ------------------------------------------------------------------------------------------------------
    def put(self, within: Pairs, number: int, key: Scalar | None = None, value: Item | None = None) -> None:
        """Give an entry of a mapping another key or value; comments stay where they are."""
        entries = list(within.pairs)
        old = entries[number]
        made = (key or old[0], value if value is not None else old[1])
        for before, after in zip(old, made, strict=True):
            self.moved(before, after)
        entries[number] = made
        object.__setattr__(within, "pairs", tuple(entries))

    def moved(self, old: Item, new: Item) -> None:
        """Hang the comments of one item on another."""
        comments: list[dict[int, Any]] = [self.comments.above, self.comments.beside, self.comments.below]
        for store in comments:
            if id(old) in store:
                store[id(new)] = store.pop(id(old))

    def pick(self, found: list[Any]) -> Any:
        return self.random.choice(found) if found else None

    def port(self) -> list[Change] | None:
        chosen = self.pick(self.ports())
        if chosen is None:
            return None
        within, number = chosen
        name, old = within.pairs[number]
        text, written = self.random.choice(
            [
                (f"${self.mark}", f"{{{self.mark}}}"),
                (f"$@{self.mark}", f"{{@{self.mark}}}"),
                (f'{self.mark} & <b> "c"', f'{self.mark} & <b> "c"'),
                (f"cost $${self.mark}", f"cost ${self.mark}"),
                (f"{self.mark}: # no comment", f"{self.mark}: # no comment"),
            ]
        )
        self.put(within, number, value=NEW._replace(text=text))
        return [("attribute", name.text, _written(old), written)]

    def rename_port(self) -> list[Change] | None:
        chosen = self.pick(self.ports())
        if chosen is None:
            return None
        within, number = chosen
        name, old = within.pairs[number]
        if id(name) in self.comments.above or id(name) in self.comments.beside or id(old) in self.comments.beside:
            return None  # the comment names its port
        self.put(within, number, key=NEW._replace(text=self.mark))
        both = [("attribute", name.text, _written(old), "-"), ("attribute", self.mark, "-", _written(old))]
        return sorted(both, key=lambda each: each[1])

    def name(self) -> list[Change] | None:
        chosen = self.pick(self.nodes())
        if chosen is None:
            return None
        node = chosen[0]
        value = NEW._replace(text=f"{self.mark} of it")
        number = next((n for n, (key, _) in enumerate(node) if key.text == "name"), None)
        old = "-"
        if number is None:
            object.__setattr__(node, "pairs", (*node.pairs, (NEW._replace(text="name"), value)))
        else:
            old = node.pairs[number][1].text
            self.put(node, number, value=value)
        return [("attribute", "name", old, value.text)]

    def meta(self) -> list[Change] | None:
        found = [meta for node, _, _ in self.nodes() if isinstance(meta := node.get("meta"), Pairs)]
        found += [
            meta
            for root in self.documents.roots
            if isinstance(root, Pairs) and isinstance(meta := root.get("meta"), Pairs)
        ]
        picks = [(meta, n) for meta in found for n, (key, _) in enumerate(meta) if not key.text.startswith("xml")]
        chosen = self.pick(picks)
        if chosen is None:
            return None
        within, number = chosen
        key, old = within.pairs[number]
        self.put(within, number, value=NEW._replace(text=self.mark))
        return [("attribute", f"_{key.text}", old.text, self.mark)]

    def comment(self) -> list[Change] | None:
        found = [(blocks, n) for store in (self.comments.above, self.comments.below) for blocks in store.values()
                 for n, text in enumerate(blocks) if text]  # fmt: skip
        chosen = self.pick(found)
        if chosen is None:
            return None
        blocks, number = chosen
        old = blocks[number]
        text = self.random.choice(
            [self.mark, f"{self.mark} -- with dashes --", f"{self.mark}\ntwo lines", f"<{self.mark}/>"]
        )
        blocks[number] = text
        return [("comment", "#", " ".join(old.split()), " ".join(text.split()))]

    def new_comment(self) -> list[Change] | None:
        held = self.pick(self.lists())
        if held is None or not held.items:
            return None
        each = self.random.choice(held.items)
        self.comments.above.setdefault(id(each), []).insert(0, self.mark)
        return [("new", "", "", str(("#", (), self.mark, ())))]

    def node(self) -> list[Change] | None:
        found = [held for held in self.lists() if any(isinstance(each, Scalar) for each in held.items)]
        held = self.pick(found)
        if held is None:
            return None
        number = self.pick([n for n, each in enumerate(held.items) if isinstance(each, Scalar)])
        old = held.items[number]
        made = old._replace(text=f"Node{self.mark}")
        self.moved(old, made)
        object.__setattr__(held, "items", (*held.items[:number], made, *held.items[number + 1 :]))
        return [("node", "", old.text, made.text)]

    def insert(self) -> list[Change] | None:
        held = self.pick(self.lists())
        if held is None:
            return None
        number = self.random.randint(0, len(held.items))
        made = Pairs(
            (
                (
                    NEW._replace(text="bt.Script"),
                    Pairs(((NEW._replace(text="code"), NEW._replace(text=f"{self.mark} := 1")),), 1, 1),
                ),
            ),
            1,
            1,
        )
        object.__setattr__(held, "items", (*held.items[:number], made, *held.items[number:]))
        return [("inserted", "", "", f"{self.mark} := 1")]

    def delete(self) -> list[Change] | None:
        found = [held for held in self.lists() if len(held.items) > 1]
        held = self.pick(found)
        if held is None:
            return None
        number = self.pick(
            [
                n
                for n, each in enumerate(held.items)
                if isinstance(each, Scalar)
                and id(each) not in self.comments.above
                and id(each) not in self.comments.beside
            ]
        )
        if number is None:
            return None
        gone = held.items[number]
        object.__setattr__(held, "items", (*held.items[:number], *held.items[number + 1 :]))
        return [("deleted", "", gone.text, "")]

    def condition(self) -> list[Change] | None:
        return self._script(CONDITION_KEYS, ("script",))

    def hook(self) -> list[Change] | None:
        return self._script(HOOK_KEYS, ("bt.Script", "code"))

    def _script(self, keys: tuple[str, ...], way: tuple[str, ...]) -> list[Change] | None:
        attributes = {key: name for name, key in (CONDITIONS | HOOKS).items()}
        found = [(key.text, value) for node, _, _ in self.nodes() for key, value in node if key.text in keys]
        chosen = self.pick(found)
        if chosen is None:
            return None
        name, within = chosen
        for step in way[:-1]:
            within = within.get(step)
        old = within.pairs[0][1].text
        self.put(within, 0, value=NEW._replace(text=f"{self.mark} := 'a && b'"))
        return [("attribute", attributes[name], old, f"{self.mark} := 'a && b'")]

    def declared(self) -> list[Change] | None:
        found: list[tuple[Pairs, int]] = []
        for root in self.documents.roots:
            nodes = root.get("nodes") if isinstance(root, Pairs) else None
            for _, node in nodes if isinstance(nodes, Pairs) else ():
                ports = node.get("ports") if isinstance(node, Pairs) and node.get("inferred") is None else None
                for _, port in ports if isinstance(ports, Pairs) else ():
                    assert isinstance(port, Pairs)
                    found += [(port, n) for n, (key, _) in enumerate(port) if key.text in ("default", "about")]
        chosen = self.pick(found)
        if chosen is None:
            return None
        within, number = chosen
        key, old = within.pairs[number]
        self.put(within, number, value=NEW._replace(text=self.mark))
        if key.text == "about":
            return [("port text", "", " ".join(old.text.split()), self.mark)]
        return [("attribute", "default", _written(old), self.mark)]


def _written(item: Item) -> str:
    assert isinstance(item, Scalar)
    return port_text(item.text)


def agrees(found: list[Change], wanted: list[Change]) -> bool:
    """Tell whether the changes of the XML are those that an edit makes, and no others."""
    kind, _, old, new = wanted[0]
    if kind == "node":  # in the verbose form the category is told by the use
        ids = [each for each in found if each[0] in ("tag", "attribute")]
        named = [each for each in ids if each[3] == new or each[1] == "ID"]
        return bool(named) and len(found) == len(ids) <= 2
    if kind == "inserted":
        return len(found) == 1 and found[0][0] == "new" and new in found[0][3]
    if kind == "deleted":
        return len(found) == 1 and found[0][0] == "gone" and old.rpartition(".")[2] in found[0][2]
    if kind == "port text":
        return [(each[0], each[2], each[3]) for each in found] == [("text", old, new)]
    return found == wanted
