"""Load a checkpoint of the Qwen-VL family through transformers, without torchvision."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .contract import BackendError
from .grounding_format import COORDINATES

_HASHED = 256 * 2**20
_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")


@dataclass(frozen=True)
class Checkpoint:
    """A loaded model and what belongs to it.

    Attributes:
        model: The transformers model, in evaluation mode.
        processor: Images and chat template to tensors; has ``tokenizer`` and ``image_processor``.
        family: ``model_type`` of its configuration, a key of ``COORDINATES``.
        name: Name and version, as in ``qwen3-vl-2b@1a2b3c4d5e6f``.
        folder: Where it lies.
        image_size: Smallest and largest area the image is resized to, [px].
    """

    model: Any
    processor: Any
    family: str
    name: str
    folder: Path
    image_size: tuple[int, int]


def check_source(source: str, who: str) -> None:
    """Tell early, without loading anything, that a source can't be a checkpoint.

    Raises:
        BackendError: It is empty, or a path without a checkpoint.
    """
    fix = (
        f"--vlm {who}:DIRECTORY, a folder with config.json and weights, or {who}:ORGANISATION/NAME from the hub's cache"
    )
    if not source:
        raise BackendError(f"the {who} backend needs a checkpoint\n  fix:  {fix}")
    path = Path(source).expanduser()
    if path.is_dir():
        if not (path / "config.json").is_file():
            raise BackendError(f"{source!r} is a folder without a config.json, so no checkpoint\n  fix:  {fix}")
    elif path.exists() or not _HUB_ID.fullmatch(source) or source.startswith("."):
        raise BackendError(f"there is no checkpoint folder {source!r}\n  fix:  {fix}")


def load_checkpoint(
    source: str,
    *,
    dtype: str = "auto",
    device: str = "auto",
    pixels: tuple[int, int] | None = None,
    download: bool = False,
) -> Checkpoint:
    """Load model, tokenizer and image processor.

    Args:
        source: A folder, or the name of a model on the hub that is in the local cache.
        dtype: ``float32``, ``bfloat16``, ``float16``; ``auto`` is float32 on a CPU and bfloat16 elsewhere.
        device: ``cpu``, ``cuda``; ``auto`` takes a GPU where there is one.
        pixels: Smallest and largest area the image is resized to, [px]; None keeps the checkpoint's own.
        download: Allow fetching from the hub.

    Raises:
        BackendError: There is no complete checkpoint of a known family.
    """
    import torch
    import transformers

    path = Path(source).expanduser()
    folder = path if path.is_dir() else _from_hub(source, download)
    try:
        config = transformers.AutoConfig.from_pretrained(folder, local_files_only=True)
    except Exception as error:
        raise BackendError(f"{folder} has no readable configuration: {error}") from error
    if config.model_type not in COORDINATES:
        raise BackendError(
            f"{folder} holds a model of type {config.model_type!r}, not of the Qwen-VL family\n"
            f"  fix:  take one of {', '.join(sorted(COORDINATES))}"
        )
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if dtype == "auto":
        dtype = "float32" if device == "cpu" else "bfloat16"
    try:
        transformers.utils.logging.disable_progress_bar()
        model, info = transformers.AutoModelForImageTextToText.from_pretrained(
            folder, dtype=getattr(torch, dtype), local_files_only=True, output_loading_info=True
        )
        processor = _image_text_processor().from_pretrained(folder, local_files_only=True)
    except Exception as error:  # damaged files raise a dozen kinds of error in as many libraries
        raise BackendError(f"the checkpoint in {folder} cannot be loaded: {error}") from error
    missing = sorted(info["missing_keys"])
    if missing:
        raise BackendError(f"the checkpoint in {folder} lacks {len(missing)} weights, such as {missing[0]}")
    images = processor.image_processor
    if pixels is not None:
        images.size = {"shortest_edge": pixels[0], "longest_edge": pixels[1]}
    size = (int(images.size["shortest_edge"]), int(images.size["longest_edge"]))
    name = f"{path.name}@{fingerprint(folder)}"
    return Checkpoint(model.to(device).eval(), processor, config.model_type, name, folder, size)


def fingerprint(folder: Path) -> str:
    """Return 12 hexadecimal digits that tell this checkpoint from others.

    They are the SHA-256 of configuration and weights; of weights above 256 MiB, of length and first MiB of each file.
    """
    files = sorted(folder.glob("*.safetensors")) + sorted(folder.glob("*.bin"))
    whole = sum(file.stat().st_size for file in files) <= _HASHED
    digest = hashlib.sha256((folder / "config.json").read_bytes())
    for file in files:
        digest.update(f"{file.name} {file.stat().st_size}".encode())
        with file.open("rb") as stream:
            digest.update(stream.read() if whole else stream.read(2**20))
    return digest.hexdigest()[:12]


def _from_hub(source: str, download: bool) -> Path:
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(source, local_files_only=not download))
    except Exception as error:
        raise BackendError(
            f"{source!r} is neither a folder nor in the local cache of the hub: {error}\n"
            "  fix:  fetch it once with `hf download`, or allow it with the setting  download: true"
        ) from error


def _image_text_processor() -> Any:
    """Return a processor class for images and text.

    The processors of transformers insist on a video processor, which needs torchvision; for images all three families
    do the same.
    """
    from transformers import Qwen2VLProcessor

    class ImageTextProcessor(Qwen2VLProcessor):  # type: ignore[misc]
        text_kwargs = {"return_token_type_ids": False}  # noqa: RUF012 - as in the class above

        def __init__(
            self, image_processor: Any = None, tokenizer: Any = None, chat_template: Any = None, **kwargs: Any
        ) -> None:
            super().__init__(image_processor, tokenizer, None, chat_template=chat_template, **kwargs)

        def check_argument_for_proper_class(self, argument_name: str, argument: Any) -> Any:
            if argument_name == "video_processor":
                return None
            return super().check_argument_for_proper_class(argument_name, argument)

    return ImageTextProcessor
