"""The backend ``firewall``: asks another one, for which words in pictures are data and never instructions.

It reads what stands in the picture. Where there is nothing to read, that is all it does. Otherwise the other backend is
told the words as data, and is asked again about a picture in which they are filled in from around them; an answer that
changes when they are gone is *unsure*, and its ``problem`` says so. It runs where the model runs, in the worker.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from .._base import near_misses
from .broking.opening import BROKERS_OWN
from .contract import BACKENDS, Backend, BackendError, BackendOptions, backend
from .questions import Answer, Frame, Question
from .runner import Runner, answer_all
from .scene_text.comparing import DECIDED, settle
from .scene_text.reader import SURE, SceneText, TextReader, check_installed, quoted
from .worker import _find, _home_of

if TYPE_CHECKING:
    from .scene_text.reader import Pixels

READING: Final = 0.1
"""What reading a picture adds to the latency in simulated time, [s]."""
_KNOWN: Final = ("score", "latency", "threads", "inner", "home")
_OUTSIDE: Final = ("threads", *BROKERS_OWN)
"""Settings of the backend that hold for the worker that both run in."""
_REMEMBERED: Final = 16
_MOST_THREADS: Final = 4
_BLIND: Final = ("oracle", "replay", "firewall")


@dataclass(frozen=True)
class _Looked:
    """What was found in a picture: its words, and the picture without them; none where there are no words."""

    texts: tuple[SceneText, ...] = ()
    masked: tuple[Frame, ...] = ()


class Firewall:
    """Ask a backend so that words in the picture are data.

    Args:
        inner: The backend that answers; closed with this one.
        reader: Finds words.
    """

    name = "firewall"

    def __init__(self, inner: Backend, reader: TextReader) -> None:
        self.inner, self._reader = inner, reader
        self.model, self.kinds, self.remote = inner.model, inner.kinds, inner.remote
        self._looked: OrderedDict[str, _Looked] = OrderedDict()

    def ask(self, frame: Frame | None, questions: Sequence[Question]) -> list[Answer]:
        """Answer all questions about one frame; where words stand in it, decisions are made a second time without."""
        looked = self._look(frame) if frame is not None else _Looked()
        if not looked.texts:
            return list(answer_all(self.inner, frame, questions))
        told = quoted(looked.texts)
        aware = [replace(q, context="\n\n".join(filter(None, (q.context, told)))) for q in questions]
        answers = list(answer_all(self.inner, frame, aware))
        again = [
            i for i, q in enumerate(questions) if q.kind in DECIDED and answers[i].supported and not answers[i].problem
        ]
        others = [answer_all(self.inner, masked, [questions[i] for i in again]) for masked in looked.masked if again]
        for at, i in enumerate(again):
            masked = [answer[at] for answer in others]
            settled = settle(questions[i], answers[i], masked, looked.texts)
            answers[i] = replace(
                settled,
                latency=answers[i].latency + sum(one.latency for one in masked),
                tokens=answers[i].tokens + sum(one.tokens for one in masked),
                cost=answers[i].cost + sum(one.cost for one in masked),
            )
        return answers

    def close(self) -> None:
        """Close the backend behind it."""
        self.inner.close()

    def _look(self, frame: Frame) -> _Looked:
        digest = frame.digest()
        known = self._looked.get(digest)
        if known is None:
            known = self._looked[digest] = self._read(frame)
            if len(self._looked) > _REMEMBERED:
                self._looked.popitem(last=False)
        return known

    def _read(self, frame: Frame) -> _Looked:
        pictures = (*frame.earlier, frame)
        found = [self._reader.find(one.rgb) for one in pictures]
        texts = tuple(text for each in found for text in each)
        if not texts:
            return _Looked()
        from .scene_text.masking import letters, signs

        pairs = list(zip(pictures, found, strict=True))
        variants = [[self._unread(one.rgb, each) for one, each in pairs]]
        sheets = [signs(one.rgb, each) for one, each in pairs]
        if any((mask > letters(one.rgb.shape, each)).any() for mask, (one, each) in zip(sheets, pairs, strict=True)):
            variants.append(sheets)
        return _Looked(texts, tuple(_filled(frame, masks) for masks in variants))

    def _unread(self, rgb: Pixels, texts: Sequence[SceneText]) -> Pixels:
        """Return a mask without which no word is to be read: of the strokes, or else of whole lines."""
        from .scene_text.masking import letters, strokes, without

        mask = strokes(rgb, texts)
        return letters(rgb.shape, texts) if texts and self._reader.find(without(rgb, mask)) else mask


def _filled(frame: Frame, masks: Sequence[Pixels]) -> Frame:
    from .scene_text.masking import without

    *before, last = (
        replace(one, rgb=without(one.rgb, mask), earlier=()) if mask.any() else replace(one, earlier=())
        for one, mask in zip((*frame.earlier, frame), masks, strict=True)
    )
    return replace(last, earlier=tuple(before))


def open_guarded(vlm: str, settings: Mapping[str, object], firewall: Mapping[str, object]) -> Runner:
    """Open a backend behind a firewall, in a worker.

    Args:
        vlm: The backend, ``name`` or ``name:argument``.
        settings: Its settings.
        firewall: Settings of the firewall: ``score``, and ``latency``, what reading adds in simulated time, [s].

    Raises:
        KnotholeError: There is no such backend, it cannot be opened, or a package is missing.
    """
    from .broker import open_backend

    entry = BACKENDS.get(vlm.strip().partition(":")[0])
    inner = {key: value for key, value in settings.items() if key not in ("latency", *_OUTSIDE)}
    own, reading = settings.get("latency", entry.latency), firewall.get("latency", READING)
    for value in (own, reading):
        if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
            raise BackendError(f"setting 'latency' is {value!r}, must be a number of seconds >= 0")
    made: dict[str, Any] = {**firewall, "inner": inner, "home": _home_of(entry), "latency": own + reading}  # type: ignore[operator]
    made |= {key: settings[key] for key in _OUTSIDE if key in settings}
    return open_backend(f"firewall:{vlm}", made)


def _check(options: BackendOptions) -> None:
    _read_settings(options)
    name, _, argument = options.argument.partition(":")
    check_installed()
    entry = BACKENDS.get(name)
    if entry.check is not None:
        inner: Any = options.settings.get("inner", {})
        entry.check(BackendOptions(argument, inner))


def _read_settings(options: BackendOptions) -> float:
    name = options.argument.partition(":")[0]
    if not name:
        raise BackendError("the firewall needs a backend behind it\n  fix:  --vlm firewall:embedded, or --firewall")
    if name in _BLIND:
        raise BackendError(
            f"the backend {name!r} looks at no pixels, so no words can reach it\n  fix:  ask it directly"
        )
    for key in options.settings:
        if key not in _KNOWN:
            near = near_misses(key, _KNOWN, 1)
            hint = f"\n  did you mean:  {near[0]}" if near else ""
            raise BackendError(f"the firewall has no setting {key!r}{hint}")
    score = options.settings.get("score", SURE)
    if isinstance(score, bool) or not isinstance(score, int | float) or not 0 <= score <= 1:
        raise BackendError(f"setting 'score' of the firewall is {score!r}, must be a number in 0..1")
    return float(score)


@backend("firewall", latency=0.1 + READING, check=_check)
def open_firewall(options: BackendOptions) -> Firewall:
    """Open ``firewall:BACKEND``, such as ``firewall:embedded``. Settings: ``score``, and ``inner``: its settings."""
    score = _read_settings(options)
    name, _, argument = options.argument.partition(":")
    inner: Any = options.settings.get("inner", {})
    home: Any = options.settings.get("home")
    threads = min(_MOST_THREADS, max(1, int(os.environ.get("OMP_NUM_THREADS", "1") or 1)))
    return Firewall(_find(name, home).open(BackendOptions(argument, inner)), TextReader(threads, score))
