"""Load any image-text-to-text checkpoint through transformers, without torchvision where its family allows it."""

from __future__ import annotations

import inspect
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ..checkpoint import Checkpoint, _from_hub, fingerprint
from ..contract import BackendError
from .settings import LocalSettings


def load_any(source: str, settings: LocalSettings) -> Checkpoint:
    """Load model, tokenizer and image processor of any family.

    Args:
        source: A folder, or the name of a model on the hub that is in the local cache.
        settings: Device, type of the weights, quantisation.

    Raises:
        BackendError: There is no complete checkpoint, its family takes no images, or a package is missing for it.
    """
    import torch
    import transformers

    path = Path(source).expanduser()
    folder = path if path.is_dir() else _from_hub(source, settings.download)
    device = settings.device
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cuda" and not torch.cuda.is_available():
        raise BackendError("device is cuda, and there is no CUDA GPU\n  fix:  leave the setting 'device' out")
    if settings.quantize != "no" and device == "cpu":
        raise BackendError(f"quantize: {settings.quantize} needs a CUDA GPU, and there is none\n  fix:  leave it out")
    config = read_config(folder)
    transformers.utils.logging.disable_progress_bar()
    try:
        processor = load_processor(folder, config.model_type)
        model = _load_model(folder, device, settings)
    except BackendError:
        raise
    except Exception as error:  # damaged files raise a dozen kinds of error in as many libraries
        raise BackendError(f"the checkpoint in {folder} cannot be loaded: {_told(error)}") from error
    images = getattr(processor, "image_processor", None)
    if images is None or getattr(processor, "tokenizer", None) is None:
        raise BackendError(f"the checkpoint in {folder} has no image processor or no tokenizer, so it cannot be asked")
    if settings.max_pixels and {"shortest_edge", "longest_edge"} <= set(dict(images.size)):
        low = settings.min_pixels or 4 * 28 * 28
        images.size = {"shortest_edge": low, "longest_edge": settings.max_pixels}
    name = f"{path.name}@{fingerprint(folder)}"
    return Checkpoint(model.eval(), processor, config.model_type, name, folder, _areas(images))


def read_config(folder: Path) -> Any:
    """Return the configuration of a checkpoint that takes images and writes text.

    Raises:
        BackendError: It is not readable, or of a family that does something else.
    """
    import transformers
    from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES as KNOWN

    try:
        config = transformers.AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except Exception as error:
        raise BackendError(f"{folder} has no readable configuration: {_told(error)}") from error
    if config.model_type not in KNOWN:
        raise BackendError(
            f"{folder} holds a model of type {config.model_type!r}, which takes no images or is none that transformers "
            f"{transformers.__version__} knows\n  fix:  take an image-text-to-text checkpoint; code that comes with a "
            "checkpoint is not run"
        )
    return config


def load_processor(folder: Path, model_type: str) -> Any:
    """Return the processor of a checkpoint for images and text.

    Many processors insist on one for videos, which needs torchvision; without that package they are made for images
    alone.

    Raises:
        BackendError: Something it cannot do without is not installed.
    """
    import transformers
    from transformers.models.auto.processing_auto import PROCESSOR_MAPPING_NAMES as NAMES

    name = NAMES.get(model_type)
    kind = getattr(transformers, name, None) if isinstance(name, str) else None
    try:
        if kind is None:
            return transformers.AutoProcessor.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        if find_spec("torchvision") is None and "video_processor" in inspect.signature(kind.__init__).parameters:
            kind = without_video(kind)
        return kind.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except (ImportError, ValueError) as error:
        if not isinstance(error, ImportError) and "Missing optional dependencies" not in str(error):
            raise
        raise BackendError(
            f"the processor of {model_type!r} needs a package that is not installed: {_told(error)}\n"
            "  fix:  install what it names; 'knothole[smolvlm]' for SmolVLM, torchvision for what takes images only "
            "through it"
        ) from error


def without_video(kind: Any) -> Any:
    """Return a processor class like ``kind`` that takes no videos and needs no processor for them."""
    import transformers

    parts = {"image_processor": transformers.AutoImageProcessor, "tokenizer": transformers.AutoTokenizer}

    class ImagesOnly(kind):  # type: ignore[misc]
        @classmethod
        def _get_arguments_from_pretrained(cls, folder: Any, *args: Any, **kwargs: Any) -> list[Any]:
            kept = {"local_files_only": True, "trust_remote_code": False}
            made = (parts[name].from_pretrained(folder, **kept) if name in parts else None for name in names)
            return list(made)

        def check_argument_for_proper_class(self, argument_name: str, argument: Any) -> Any:
            return None if argument is None else super().check_argument_for_proper_class(argument_name, argument)

    names = kind.get_attributes()
    return ImagesOnly


def _load_model(folder: Path, device: str, settings: LocalSettings) -> Any:
    import torch
    import transformers

    dtype = settings.dtype
    if dtype == "auto":
        dtype = "float32" if device == "cpu" else "bfloat16"
    more: dict[str, object] = {}
    if settings.quantize != "no":
        bits = {f"load_in_{settings.quantize}": True}
        if settings.quantize == "4bit":
            bits |= {"bnb_4bit_compute_dtype": getattr(torch, dtype)}
        more = {"quantization_config": transformers.BitsAndBytesConfig(**bits), "device_map": {"": device}}
    model, info = transformers.AutoModelForImageTextToText.from_pretrained(
        folder,
        dtype=getattr(torch, dtype),
        local_files_only=True,
        trust_remote_code=False,
        output_loading_info=True,
        **more,
    )
    missing = sorted(info["missing_keys"])
    if missing:
        raise BackendError(f"the checkpoint in {folder} lacks {len(missing)} weights, such as {missing[0]}")
    return model if more else model.to(device)


def _areas(images: Any) -> tuple[int, int]:
    """Return the smallest and largest area of an image after resizing, [px]; zeros where that is not said."""
    size = getattr(images, "size", None)
    values = {key: int(value) for key, value in dict(size or {}).items() if value is not None}
    if "height" in values and "width" in values:
        return (values["height"] * values["width"],) * 2
    edges = [values[key] for key in ("shortest_edge", "longest_edge") if key in values]
    return (min(edges), max(edges)) if edges else (0, 0)


def _told(error: Exception) -> str:
    return " ".join(str(error).split())[:400] or type(error).__name__
