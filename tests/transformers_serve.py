"""``transformers serve`` where torchvision is missing: processors are made for images alone, the rest is its own.

Run as a program with the arguments of ``transformers``.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import transformers
from transformers.cli import transformers as command

from knothole.vlm.local.loading import load_processor


def images_alone(folder: str, **_: Any) -> Any:
    """Return the processor of a local checkpoint, without its part for videos."""
    config = transformers.AutoConfig.from_pretrained(folder, local_files_only=True)
    return load_processor(Path(folder), config.model_type)


if __name__ == "__main__":
    transformers.AutoProcessor.from_pretrained = images_alone
    sys.argv[0] = "transformers"
    command.main()
