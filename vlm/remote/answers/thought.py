"""What a model thinks before it answers, and writes down."""

from __future__ import annotations

import re

_WHOLE = re.compile(r"\s*<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL | re.IGNORECASE)
_END = re.compile(r"(?:(?!<think(?:ing)?>).)*?</think(?:ing)?>", re.DOTALL | re.IGNORECASE)


def without_thought(text: str) -> str:
    """Return an answer without the thought before it.

    Templates that open the thought themselves, as some of Qwen3 and DeepSeek-R1 do, leave the model to write only its
    end: what stands before that is thought too.

    >>> without_thought("<think>A mug?</think>A mug."), without_thought("A mug?</think>A mug.")
    ('A mug.', 'A mug.')
    """
    thought = _WHOLE.match(text) or _END.match(text)
    return text[thought.end() :] if thought else text
