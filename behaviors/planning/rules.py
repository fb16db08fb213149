"""What a plan must obey, as the ports of a leaf say it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal, cast

from ..means.skills import DEFAULT_SKILLS, Skill, plan_schema, skills
from ..node import Leaf, NodeFault
from ..ports import Port
from ..rehearsing import MODES, Mode
from .never import Never, NeverError, read_never
from .tree_form import tree_schema

FORMS: Final = ("steps", "tree")
CONFIRM: Final = ("never", "ask")
PLANNING_PORTS: Final = (
    Port("instruction", "text", "what is to be done", main=True),
    Port("skills", "list", "leaves and trees that the plan may use", default=DEFAULT_SKILLS, lists="skills"),
    Port("form", "text", "what the model writes: a list of steps, or a tree of them", default="steps", choices=FORMS),
    Port("attempts", "int", "how many answers may be asked for", default=3, minimum=1),
    Port("longest", "int", "most steps a plan may have", default=30, minimum=1),
    Port("never", "list", "skills and facts that may not happen", default=(), lists="never"),
    Port("tried", "list", "what was tried before and why it failed, for the model", default=()),
    Port("confirm", "text", "whether a human is asked before a plan is accepted", default="never", choices=CONFIRM),
    Port("patience", "duration", "how long the human has; then the plan is refused", default=None, minimum=0.0),
    Port("camera", "text", "camera to look through; the robot's default one if left out", default=""),
)
_DOCUMENT = """\
        instruction (in, text, main): What is to be done.
        skills (in, list, default the motion leaves, say and wait): Names of the leaves that the plan may use, and of
            trees with ``skill:`` in their header.
        form (in, text, default steps): What the model writes: ``steps`` or ``tree``.
        attempts (in, int, default 3): How many answers may be asked for.
        longest (in, int, default 30): Most steps a plan may have.
        never (in, list, default none): What may not happen: names of skills, and facts such as
            ``"inside(_, red bowl)"``.
        tried (in, list, default none): What was tried before and why it failed; the model is told.
        confirm (in, text, default never): ``ask`` shows the plan to the human, who accepts it or says what is wrong.
        patience (in, duration, default no limit): How long the human has; then the plan is refused.
        camera (in, text, default the robot's): Camera to look through.
"""
REHEARSE: Final = Port("rehearse", "text", "how a plan is tried before it is accepted", default="never", choices=MODES)


@dataclass(frozen=True)
class Rules:
    """What a plan must obey.

    Attributes:
        skills: Skills that it may use, by name.
        form: ``steps`` or ``tree``.
        longest: Most steps it may have.
        attempts: How many answers may be asked for.
        never: What may not happen.
        camera: Camera to look through; empty for the robot's default one.
        confirm: Whether a human has to accept it.
        patience: How long the human has, [s]; None for no limit.
        rehearse: How it is tried before it is accepted.
        look: Whether the things that it names are looked for before it is accepted.
    """

    skills: Mapping[str, Skill]
    form: Literal["steps", "tree"] = "steps"
    longest: int = 30
    attempts: int = 3
    never: tuple[Never, ...] = ()
    camera: str = ""
    confirm: bool = False
    patience: float | None = None
    rehearse: Mode = "never"
    look: bool = True

    @property
    def schema(self) -> str:
        """The JSON Schema that an answer obeys, as text."""
        make = tree_schema if self.form == "tree" else plan_schema
        return make(self.skills, self.longest)


class PlanningLeaf(Leaf):
    """Base of leaves that have a plan made: its ports are ``PLANNING_PORTS`` and more.

    A line ``*PLANNING_PORTS`` in the docstring of a leaf becomes what these ports mean.
    """

    plans: ClassVar[bool] = True
    documents: ClassVar[Mapping[str, str]] = {"*PLANNING_PORTS": _DOCUMENT}

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        for name, text in cls.documents.items() if cls.__doc__ else ():
            cls.__doc__ = str(cls.__doc__).replace(f"        {name}\n", text)

    def rules(self) -> Rules:
        """Return what the ports say.

        Raises:
            NodeFault: A skill is unknown or none, or something is forbidden that nobody knows.
        """
        try:
            allowed = skills([str(name) for name in self._list("skills")], self.context.skill_of)
            never = read_never(self._list("never"), allowed)
        except (ValueError, NeverError) as error:
            raise NodeFault(f"{self.path}: {error}") from error
        patience = self.get("patience")
        return Rules(
            skills=allowed,
            form=cast('Literal["steps", "tree"]', self.get("form")),
            longest=int(str(self.get("longest"))),
            attempts=int(str(self.get("attempts"))),
            never=never,
            camera=str(self.get("camera")),
            confirm=self.get("confirm") == "ask",
            patience=None if patience is None else float(str(patience)),
            rehearse=cast(Mode, self.get("rehearse")),
        )

    def _list(self, port: str) -> list[object]:
        value = self.get(port)
        return list(value) if isinstance(value, list | tuple) else []
