"""From a question to the text of a prompt: chat template, place of the image, control tokens that are only words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from .families import Family

_MARK = "@question{}@"
_TAG = re.compile(r"<(?=[|/A-Za-z_])")

Turn = tuple[str, str]
"""Who said it, ``user`` or ``assistant``, and the words."""


class Wording:
    """Put questions into the form that a checkpoint was trained on.

    Args:
        processor: With ``tokenizer``, perhaps with a chat template.
        family: What stands around a question where there is no template.
    """

    def __init__(self, processor: Any, family: Family) -> None:
        self.processor, self.family = processor, family
        self.image = str(getattr(processor, "image_token", "") or "<image>")
        vocabulary = processor.tokenizer.get_added_vocab()
        control = sorted((t for t in vocabulary if t.startswith(("<", "["))), key=len, reverse=True)
        self._control = re.compile("|".join(map(re.escape, control)) or r"(?!)")
        self._frames: dict[tuple[int, int], list[str]] = {}

    @property
    def talks(self) -> bool:
        """True when the checkpoint has a chat template."""
        return bool(getattr(self.processor, "chat_template", None) or self.processor.tokenizer.chat_template)

    def safe(self, text: str) -> str:
        """Return a text in which no control token is left: they are words, not commands."""
        return _TAG.sub("< ", self._control.sub(lambda match: f"{match[0][0]} {match[0][1:]}", text))

    def split(self, prompt: str, images: int, history: Sequence[Turn] = ()) -> tuple[str, str]:
        """Return the text of a prompt up to its last image, and the rest.

        Args:
            prompt: Words for the model, already safe.
            images: Pictures shown with it; they stand before everything that is said.
            history: What was said before, safe.
        """
        said = alternating([*history, ("user", prompt)])
        frames = self._around(images, len(said) - 1)
        whole = frames[0] + "".join(words + after for words, after in zip(said, frames[1:], strict=True))
        cut = frames[0].rfind(self.image) + len(self.image) if images and self.image in frames[0] else 0
        return whole[:cut], whole[cut:]

    def _around(self, images: int, turns: int) -> list[str]:
        """Return the texts before, between and after the words of a conversation."""
        key = (images, turns)
        if key not in self._frames:
            marks = [_MARK.format(i) for i in range(turns + 1)]
            text = self._rendered(marks, images) if self.talks else self._plain(marks, images)
            parts = re.split("|".join(map(re.escape, marks)), text)
            if len(parts) != turns + 2:
                raise ValueError("the chat template leaves out what was said")
            self._frames[key] = parts
        return self._frames[key]

    def _rendered(self, marks: Sequence[str], images: int) -> str:
        from transformers import ProcessorMixin

        messages = [
            {"role": "assistant" if i % 2 else "user", "content": [{"type": "text", "text": mark}]}
            for i, mark in enumerate(marks)
        ]
        messages[0]["content"] = [{"type": "image"}] * images + messages[0]["content"]  # type: ignore[operator]
        # Some processors override it to prepare videos, which needs a package that is not there.
        return str(
            ProcessorMixin.apply_chat_template(self.processor, messages, add_generation_prompt=True, tokenize=False)
        )

    def _plain(self, marks: Sequence[str], images: int) -> str:
        before, after = self.family.plain
        turns = [
            before.replace("{image}", self.image * images if i == 0 else "") + mark + after
            for i, mark in enumerate(marks)
            if i % 2 == 0
        ]
        answers = [f" {mark}\n" for mark in marks[1::2]]
        return "".join(turn + (answers[i] if i < len(answers) else "") for i, turn in enumerate(turns))


def alternating(turns: Sequence[Turn]) -> list[str]:
    """Return the words of a conversation by turns, the user's first: chat templates insist on that.

    >>> alternating([("assistant", "Hello."), ("user", "Hi."), ("user", "What is this?")])
    ['', 'Hello.', 'Hi.\\n\\nWhat is this?']
    """
    said: list[str] = []
    for who, words in turns:
        mine = 0 if who == "user" else 1
        if len(said) % 2 == mine:
            said.append(words)
        elif said:
            said[-1] += f"\n\n{words}"
        else:
            said += ["", words]
    return said
