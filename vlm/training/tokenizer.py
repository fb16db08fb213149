"""The tokenizer of the embedded model: byte-level BPE with whole numbers 0-999 and the fixed pieces of box JSON."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import cached_property

import numpy as np
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from ..facts import COLORS, SHAPES
from ..language.grammar import PREDICATES, Meaning, Thing, phrase, phrases
from ..language.phrases import DOORS, POSTURES
from ..language.planning import DONE, HELLO, UNKNOWN
from ..language.wordings import CLOSINGS, GATHER, OPENINGS, WORDINGS
from ..qwen import PLAN_PROMPT
from .unsure import UNSURE

SPECIAL = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|vision_pad|>",
    "<|image_pad|>",
    "<|video_pad|>",
)
PAD, END, VISION_START, VISION_END, IMAGE, VIDEO = 0, 2, 3, 4, 6, 7

# Pieces of every grounding question and answer, one token each (the texts are those of Qwen3-VL), and of every plan.
PIECES = (
    '[{"bbox_2d": [',
    '], "label": "',
    '"}]',
    '"}, {"bbox_2d": [',
    ", output the bbox coordinates in JSON format.",
    ", ",
    f"\n\n{PLAN_PROMPT}",
    '[{"skill":"pick","args":{"object":"',
    '[{"skill":"place","args":{"into":"',
    '[{"skill":"place","args":{"onto":"',
    '[{"skill":"look_at","args":{"object":"',
    '[{"skill":"say","args":{"text":"',
    '[{"skill":"home","args":{}}]',
    '"}},{"skill":"pick","args":{"object":"',
    '"}},{"skill":"place","args":{"into":"',
    '"}},{"skill":"place","args":{"onto":"',
    '"}}]',
    '{"ask":"',
    '{"cannot":"',
    '"}',
)
# Qwen's word pattern, but with up to three digits in one token.
_WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
CHAT_TEMPLATE = (
    "{%- for message in messages %}{{- '<|im_start|>' + message.role + '\\n' }}"
    "{%- if message.content is string %}{{- message.content }}{%- else %}{%- for part in message.content %}"
    "{%- if part.type == 'image' or 'image' in part or 'image_url' in part %}"
    "{{- '<|vision_start|><|image_pad|><|vision_end|>' }}"
    "{%- elif 'text' in part %}{{- part.text }}{%- endif %}{%- endfor %}{%- endif %}{{- '<|im_end|>\\n' }}"
    "{%- endfor %}{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}"
)
_EXTRA = (
    "user\nassistant\nsystem\nYou are a helpful assistant.\nYes\nNo\nyes no",
    UNSURE,
    f"{DONE}\n{HELLO}\n{UNKNOWN}\nWhich\nWhich one: the left one or the right one? There is no only one.",
    "container color",
    "The cube cannot be picked up. Only one thing fits on the can. Nothing stays on the ball. is on, for what is in",
    "the gripper robot arm is open closed. pick place move grasp object box drawer door table plate bowl left "
    "right front behind above below inside on top of near next to holding held by clear empty blocked visible How many "
    "what which where is are or and not a an Answer yes or no. Output JSON bbox_2d point_2d coordinates format",
)


def _corpus() -> Iterator[str]:
    rng = random.Random(0)
    for color in COLORS:
        for shape in SHAPES:
            yield f"the {color} {shape} {color} {shape}s a {shape} {color}"
            name = f"{color} {shape}"
            yield f"A {name} held by the gripper, a {name} on a {name} and a {shape} in a {shape}."
    for _ in range(40):
        yield from _EXTRA
        yield "The table is empty."
        yield from (f"{a}\n{b}" for a in COLORS for b in SHAPES)
        for predicate in PREDICATES:
            tray, thing = Thing("blue", "tray"), Thing(rng.choice(COLORS), rng.choice(SHAPES))
            for a in (thing, Thing(group="loose", every=predicate == "ground"), Thing(group="container")):
                meaning = Meaning(predicate, a, tray, _word(predicate, rng), _choices(predicate, rng))
                yield from phrases(meaning)
                yield phrase(meaning, rng, usual=0)
        for template in (t for ts in (*WORDINGS.values(), GATHER) for t in ts):
            text = template.format(a="the red cube", b="the blue tray", ns="the cubes")
            yield text
            yield f"Please {text[0].lower()}{text[1:]}"
        yield "put everything into every please"
        yield from (f"{text} please" for text in OPENINGS)
        yield from (f"cube {text}" for text in CLOSINGS)
    for _ in range(60):
        yield " ".join(str(i) for i in range(1000))


def _word(predicate: str, rng: random.Random) -> str:
    if predicate.startswith("door"):
        return rng.choice(DOORS)
    return "red" if predicate == "color" else rng.choice(("color", "shape"))


def _choices(predicate: str, rng: random.Random) -> tuple[str, ...]:
    words = {
        "which_posture": tuple(POSTURES),
        "which_side": ("left", "right"),
        "which_depth": ("in front of", "behind"),
        "which_color": COLORS,
    }
    known = words.get(predicate, tuple(f"the {color} {shape}" for color in COLORS for shape in SHAPES))
    return tuple(rng.sample(known, 2))


def build_tokenizer() -> Tokenizer:
    """Train the tokenizer on the wordings of the grammar; the same one every time."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_WORDS), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=2500,
        min_frequency=3,
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_corpus(), trainer)
    tokenizer.add_tokens([AddedToken(piece, normalized=False, special=False) for piece in PIECES])
    return tokenizer


def spelled(new: Tokenizer, old: Tokenizer) -> list[list[int]]:
    """Return how an old tokenizer writes every token of a new one, so that a model can take over its words.

    Args:
        new: The tokenizer to have.
        old: The tokenizer that a model was trained with.

    Returns:
        Ids of ``old`` for each id of ``new``: one where it has the same token, else those of its text; none for bytes
        that it lacks.
    """
    known = old.get_vocab()
    found: list[list[int]] = [[] for _ in range(new.get_vocab_size())]
    for token, index in new.get_vocab().items():
        found[index] = [known[token]] if token in known else old.encode(new.decode([index])).ids
    return found


class Codec:
    """Token ids of texts, remembered, with the ids that training needs to know."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer
        self._known: dict[str, list[int]] = {}
        self.before_image = self.encode("<|im_start|>user\n<|vision_start|>")
        self.after_image = self.encode("<|vision_end|>")
        self.before_answer = self.encode("<|im_end|>\n<|im_start|>assistant\n")
        self.end = self.encode("<|im_end|>")
        self.yes, self.no = self.encode("Yes")[0], self.encode("No")[0]
        self.numbers = np.array([tokenizer.token_to_id(str(i)) for i in range(1000)], dtype=np.int64)
        self.number_of = np.full(self.vocab, -1, np.int64)
        self.number_of[self.numbers] = np.arange(1000)
        self.colors = {self.encode(" " + c)[0]: c for c in COLORS}
        self.shapes = {self.encode(" " + s)[0]: s for s in SHAPES} | {self.encode(f" {s}s")[0]: s for s in SHAPES}
        self.label = self.encode('], "label": "')[0]
        self.hand = self.encode(" hand")[0]
        self.loose = self.encode(" loose")[0]
        self.one = self.encode(" one")[0]
        self.colon = self.encode(" cube:")[1]

    @cached_property
    def vocab(self) -> int:
        """Size of the vocabulary, rounded up to a multiple of 16."""
        return (int(self.tokenizer.get_vocab_size()) + 15) // 16 * 16

    def encode(self, text: str) -> list[int]:
        """Return the token ids of a text."""
        ids = self._known.get(text)
        if ids is None:
            ids = self.tokenizer.encode(text).ids
            if len(self._known) < 200_000:
                self._known[text] = ids
        return ids
