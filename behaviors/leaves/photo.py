"""The leaf that keeps a picture for later."""

from __future__ import annotations

from py_trees.common import Status

from ..means.picture import taken
from ..node import Leaf, behavior
from ..ports import Port


@behavior("photo")
class Photo(Leaf):
    """Take a picture and keep it on the blackboard, to compare with later or to imagine from.

    Ports:
        image (out, image, main): The picture.
        camera (in, text, default the robot's): Camera to look through.

    Status:
        SUCCESS: At once.

    Halt:
        Nothing to halt.
    """

    recovers = "anew"
    ports = (
        Port("image", "image", "the picture", direction="out", default=None, main=True),
        Port("camera", "text", "camera to look through; the robot's default one if left out", default=""),
    )

    def step(self) -> Status:
        """Take it."""
        picture = taken(self.context.look(str(self.get("camera"))))
        self.put("image", picture)
        return self.succeed(str(picture))
