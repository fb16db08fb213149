"""Write YAML as badly as it can be: every style, comments wherever YAML allows them, anchors, several documents."""

from __future__ import annotations

from random import Random

from knothole.trees.reading.document import Comments

FLOW_PLAIN = ["home", "no", "1:30", "$thing", "0.5", "two words", "a-b"]
PLAIN = [*FLOW_PLAIN, "010", "$things[0]", "-3", "null", "~", "a:b", "é 😀", "it's"]
QUOTED = [
    '"a # b"',
    "'it''s # 5'",
    '""',
    '"tab\\there"',
    '"1"',
    "'$x == \"a\"'",
    '"back\\\\slash"',
    '"line\\nbreak"',
    '"  "',
]
BODY = ["one # no note", "two: x", "- three", "# no note", ""]
KEYS = ["see", "name", "about", "root", "sequence", "inputs", "children", "child", "k 1", '"#q"', "when", "wait", "9"]


class Messy:
    """Writes one text; ``notes`` are its comments in order."""

    def __init__(self, seed: int, returns: bool = False) -> None:
        self.random = Random(seed)
        self.notes: list[str] = []
        self.anchors: list[str] = []
        self.used: set[str] = set()
        self.marks = 0
        parts = []
        for number in range(self.random.choice([1, 1, 1, 2, 3])):
            self.anchors = []
            if number or self.maybe(0.2):
                parts.append(self.own(0) + "---" + self.beside() + "\n")
            parts.append(self.block(0, 0, "\n" if not parts else "") + self.own(0))
            if self.maybe(0.1):
                parts.append("..." + self.beside() + "\n")
        self.text = "".join(parts).lstrip("\n")
        if returns:
            self.text = self.text.replace("\n", "\r\n")

    def maybe(self, chance: float) -> bool:
        return self.random.random() < chance

    def note(self) -> str:
        text = f"n{len(self.notes)}" + self.random.choice(["", " 'x", ' "', " # y", " - z", " a: b", " [", " &a *a"])
        self.notes.append(text)
        return self.random.choice(["# ", "#", "#  "]) + text

    def beside(self) -> str:
        return self.random.choice([" ", "   "]) + self.note() if self.maybe(0.25) else ""

    def own(self, most: int) -> str:
        """Lines of their own: blank, or comments at any column."""
        lines = ""
        while self.maybe(0.25):
            lines += "\n" if self.maybe(0.3) else " " * self.random.randint(0, most + 3) + self.note() + "\n"
        return lines

    def anchor(self) -> str:
        if not self.maybe(0.1):
            return ""
        self.marks += 1
        return f"&m{self.marks} "

    def block(self, level: int, indent: int, before: str = "") -> str:
        """Return a list or mapping, each line indented and ended."""
        if self.maybe(0.5):
            return self.mapping(level, indent)
        return "".join(self.element(level, indent) for _ in range(self.random.randint(1, 3)))

    def mapping(self, level: int, indent: int) -> str:
        keys = self.random.sample(KEYS, self.random.randint(1, 3))
        text = ""
        for number, key in enumerate(keys):
            text += self.own(indent) if number or not level else ""
            text += " " * indent + key + self.random.choice([":", ":", " :"]) + self.value(level, indent, True)
        return text

    def element(self, level: int, indent: int) -> str:
        text = self.own(indent) + " " * indent + "-"
        if level < 4 and self.maybe(0.4):
            inner = indent + self.random.choice([2, 4])
            notes = len(self.notes)
            made = self.block(level + 1, inner)
            first = made.split("\n")[0]
            if first.startswith(" " * inner) and not first.strip().startswith("#") and len(first) > inner:
                return text + " " * (inner - indent - 1) + made[inner:]
            del self.notes[notes:]
        return text + self.value(level, indent, False)

    def value(self, level: int, indent: int, pair: bool) -> str:
        """Return what stands behind a colon or dash, with the end of its line."""
        choice = self.random.random()
        if self.anchors and self.maybe(0.1):
            name = self.random.choice(self.anchors)
            self.used.add(name)
            return f" *{name}" + self.beside() + "\n"
        if level < 4 and choice < 0.35:
            name = self.anchor()
            text = " " + name.strip() if name else ""
            text += self.beside() + "\n" + self.own(indent)
            text += self.block(level + 1, indent + self.random.choice([1, 2, 4]))
            self.mark(name)
            return text
        if choice < 0.5:
            name = self.anchor()
            text = " " + name + self.flow(0, indent) + self.beside() + "\n"
            self.mark(name)
            return text
        if choice < 0.6:
            style = self.random.choice(["|", ">", "|-", ">-", "|+", ">+"])
            lines = self.random.sample(
                ["one # no note", "two: x", "- three", "# no note", ""], self.random.randint(2, 4)
            )
            begin = " " * (indent + self.random.choice([4, 6]))
            body = "".join(begin + line + "\n" if line else "\n" for line in lines)
            return " " + style + self.beside() + "\n" + body
        if choice < 0.65:
            return self.beside() + "\n"
        if choice < 0.75:
            text = self.beside() + "\n" + self.own(indent)
            return text + " " * (indent + 2) + self.random.choice(QUOTED + PLAIN) + self.beside() + "\n"
        if choice < 0.8:
            return ' "two\n' + " " * (indent + 2) + '# lines"' + self.beside() + "\n"
        return " " + self.random.choice(QUOTED + PLAIN) + self.beside() + "\n"

    def mark(self, name: str) -> None:
        if name:
            self.anchors.append(name.strip(" &"))

    def flow(self, level: int, indent: int) -> str:
        """Return a list or mapping between brackets, over several lines where it likes."""
        pad = "\n" + " " * (indent + 2)
        mapping = self.maybe(0.5)
        text = "{" if mapping else "["
        keys = self.random.sample(KEYS, 3)
        for number in range(self.random.randint(0, 3)):
            text += (self.random.choice([",", " ,"]) if number else "") + self.space(indent, pad)
            text += keys[number] + ": " + (self.space(indent, pad) if self.maybe(0.2) else "") if mapping else ""
            if level < 2 and self.maybe(0.3):
                text += self.flow(level + 1, indent)
            elif self.maybe(0.1) and self.anchors:
                text += f"*{self.random.choice(self.anchors)} "
            else:
                text += self.random.choice(QUOTED + FLOW_PLAIN)
        return text + self.space(indent, pad) + ("}" if mapping else "]")

    def space(self, indent: int, pad: str) -> str:
        text = ""
        if self.maybe(0.25):
            text += self.beside() + "\n" + self.own(indent) + pad[1:]
        return text or self.random.choice(["", " "])


def told(comments: Comments) -> list[str]:
    """Return the lines of all comments, those of one place in order."""
    blocks = [*comments.beside.values(), *comments.first, *comments.last]
    blocks += [block for table in (comments.above, comments.below) for each in table.values() for block in each]
    return [line.strip() for block in blocks for line in block.split("\n")]
