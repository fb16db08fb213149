"""Which of several options somebody means who answers in words of their own."""

from __future__ import annotations

import re
from collections.abc import Sequence

_ARTICLES = ("the", "a", "an", "one", "ones", "thing", "object", "it", "its", "is", "that", "this", "which", "of", "at")
_MANNERS = ("please", "thanks", "thank", "you", "just", "well", "uh", "um", "er", "and", "to", "with", "my")
_CHOOSING = ("i", "mean", "meant", "want", "would", "like", "take", "pick", "use", "choose", "say", "said", "answer")
_EMPTY = frozenset((*_ARTICLES, *_MANNERS, *_CHOOSING))
"""Words that choose nothing."""
_AGAINST = frozenset(("not", "no", "neither", "none", "never", "without", "don't", "dont", "except", "but", "nothing"))
_SAME = {"yes": ("y", "yeah", "yep", "yup", "sure", "ok", "okay", "correct", "right"), "no": ("n", "nope", "nah")}
"""Other words for the two options that have such."""


_AGREEING = frozenset(("yes", *_SAME["yes"], "go", "do", "fine", "good", "alright"))
_AGREEING_BESIDE = frozenset(("on", "ahead", "all", "then", "now"))


def agrees(words: str) -> bool | None:
    """Tell whether an answer agrees to what was shown: True for a yes and nothing beside, False for a no.

    None where it says more, such as what is wrong: who adds something to a yes may want it otherwise.

    >>> agrees("Yes, please do it."), agrees("go ahead"), agrees("nope")
    (True, True, False)
    >>> agrees("yes, but the blue one"), agrees("yes, into the bowl"), agrees("do you?")
    (None, None, None)
    """
    if understand(words, ("yes", "no")) == "no":
        return False
    telling = set(_words(words.casefold())) - _EMPTY - _AGREEING_BESIDE
    return True if telling and telling <= _AGREEING and "?" not in words else None


def understand(words: str, options: Sequence[str]) -> str | None:
    """Return the option that an answer means: its words, its number, how it begins, or what it alone has.

    Args:
        words: The answer, as typed or heard.
        options: The options.

    Returns:
        The option; None where the answer fits none or more than one. It never guesses.

    >>> understand("red, please", ["the red one", "the one in the bowl"])
    'the red one'
    >>> understand("bowl", ["the red one", "the one in the bowl"])
    'the one in the bowl'
    >>> understand("not the red one", ["the red one", "the one in the bowl"])
    """
    said = words.strip().casefold()
    if not said:
        return None
    for tell in (_exactly, _by_number, _by_beginning, _by_content, _by_habit):
        found = tell(said, options)
        if len(found) == 1:
            return found[0]
        if found:
            return None
    return None


def _exactly(said: str, options: Sequence[str]) -> list[str]:
    plain = said.rstrip(".!")
    return [option for option in options if option.casefold() in (said, plain)]


def _by_number(said: str, options: Sequence[str]) -> list[str]:
    return [options[int(said) - 1]] if re.fullmatch(r"[0-9]{1,3}", said) and 1 <= int(said) <= len(options) else []


def _by_beginning(said: str, options: Sequence[str]) -> list[str]:
    """Return the options that begin with what was said; where it is short, only when there is one."""
    if set(_words(said)) <= _EMPTY:
        return []
    found = [option for option in options if option.casefold().startswith(said)]
    return found if len(found) == 1 else []


def _by_content(said: str, options: Sequence[str]) -> list[str]:
    """Return the options whose telling words were all said, else those that have all words that were said."""
    spoken = set(_words(said))
    if spoken & _AGAINST:
        return []
    spoken -= _EMPTY
    if not spoken:
        return []
    telling = [(option, set(_words(option.casefold())) - _EMPTY) for option in options]
    whole = [(option, words) for option, words in telling if words and words <= spoken]
    whole = [(o, words) for o, words in whole if not any(words < more for _, more in whole)]
    if whole:
        return [option for option, _ in whole]
    return [option for option, words in telling if spoken <= words]


def _by_habit(said: str, options: Sequence[str]) -> list[str]:
    spoken = [word for word in _words(said) if word not in _EMPTY]
    if len(spoken) != 1:
        return []
    said_so = spoken[0]
    return [o for o in options if said_so == o.casefold() or said_so in _SAME.get(o.casefold(), ())]


def _words(text: str) -> list[str]:
    return re.findall(r"[\w']+", text)
