"""BehaviorTree.CPP's leaves that end at once."""

from __future__ import annotations

from ..blackboard import UNSET
from ..node import Leaf, behavior
from ..ports import Port
from ..step import Status
from .values import as_type_of, named_cell, truth


@behavior("bt.AlwaysSuccess")
class AlwaysSuccess(Leaf):
    """Succeed.

    Status:
        SUCCESS: Always.

    Halt:
        Nothing to halt.

    Source: ``always_success_node.h`` of 4.10.0.
    """

    replays = "ticked"

    def step(self) -> Status:
        """Succeed."""
        return self.succeed()


@behavior("bt.AlwaysFailure")
class AlwaysFailure(Leaf):
    """Fail.

    Status:
        FAILURE: Always.

    Halt:
        Nothing to halt.

    Source: ``always_failure_node.h`` of 4.10.0.
    """

    replays = "ticked"

    def step(self) -> Status:
        """Fail."""
        return self.fail("it always fails")


@behavior("bt.Script")
class Script(Leaf):
    """Run a script, which may write entries.

    Ports:
        code (in, script, main): The script, such as ``x := 1; y = x * 2``.

    Status:
        SUCCESS: Always.

    Halt:
        Nothing to halt.

    Source: ``script_node.h`` of 4.10.0.
    """

    replays = "ticked"
    ports = (Port("code", "script", "the script", main=True),)

    def step(self) -> Status:
        """Run it."""
        self.get("code")
        return self.succeed()


@behavior("bt.ScriptCondition")
class ScriptCondition(Leaf):
    """Decide a script.

    Ports:
        code (in, script, main): The script, such as ``battery > 20``.

    Status:
        SUCCESS: Its value is true.
        FAILURE: Its value is false.

    Halt:
        Nothing to halt.

    Source: ``script_condition.h`` of 4.10.0.
    """

    replays = "ticked"
    ports = (Port("code", "script", "the script", main=True),)

    def step(self) -> Status:
        """Run it."""
        return self.succeed() if truth(self.get("code")) else self.fail("the script in `code` is false")


@behavior("bt.SetBlackboard")
class SetBlackboard(Leaf):
    """Write a text or the value of an entry to an entry.

    A text becomes a number or a truth value where the entry holds one already.

    Ports:
        value (in, any): What to write; ``$name`` copies an entry.
        output_key (inout, text): Name of the entry to write, without ``$``; ``@name`` is one of the root. ``$name``
            writes to the entry whose name the entry ``name`` holds.

    Status:
        SUCCESS: At once.
        FAILURE: The value is empty.

    Halt:
        Nothing to halt.

    Source: ``set_blackboard_node.h`` of 4.10.0.
    """

    replays = "ticked"
    ports = (
        Port("value", "any", "what to write"),
        Port("output_key", "text", "name of the entry to write, without $", direction="inout"),
    )

    def step(self) -> Status:
        """Write it."""
        value = self.get("value")
        cell = named_cell(self.wiring, str(self.get("output_key")))
        if value is None:
            return self.fail("the value is empty")
        if isinstance(value, str) and not isinstance(cell.value, str):
            value = as_type_of(None if cell.value is UNSET else cell.value, cell.type, value)
        cell.set(value, self.path)
        return self.succeed()


@behavior("bt.UnsetBlackboard")
class UnsetBlackboard(Leaf):
    """Remove an entry of this very tree.

    A name that is remapped to an entry of another tree is left alone, and so is ``@name``.

    Ports:
        key (in, text, main): Name of the entry, without ``$``.

    Status:
        SUCCESS: Always, also if there is no such entry.

    Halt:
        Nothing to halt.

    Source: ``unset_blackboard_node.h`` and ``blackboard.h`` (lines 256 to 269) of 4.10.0.
    """

    replays = "ticked"
    ports = (Port("key", "text", "name of the entry, without $", main=True),)

    def step(self) -> Status:
        """Remove it."""
        key = str(self.get("key"))
        cell = named_cell(self.wiring, key)
        if not key.startswith("@") and cell.name == (f"{self.wiring.scope}/{key}" if self.wiring.scope else key):
            cell.clear()
        return self.succeed()
