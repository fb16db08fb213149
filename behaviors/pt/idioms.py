"""The idioms of py_trees: functions that build a small tree around the nodes they are given."""

from __future__ import annotations

from typing import Any

from py_trees import idioms as theirs
from py_trees.common import OneShotPolicy

from ..node import behavior
from ..ports import Port
from ..step import FAILURE
from .adapted import AdaptedComposite
from .arguments import entry, given
from .comparison import comparisons
from .lending import key_of


@behavior("pt.pick_up_where_you_left_off")
class PickUpWhereYouLeftOff(AdaptedComposite):
    """Run tasks in order; after an interruption begin with the first task that was not done.

    What is done is noted in the entry ``$@NAME_done`` of the root scope, NAME being the task's name in lower case with
    ``_`` for blanks; all are forgotten when the last task is done.

    Ports:
        tasks (in, nodes): The tasks, each with a ``name`` of its own.

    Status:
        RUNNING: A task is.
        SUCCESS: All tasks are done.
        FAILURE: A task failed; the next execution begins with it.

    Halt:
        Halts the running task; what was done stays done.
    """

    origin = staticmethod(theirs.pick_up_where_you_left_off)
    flow = "sequence"
    structure = (Port("tasks", "nodes", "the tasks, in order"),)

    def _construct(self, values: dict[str, object]) -> Any:
        names = [task.name for task in self._below]
        for name in names:
            if "." in name or names.count(name) > 1:
                what = "has a dot" if "." in name else "is given twice"
                raise ValueError(
                    f"the name {name!r} of a task {what}, and an entry is called after it\n"
                    f"  fix:  write `name: …` beside the task"
                )
        return self.origin(**self._named(), tasks=self._below, **values)


@behavior("pt.either_or")
class EitherOr(AdaptedComposite):
    """Run the subtree whose condition holds when an execution starts; exactly one of them may.

    Ports:
        conditions (in, list): A mapping with ``variable`` (a name without dollar), ``operator`` and ``value`` for each
            subtree.
        subtrees (in, nodes): The subtrees.
        namespace (in, text, default one of its own): Where the choice is noted: the entries ``NAMESPACE/1`` and so on.

    Status:
        RUNNING: The chosen subtree is.
        SUCCESS: It succeeded.
        FAILURE: It failed, or none or an even number of conditions held, or an entry is not set.

    Halt:
        Halts the chosen subtree.
    """

    origin = staticmethod(theirs.either_or)
    flow = "switch"
    arguments = (
        comparisons("conditions"),
        given(Port("namespace", "text", "where the choice is noted", default=None)),
    )
    structure = (Port("subtrees", "nodes", "the subtrees, in the order of the conditions"),)

    def _construct(self, values: dict[str, object]) -> Any:
        values["namespace"] = values["namespace"] or key_of(f"{self.path or self.name}/chosen")
        return self.origin(**self._named(), subtrees=self._below, **values)


@behavior("pt.oneshot")
class OneShot(AdaptedComposite):
    """Run a node to its end once; from then on give the same status without ticking it.

    Ports:
        behaviour (in, node): What is run.
        variable_name (inout, variable, default oneshot): The entry that holds the status from then on.
        policy (in, text, default ON_SUCCESSFUL_COMPLETION): ``ON_COMPLETION``: a failure counts as an end;
            ``ON_SUCCESSFUL_COMPLETION``: it is tried again.

    Status:
        RUNNING: The node is.
        SUCCESS: It succeeded, now or before.
        FAILURE: It failed, now or before.

    Halt:
        Halts the node; what has ended stays ended.
    """

    origin = staticmethod(theirs.oneshot)
    flow = "maybe"
    arguments = (
        entry(Port("variable_name", "variable", "the entry that holds the status", "inout", default="oneshot")),
        given(
            Port(
                "policy",
                "text",
                "which end counts",
                default="ON_SUCCESSFUL_COMPLETION",
                choices=tuple(OneShotPolicy.__members__),
            ),
            lambda name: OneShotPolicy[str(name)],
        ),
    )
    structure = (Port("behaviour", "node", "what is run"),)

    def _nodes(self) -> list[Any]:
        return [self.wiring.parts["behaviour"]]

    def _construct(self, values: dict[str, object]) -> Any:
        return self.origin(**self._named(), behaviour=self._below[0], **values)

    def _reason(self) -> str:
        (task,) = self._below
        why: str = task.feedback_message if task.status is FAILURE else ""
        return why or super()._reason()
