"""Random files of BehaviorTree.CPP's XML, and what two of them have in common, for the tests of the converter."""

from __future__ import annotations

import random
import re
from typing import Any
from xml.sax.saxutils import quoteattr

from knothole.trees.xml.elements import Comment, Element, parse_text

COMPOSITES = ("Sequence", "Fallback", "ReactiveSequence", "ReactiveFallback", "Parallel", "SequenceWithMemory")
DECORATORS = ("Inverter", "ForceSuccess", "Repeat", "RetryUntilSuccessful", "KeepRunningUntilFailure")
LEAVES = ("AlwaysSuccess", "AlwaysFailure", "Script", "SetBlackboard", "Sleep")
OWN = ("PickObject", "wait", "Move-To", "if", "name", "tree", "check_battery", "RateControl", "Größe", "sequence")
VALUES = (
    "5", "", " ", "true", "no", "null", "~", "{goal}", "{@shared}", "{=}", " {goal} ", "{ a }", "{a.b}", "$x", "$$",
    "${a}", "a: b", "a # b", "1;2;3", "[{mode: fast}]", "'quoted'", 'say "hi"', "<&>", "tab\there", "two\nlines",
    "C:\\x", "- x", "*a", "&a", "!t", "%d", "@at", "`b`", "日本語", "🙂", "a'b\"c", "x := 1; y := 'two'", "null ",
    "0x1F", "1e3", "#", "{", "}", "{}", "a,b", "key:", "? q", "| p", "> f", "\u2028", "\u00a0", "$(arg name)",
    "trailing\n", "\n", "very " * 40,
)  # fmt: skip
WORDS = (
    "", "a", "note", "two words", "a -- b", "--", "-", "ends with -", "knothole: 1", "- item", "key: value", "x: y",
    "# hash", "#", "!", "<Sequence/>", "ümlaut", "{goal}", "name: of it", "ID: no", "goal: where to", "first\nsecond",
    "first\n    deeper\n  second", "a\n\nb", "--- ", "...", "%YAML", "&amp;", "-&#45;", "x" * 200,
)  # fmt: skip
PORT_NAMES = (
    "goal",
    "path",
    "speed",
    "error_msg",
    "child",
    "children",
    "on",
    "yes",
    "key.word",
    "n1",
    "retry",
    "ns:x",
    "type",
)
METAS = (
    "_collapsed",
    "_favorite",
    "_description",
    "_xml",
    "_xml.x",
    "_name",
    "_x",
    "__y",
    "_when",
    "_autoremap",
    "_uid",
)
SCRIPTS = ("x := 1", "a == 'b' && c > 3", "flag = true; n += 1", "$odd", "two\nlines := 1", "")
TYPES = (
    "int",
    "double",
    "std::string",
    "string",
    "bool",
    "std::vector<double>",
    "geometry_msgs::msg::Pose",
    "",
    "pose",
    "any",
)


class XmlMaker:
    """Writes one random file a seed.

    Args:
        seed: Same seed, same file.
        size: About how many nodes a tree has.
    """

    def __init__(self, seed: int, size: int = 12) -> None:
        self.random = random.Random(seed)
        self.size = size
        self.verbose = self.random.choice((0.0, 0.1, 0.9, 1.0))
        self.noise = self.random.choice((0.0, 0.2, 0.5))
        self.kinds = {name: self.random.choice(("Action", "Condition", "Control", "Decorator")) for name in OWN}

    def file(self) -> str:
        """Return the text of a file."""
        parts = [self.random.choice(('<?xml version="1.0"?>\n', '<?xml version="1.0" encoding="UTF-8" ?>\n', ""))]
        if self.random.random() < 0.1:
            parts.append('<?xml-model href="btcpp.xsd" type="application/xml"?>\n')
        parts += self.comments()
        names = self.random.sample(
            ("MainTree", "Pick object", "a/b", "tree", "1st", "Fetch: now", "null"), self.random.randint(0, 3)
        )
        attributes = {"BTCPP_format": "4"} if self.random.random() < 0.9 else {}
        if names and self.random.random() < 0.7:
            attributes["main_tree_to_execute"] = self.random.choice(names)
        if self.random.random() < 0.2:
            attributes["project_name"] = "Project"
            attributes["form"] = "new"
        parts.append(self.tag("root", attributes) + ">")
        children = [self.tree(name) for name in names]
        for _ in range(self.random.choice((0, 0, 1, 2))):
            children.insert(self.random.randint(0, len(children)), self.include())
        if self.random.random() < 0.6:
            children.insert(self.random.randint(0, len(children)), self.model())
        for child in children:
            parts += [*self.comments(), self.space(), child]
        parts += [*self.comments(), "\n</root>", *self.comments()]
        return "".join(parts)

    # pieces --------------------------------------------------------------------------------------------------------
    def space(self) -> str:
        return self.random.choice(("\n", "\n  ", " ", "", "\n\n\t"))

    def comments(self) -> list[str]:
        """Return some comments, most often none."""
        made = []
        while self.random.random() < self.noise:
            word = self.random.choice(WORDS)
            word = re.sub("-(?=-)", "-\u200b", word)
            word = word + " " if word.endswith("-") else word
            made.append(
                self.space()
                + f"<!--{self.random.choice(('', ' '))}{word}{self.random.choice(('', ' '))}-->".replace(
                    "--->", "- -->"
                )
            )
        return made

    def tag(self, name: str, attributes: dict[str, str]) -> str:
        given = []
        for key, value in attributes.items():
            quoted = quoteattr(value)
            if self.random.random() < 0.5:
                quoted = quoted.replace("&#10;", "\n")
            given.append(f"{key}={quoted}")
        return f"<{name}" + "".join(self.random.choice((" ", "\n      ")) + each for each in given)

    def element(self, name: str, attributes: dict[str, str], inside: list[str]) -> str:
        opened = self.tag(name, attributes)
        if not inside and self.random.random() < 0.8:
            return opened + self.random.choice(("/>", " />"))
        return opened + ">" + "".join(inside) + f"</{name}>"

    def include(self) -> str:
        attributes = {"path": self.random.choice(("./other.xml", "a b.xml", "sub/x.xml"))}
        if self.random.random() < 0.3:
            attributes["ros_pkg"] = "my_pkg"
        return self.element("include", attributes, [])

    def tree(self, name: str) -> str:
        attributes = {"ID": name}
        for key in ("_description", "_favorite", "distance", "name", "_fullpath"):
            if self.random.random() < 0.2:
                attributes[key] = self.random.choice(VALUES)
        inside = [*self.comments(), self.space(), self.node(0), *self.comments(), self.space()]
        return self.element("BehaviorTree", attributes, inside)

    def node(self, depth: int) -> str:
        """Return a node with all below it."""
        choice = self.random.random()
        if choice < 0.15:
            return self.subtree()
        own = self.random.random() < 0.4
        if own:
            id = self.random.choice(OWN)
            category = self.kinds[id]
        else:
            group = self.random.choice((COMPOSITES, COMPOSITES, DECORATORS, LEAVES)) if depth < 5 else LEAVES
            id = self.random.choice(group)
            category = "Control" if group is COMPOSITES else "Decorator" if group is DECORATORS else "Action"
            if group is LEAVES and self.random.random() < 0.1:
                category = "Condition"
        if depth >= 6 and category in ("Control", "Decorator"):
            id, category = "AlwaysSuccess", "Action"
        count = {"Control": self.random.randint(1, 4), "Decorator": 1}.get(category, 0)
        attributes: dict[str, str] = {}
        name = id
        if self.random.random() < self.verbose:
            name, attributes = category, {"ID": id}
        self.attributes(attributes, id)
        inside: list[str] = []
        for _ in range(count):
            inside += [*self.comments(), self.space(), self.node(depth + 1)]
        if self.random.random() < 0.7:
            inside += self.comments()
        return self.element(name, attributes, inside)

    def attributes(self, attributes: dict[str, str], id: str) -> None:
        pick = self.random.random
        if id == "Script":
            attributes["code"] = self.random.choice(SCRIPTS)
        if pick() < 0.25:
            attributes["name"] = self.random.choice(VALUES)
        for _ in range(self.random.choice((0, 0, 1, 2, 4))):
            attributes[self.random.choice(PORT_NAMES)] = self.random.choice(VALUES)
        if pick() < 0.2:
            attributes[self.random.choice(METAS)] = self.random.choice(VALUES)
        for key in ("_skipIf", "_while", "_successIf", "_failureIf", "_onSuccess", "_onFailure", "_onHalted", "_post"):
            if pick() < 0.04:
                attributes[key] = self.random.choice(SCRIPTS)

    def subtree(self) -> str:
        attributes = {"ID": self.random.choice(("Pick object", "MainTree", "Other"))}
        if self.random.random() < 0.3:
            attributes["_autoremap"] = self.random.choice(("true", "1", "false"))
        self.attributes(attributes, "")
        inside = self.comments() if self.random.random() < 0.2 else []
        return self.element("SubTreePlus" if self.random.random() < 0.05 else "SubTree", attributes, inside)

    def model(self) -> str:
        inside: list[str] = []
        for id in self.random.sample(OWN, self.random.randint(0, 5)):
            inside += [*self.comments(), self.space(), self.declaration(self.kinds[id], id)]
        if self.random.random() < 0.4:
            inside += [*self.comments(), self.declaration("SubTree", "Pick object")]
        if self.random.random() < 0.2:
            inside.insert(self.random.randint(0, len(inside)), self.unknown(2))
        attributes = {"version": "2"} if self.random.random() < 0.1 else {}
        return self.element("TreeNodesModel", attributes, [*inside, *self.comments()])

    def declaration(self, category: str, id: str) -> str:
        inside: list[str] = []
        attributes = {"ID": id}
        for key in ("editable", "_description", "_color"):
            if self.random.random() < 0.2:
                attributes[key] = self.random.choice(VALUES)
        parts = [self.port(name) for name in self.random.sample(PORT_NAMES, self.random.randint(0, 5))]
        if self.random.random() < 0.5:
            fields = [
                self.element("Metadata", {"subcategory": "A", "x": self.random.choice(VALUES)}, []) for _ in range(2)
            ]
            inner = [piece for field in fields for piece in (*self.comments(), self.space(), field)]
            metadata = self.element("MetadataFields", {}, [*inner, *self.comments()])
            parts.insert(self.random.choice((0, len(parts), len(parts) // 2)), metadata)
        if self.random.random() < 0.2:
            parts.insert(self.random.randint(0, len(parts)), self.unknown(1))
        for part in parts:
            inside += [*self.comments(), self.space(), part]
        return self.element(category, attributes, [*inside, *self.comments()])

    def port(self, name: str) -> str:
        attributes = {"name": name}
        if self.random.random() < 0.7:
            attributes["type"] = self.random.choice(TYPES)
        if self.random.random() < 0.5:
            attributes["default"] = self.random.choice(VALUES)
        if self.random.random() < 0.1:
            attributes["description"] = "a"
        tag = self.random.choice(("input_port", "output_port", "inout_port", "bidirectional_port"))
        text = self.random.choice(
            ("", "", "What it means.", "With &lt;marks&gt; and &#10;a break", "<![CDATA[a < b]]>")
        )
        return self.element(tag, attributes, [text] if text else [])

    def unknown(self, depth: int) -> str:
        inside = [piece for _ in range(2) for piece in (*self.comments(), self.unknown(depth - 1))] if depth else []
        if not depth and self.random.random() < 0.5:
            inside = ["text"]
        return self.element(self.random.choice(("Extra", "description")), {"a": self.random.choice(VALUES)}, inside)


Shape = tuple[str, Any, str, tuple[Any, ...]]


def shape(each: Element | Comment) -> Shape:
    """Return what an element or comment says, apart from the order of attributes and white space."""
    if isinstance(each, Comment):
        return ("#", (), " ".join(each.text.split()), ())
    attributes = tuple(sorted((a.name.text, a.value.text) for a in each.attributes))
    return (each.tag.text, attributes, " ".join(each.text.split()), tuple(shape(inner) for inner in each.inside))


def shape_of(text: str) -> tuple[object, ...]:
    """Return what an XML text says, apart from the order of attributes and white space."""
    file = parse_text(text, "t.xml")
    notes = [[shape(each) for each in part] for part in (file.before, file.after)]
    return (shape(file.root), notes, [each.text for each in file.instructions])


def difference(one: object, other: object, path: str = "") -> str:
    """Return where two shapes differ first, for messages."""
    if one == other:
        return ""
    if isinstance(one, tuple | list) and isinstance(other, tuple | list) and len(one) == len(other):
        for a, b in zip(one, other, strict=True):
            found = difference(a, b, f"{path}/{one[0] if one and isinstance(one[0], str) else ''}")
            if found:
                return found
    return f"{path}: {str(one)[:600]}\n   became {str(other)[:600]}"
