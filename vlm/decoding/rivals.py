"""Write another text than those that were refused: from where the model was least sure of one of them. Imports torch.

A small model cannot read why its plan was refused, and its likeliest text stays its likeliest. The next likely one is
found as in the lists of best paths of Lawler: of all beginnings that leave the refused texts, the likeliest, continued
with the likeliest token. Nothing in it is random.

Source: E. L. Lawler, *A procedure for computing the K best solutions to discrete optimization problems and its
application to the shortest path problem*, Management Science 18 (7), 1972.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch

from .constraint import Constraint

if TYPE_CHECKING:
    from .._vision_model import Prefix, VisionModel, Written

ROUNDS = 8
"""How many texts are written at most, each of which might turn out to be a refused one."""
_JSON = ("[", "{")
"""How whole answers begin; other refused texts are parts."""
Rule = Callable[[], Constraint | None]


@torch.inference_mode()
def write_another(
    model: VisionModel, prefix: Prefix, row: Sequence[int], limit: int, refused: Sequence[str], rule: Rule
) -> Written | None:
    """Continue a row otherwise than refused texts do.

    Args:
        model: The model.
        prefix: What was read before.
        row: Tokens of the question.
        limit: Most tokens to write.
        refused: Texts that it may not be, and parts of texts, such as ``"the red cube"`` with its quotation marks, that
            it may not have.
        rule: Makes what holds the text to its form, anew for each text.

    Returns:
        What was written; None when there is no other text.
    """
    known = [model.text_ids(text)[:limit] for text in refused if text.startswith(_JSON)]
    parts = [text for text in refused if not text.startswith(_JSON)]
    for _ in range(ROUNDS):
        turns = [(ids, _first_part(model, ids, parts)) for ids in known]
        begun = _likeliest_turn(model, prefix, row, turns, rule)
        if begun is None:
            return None
        held = rule()
        for token in begun if held is not None else ():
            assert held is not None
            held.take(token)
        if begun[-1] in model.ends:
            ids, complete, problem = tuple(begun[:-1]), True, ""
        else:
            [rest] = model.write(prefix, [[*row, *begun]], [max(1, limit - len(begun))], [held])
            ids, complete, problem = (*begun, *rest.ids), rest.complete, rest.problem
        if list(ids) not in known and not any(part in model.decode(ids) for part in refused):
            return type_of_written()(ids, (1.0,) * len(ids), complete, problem)
        known.append(list(ids))
    return None


def type_of_written() -> type[Written]:
    """Return the class of what a model writes, which imports this room."""
    from .._vision_model import Written

    return Written


def _first_part(model: VisionModel, ids: Sequence[int], parts: Sequence[str]) -> int:
    """Return behind how many tokens a text has a part that no text may have; all of them and one where it has none."""
    for end in range(1, len(ids) + 1) if any(part in model.decode(ids) for part in parts) else ():
        if any(part in model.decode(ids[:end]) for part in parts):
            return end
    return len(ids) + 1


def _likeliest_turn(
    model: VisionModel, prefix: Prefix, row: Sequence[int], turns: Sequence[tuple[Sequence[int], int]], rule: Rule
) -> list[int] | None:
    """Return the likeliest beginning that no known text has.

    Args:
        model: The model.
        prefix: What was read before.
        row: Tokens of the question.
        turns: Known texts, and before which of their tokens another text must have turned off.
        rule: Makes what holds a text to its form.
    """
    best: tuple[float, list[int]] | None = None
    taken: dict[tuple[int, ...], set[int]] = {}
    for ids, _ in turns:
        for at in range(len(ids) + 1):
            taken.setdefault(tuple(ids[:at]), set()).update(ids[at : at + 1] or model.ends)
    for ids, end in turns:
        score, held = 0.0, rule()
        logits = model.logits_along(prefix, row, ids)
        for at in range(end):
            allowed = logits[at].float() if held is None else held.allow(logits[at].float())
            logs = allowed.log_softmax(-1)
            others = logs.clone()
            others[sorted(taken[tuple(ids[:at])])] = float("-inf")
            chance, token = others.max(-1)
            if bool(torch.isfinite(chance)) and (best is None or score + float(chance) > best[0]):
                best = (score + float(chance), [*ids[:at], int(token)])
            if at == len(ids):
                break
            score += float(logs[ids[at]])
            if held is not None:
                held.take(ids[at])
                if held.problem:  # the text was written otherwise than its tokens say
                    break
    return None if best is None else best[1]
