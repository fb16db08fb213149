"""Pack many questions about one image into one sequence: all see the image, none sees another."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..facts import BEFORE, MASK_HAND, FrameFacts
from ..language.grammar import Thing, matches
from .model import PREFIX
from .questions import Asked
from .tokenizer import IMAGE, Codec

NUMBER, DECISION, LABEL, FILLER, STOP = 0.25, 1.0, 0.15, 0.02, 0.05
NAME, WORD = 0.5, 0.1  # what a plan or a caption decides (a color, a shape, how to go on), and the words in between
_BLUR = 16.0


@dataclass(frozen=True)
class Look:
    """Where attention should go from one position.

    Attributes:
        row, at: Position in the batch.
        values: Mask values to look at, those of the earlier of two pictures with ``BEFORE`` added; none means the sink.
        weight: Weight in the loss.
        box: Box of the only object meant, relative, when there is exactly one.
    """

    row: int
    at: int
    values: tuple[int, ...]
    weight: float = 1.0
    box: tuple[float, float, float, float] | None = None


@dataclass
class Batch:
    """Packed sequences with everything the losses need.

    Attributes:
        ids (B, L), position (3, B, L): Inputs of the language model.
        block: What each token belongs to, (B, L): 0 the image, n the n-th question, -1 nothing.
        index, target, weight: Flat positions (N,) that predict a token, the token, and its weight.
        owner: (row, question) of each prediction.
        asked: Questions that fitted, per row.
        mentions, answers: Supervised looks of words, and of positions that answer.
        previous: (row, position) of nouns right after a color.
    """

    ids: Tensor
    position: Tensor
    block: Tensor
    index: Tensor
    target: Tensor
    weight: Tensor
    owner: list[tuple[int, int]]
    asked: list[list[Asked]]
    mentions: list[Look]
    answers: list[Look]
    previous: list[tuple[int, int]]

    @property
    def mask(self) -> Tensor:
        """Who may look at whom, (B, 1, L, L), bool: everything at the image, each question at itself, none ahead."""
        own = self.block[:, None, :] == self.block[:, :, None]
        return ((self.block[:, None, :] == 0) | own).tril()[:, None]


@dataclass
class _Row:
    ids: list[int]
    block: list[int]
    after: list[int]  # text position of each token behind the image
    asked: list[Asked] = field(default_factory=list)


def pack(
    codec: Codec,
    asked: list[list[Asked]],
    facts: list[FrameFacts],
    side: int,
    length: int,
    blur: random.Random | None = None,
    before: list[FrameFacts] | None = None,
) -> Batch:
    """Pack the questions of several images, or pairs of images.

    Args:
        codec: The tokenizer.
        asked: Questions per image; those that do not fit into ``length`` are left out.
        facts: Labels per image.
        side: Image tokens along one side.
        length: Length of every sequence.
        blur: Shifts the coordinates a model reads back by about as much as it errs itself (not those it is to say), so
            that one wrong box does not spoil the next; None leaves them true.
        before: Labels of the earlier image of each pair; None where each question is about one image.
    """
    rows = len(asked)
    ids = np.zeros((rows, length), np.int64)
    position = np.zeros((3, rows, length), np.int64)
    block = np.full((rows, length), -1, np.int64)
    empty = torch.empty(0)
    batch = Batch(empty, empty, empty, empty, empty, empty, [], [], [], [], [])
    found: list[tuple[int, int, float]] = []
    prefix, places = prefix_of(codec, side, 1 if before is None else 2)
    head, begin = len(prefix), int(places[0, -1]) + 1
    for r, questions in enumerate(asked):
        ids[r, :head], position[:, r, :head], block[r, :head] = prefix, places, 0
        shown = (facts[r],) if before is None else (before[r], facts[r])
        at, kept = head, []
        for one in questions:
            question, answer = codec.encode(one.question) + codec.before_answer, codec.encode(one.answer) + codec.end
            text = question + (answer[:-1] if blur is None else _blurred(codec, answer[:-1], blur))
            if at + len(text) > length:
                continue
            kept.append(one)
            ids[r, at : at + len(text)] = text
            block[r, at : at + len(text)] = len(kept)
            position[:, r, at : at + len(text)] = begin + np.arange(len(text))
            start = at + len(question) - 1
            weights, looks = _answer(codec, one, answer)
            for j, (token, weight) in enumerate(zip(answer, weights, strict=True)):
                found.append((r * length + start + j, token, weight))
                batch.owner.append((r, len(kept) - 1))
            batch.answers += [Look(r, start + j, values, weight) for j, values, weight in looks]
            _mention(codec, batch, r, at, question, shown)
            at += len(text)
        batch.asked.append(kept)
    batch.ids, batch.position = torch.from_numpy(ids), torch.from_numpy(position)
    batch.block = torch.from_numpy(block)
    batch.index = torch.tensor([f[0] for f in found], dtype=torch.long)
    batch.target = torch.tensor([f[1] for f in found], dtype=torch.long)
    batch.weight = torch.tensor([f[2] for f in found])
    return batch


def prefix_of(codec: Codec, side: int, pictures: int) -> tuple[list[int], NDArray[np.int64]]:
    """Return the tokens before a question about one or more images, and their positions, (3, N).

    An image takes as many positions as it has tokens along one side.
    """
    tokens, grid = side * side, np.arange(side * side)
    between = [*codec.after_image, codec.before_image[-1]]
    ids, places, at = list(codec.before_image), [np.tile(np.arange(PREFIX), (3, 1))], PREFIX
    for n in range(pictures):
        after = codec.after_image if n == pictures - 1 else between
        ids += [IMAGE] * tokens + after
        places.append(np.stack([np.full(tokens, at), at + grid // side, at + grid % side]))
        at += side
        places.append(np.tile(at + np.arange(len(after)), (3, 1)))
        at += len(after)
    return ids, np.concatenate(places, 1)


def _answer(
    codec: Codec, one: Asked, answer: list[int]
) -> tuple[list[float], list[tuple[int, tuple[int, ...], float]]]:
    """Return the weight of every answer token, and the looks: (answer token, mask values, weight)."""
    verdict = one.verdict
    last = len(answer) - 1
    if verdict.kind == "plan" or one.meaning.predicate == "describe":
        return _telling(codec, one, answer)
    if verdict.kind != "ground":
        weights = [DECISION] * last + [STOP]
        return weights, [] if verdict.evidence is None else [(0, verdict.evidence, 1.0)]
    weights, looks, k, number = [], [], -1, 0
    targets = verdict.indices
    for j, token in enumerate(answer):
        value = codec.number_of[token]
        opens = j == 0 or (token in _separators(codec))
        if opens:
            k, number = k + 1, 0
        if j == last:
            weights.append(STOP)
            continue
        if opens:
            weights.append(DECISION)
        elif value >= 0:
            number += 1
            weights.append(NUMBER)
        elif number == 4 and token != codec.label:
            weights.append(LABEL)
        else:
            weights.append(FILLER)
        here = targets[k : k + 1] if targets else ()
        if targets or j == 0:
            looks.append((j, tuple(here), 1.0 if opens else 0.3 if value >= 0 else 0.1))
    return weights, looks


def _telling(
    codec: Codec, one: Asked, answer: list[int]
) -> tuple[list[float], list[tuple[int, tuple[int, ...], float]]]:
    """Weigh a plan or a caption: each thing it names is looked at from when the last one was named.

    A thing is named when its shape is said; one that a question back offers also by "the red one".
    """
    indices, evidence = one.verdict.indices, one.verdict.evidence
    offers = answer.index(codec.colon) if codec.colon in answer else -1
    if offers > 0:
        indices = evidence or ()
    last = len(answer) - 1
    weights: list[float] = []
    looks: list[tuple[int, tuple[int, ...], float]] = []
    k, decides = 0, True
    for j, token in enumerate(answer):
        named = token in codec.shapes or token in codec.colors
        weights.append(DECISION if j == 0 else STOP if j == last else NAME if named or decides else WORD)
        if indices and offers < j < last:
            sure = decides or token in codec.colors or (named and offers > 0)
            looks.append((j, indices[k : k + 1], 1.0 if sure else 0.3 if named else 0.1))
        elif j == 0 and evidence is not None:
            looks.append((j, evidence, 1.0))
        decides = j > offers and (token in codec.shapes or (offers > 0 and token == codec.one))
        k += decides
    return weights, looks


def _blurred(codec: Codec, answer: list[int], rng: random.Random) -> list[int]:
    if rng.random() < 0.25 or codec.label not in answer:
        return answer
    values = ((token, int(codec.number_of[token])) for token in answer)
    moved = (t if v < 0 else int(codec.numbers[min(999, max(0, round(rng.gauss(v, _BLUR))))]) for t, v in values)
    return list(moved)


def _separators(codec: Codec) -> tuple[int, ...]:
    return codec.encode('"}]')[0], codec.encode('"}, {"bbox_2d": [')[0]


def _mention(codec: Codec, batch: Batch, row: int, at: int, question: list[int], shown: tuple[FrameFacts, ...]) -> None:
    """Note where the words of a question look: at all they may mean, in each image (the last one is the newest)."""
    offsets = [BEFORE * (len(shown) - 1 - n) for n in range(len(shown))]
    for j, token in enumerate(question):
        before = codec.colors.get(question[j - 1]) if j else None
        shape, color = codec.shapes.get(token), codec.colors.get(token)
        if shape:
            thing = Thing(before or "", shape)
            if before:
                batch.previous.append((row, at + j))
        elif color:
            thing = Thing(color)
        elif token == codec.loose:
            thing = Thing(group="loose")
        elif token == codec.hand:
            values = tuple(MASK_HAND + o for o, facts in zip(offsets, shown, strict=True) if facts.hand_in_workspace)
            batch.mentions.append(Look(row, at + j, values))
            continue
        else:
            continue
        hits = [[i for i in matches(thing, facts) if facts.objects[i].pixels >= 4] for facts in shown]
        box = shown[-1].objects[hits[-1][0]].box_xyxy if len(hits[-1]) == 1 else None
        values = tuple(i + o for o, found in zip(offsets, hits, strict=True) for i in found)
        batch.mentions.append(Look(row, at + j, values, box=box))


def in_both(
    before: dict[int, NDArray[np.float32]], after: dict[int, NDArray[np.float32]]
) -> dict[int, NDArray[np.float32]]:
    """Join how two images are covered, tokens of both in a row; the earlier one's mask values get ``BEFORE`` added."""
    nothing = np.zeros_like(next(iter(after.values())))
    first = {value + BEFORE: np.concatenate([share, nothing]) for value, share in before.items()}
    return first | {value: np.concatenate([nothing, share]) for value, share in after.items()}


def look_targets(
    looks: list[Look], covered: list[dict[int, NDArray[np.float32]]], tokens: int
) -> tuple[Tensor, Tensor]:
    """Return the wanted attention (K, 1+T) over sink and image tokens, and which looks have one (K,)."""
    wanted = np.zeros((len(looks), 1 + tokens), np.float32)
    for k, look in enumerate(looks):
        if not look.values:
            wanted[k, 0] = 1
            continue
        for value in look.values:
            share = covered[look.row][value]
            total = share.sum()
            if total > 0:
                wanted[k, 1:] += share / total
    total = wanted.sum(1, keepdims=True)
    return torch.from_numpy(wanted / np.maximum(total, 1e-6)), torch.from_numpy(total[:, 0] > 0)
