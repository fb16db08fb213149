"""Recognize speech with a Whisper checkpoint."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..._base import headline
from ..contract import BackendError
from ..questions import Answer, Frame, Kind, Question
from . import NOBODY_SPOKE
from .sound import RATE, SoundError, read_wav
from .voice_activity import speech

_MOST = 224
"""Most tokens of an answer, as many as Whisper itself takes: half of what its decoder has room for."""


class Whisper:
    """Answer ``transcribe`` with any words; its confidence is the mean probability of their tokens.

    Args:
        folder: The checkpoint.

    Raises:
        BackendError: It cannot be loaded.
    """

    name = "whisper"
    kinds: frozenset[Kind] = frozenset(("transcribe",))
    remote = False

    def __init__(self, folder: str) -> None:
        import torch
        from transformers import AutoModelForSpeechSeq2Seq, AutoProcessor

        try:
            self._processor: Any = AutoProcessor.from_pretrained(folder, local_files_only=True)
            self._model: Any = AutoModelForSpeechSeq2Seq.from_pretrained(folder, local_files_only=True).eval()
        except (OSError, ValueError, KeyError) as error:
            why = headline(error)
            raise BackendError(f"{folder} cannot be loaded: {why}\n  fix:  name a Whisper checkpoint") from error
        ends = self._model.generation_config.eos_token_id
        self._ends = set(ends if isinstance(ends, list) else [ends])
        self._torch, self.model = torch, f"whisper {Path(folder).name}"

    def ask(self, frame: Frame | None, questions: Sequence[Question]) -> list[Answer]:
        """Listen to each sound."""
        return [self._one(question) for question in questions]

    def close(self) -> None:
        """Let go of the model."""
        self._model = None

    def _one(self, question: Question) -> Answer:
        if question.kind != "transcribe":
            return Answer(question.kind, problem=f"whisper takes no {question.kind}", supported=False)
        try:
            sound = speech(read_wav(question.audio))
        except SoundError as error:
            return Answer("transcribe", problem=headline(error), model=self.model)
        if sound is None:
            return Answer("transcribe", problem=NOBODY_SPOKE, model=self.model)
        longest = float(self._processor.feature_extractor.chunk_length)
        if sound.seconds > longest:
            long = f"the speech is {sound.seconds:.0f} s long, and whisper hears no more than {longest:g} s at once"
            return Answer("transcribe", problem=long, model=self.model)
        given = self._processor(sound.samples, sampling_rate=RATE, return_tensors="pt")
        with self._torch.inference_mode():
            made = self._model.generate(
                **given, max_new_tokens=_MOST, do_sample=False, return_dict_in_generate=True, output_scores=True
            )
        text = self._processor.batch_decode(made.sequences, skip_special_tokens=True)[0].strip()
        if len(made.scores) == _MOST and int(made.sequences[0, -1]) not in self._ends:
            cut = f"the transcript was cut off by the limit of {_MOST} tokens"
            return Answer("transcribe", text=text, problem=cut, model=self.model)
        scores = self._model.compute_transition_scores(made.sequences, made.scores, normalize_logits=True)
        sure = math.exp(float(scores.mean())) if scores.numel() else 0.0
        if not text:
            return Answer("transcribe", problem="nothing was heard", model=self.model)
        return Answer("transcribe", {"heard": sure}, neither=1.0 - sure, text=text, model=self.model)
