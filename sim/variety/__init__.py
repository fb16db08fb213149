"""The spread of scenes that labelled pictures are rendered from. Training only: every entry refuses other seeds."""

from .pairs import LaterScene, later
from .posture import Posture
from .scenes import PosedScene, posed_scene
from .splits import Split, Unseen

__all__ = ["LaterScene", "PosedScene", "Posture", "Split", "Unseen", "later", "posed_scene"]
