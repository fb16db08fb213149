"""The spread of scenes that labelled pictures are rendered from. Training only: every entry refuses other seeds."""

from .posture import Posture
from .scenes import PosedScene, posed_scene
from .splits import Split, Unseen

__all__ = ["PosedScene", "Posture", "Split", "Unseen", "posed_scene"]
