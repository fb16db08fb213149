"""The leaves of py_trees that look at the blackboard, each with its own class inside.

Entries are named with a dollar. Where the original takes a function, there is a port with its value, or an operator.
"""

from __future__ import annotations

from typing import Any

from py_trees import behaviours as theirs

from ..node import behavior
from ..ports import Port
from .adapted import Adapted
from .arguments import entry, generator, given
from .comparison import LOGICAL, OPERATORS, comparison, comparisons


@behavior("pt.BlackboardToStatus")
class BlackboardToStatus(Adapted):
    """Give the status that an entry holds, as ``pt.StatusToBlackboard`` writes it.

    Ports:
        variable_name (in, variable, main): The entry with the status.

    Status:
        RUNNING, SUCCESS, FAILURE: What the entry holds; anything else in it is a fault.

    Halt:
        Nothing to halt.
    """

    replays = "ticked"

    origin = theirs.BlackboardToStatus
    arguments = (entry(Port("variable_name", "variable", "the entry with the status", main=True)),)


@behavior("pt.CheckBlackboardVariableExists")
class CheckBlackboardVariableExists(Adapted):
    """Decide whether an entry is set.

    Ports:
        variable_name (inout, variable, main): The entry to look for.

    Status:
        SUCCESS: It is set.
        FAILURE: It is not.

    Halt:
        Nothing to halt.
    """

    replays = "ticked"

    origin = theirs.CheckBlackboardVariableExists
    arguments = (entry(Port("variable_name", "variable", "the entry to look for", "inout", main=True)),)


@behavior("pt.WaitForBlackboardVariable")
class WaitForBlackboardVariable(Adapted):
    """Wait until an entry is set.

    Ports:
        variable_name (inout, variable, main): The entry to wait for.

    Status:
        RUNNING: It is not set.
        SUCCESS: It is.

    Halt:
        Nothing to halt.
    """

    replays = "ticked"

    origin = theirs.WaitForBlackboardVariable
    arguments = (entry(Port("variable_name", "variable", "the entry to wait for", "inout", main=True)),)


@behavior("pt.UnsetBlackboardVariable")
class UnsetBlackboardVariable(Adapted):
    """Forget the value of an entry.

    Ports:
        key (inout, variable, main): The entry to forget.

    Status:
        SUCCESS: At once, also when it was not set.

    Halt:
        Nothing to halt.
    """

    replays = "ticked"

    origin = theirs.UnsetBlackboardVariable
    arguments = (entry(Port("key", "variable", "the entry to forget", "inout", main=True)),)


@behavior("pt.SetBlackboardVariable")
class SetBlackboardVariable(Adapted):
    """Write a value to an entry.

    Ports:
        variable_name (out, any): The entry to write.
        variable_value (in, any): What to write; read in each tick.
        overwrite (in, bool): Write it also when the entry is set already.

    Status:
        SUCCESS: It is written.
        FAILURE: The entry was set already and may not be overwritten.

    Halt:
        Nothing to halt.
    """

    replays = "ticked"

    origin = theirs.SetBlackboardVariable
    arguments = (
        entry(Port("variable_name", "any", "the entry to write", direction="out")),
        generator(Port("variable_value", "any", "what to write")),
        given(Port("overwrite", "bool", "write it also when the entry is set already")),
    )

    def _reason(self) -> str:
        return f"{self.wiring.name}: the entry is set already"


@behavior("pt.CheckBlackboardVariableValue")
class CheckBlackboardVariableValue(Adapted):
    """Compare an entry with a value.

    Ports:
        variable (inout, variable): The entry that is compared.
        operator (in, text): How it is compared: ``==``, ``!=``, ``<``, ``<=``, ``>`` or ``>=``.
        value (in, any): What it is compared with; read in each tick.

    Status:
        SUCCESS: The comparison holds.
        FAILURE: It does not, or the entry is not set.

    Halt:
        Nothing to halt.
    """

    replays = "ticked"

    origin = theirs.CheckBlackboardVariableValue
    arguments = (comparison(),)


@behavior("pt.WaitForBlackboardVariableValue")
class WaitForBlackboardVariableValue(Adapted):
    """Wait until an entry compares with a value as wanted.

    Ports:
        variable (inout, variable): The entry that is compared.
        operator (in, text): How it is compared: ``==``, ``!=``, ``<``, ``<=``, ``>`` or ``>=``.
        value (in, any): What it is compared with; read in each tick.

    Status:
        RUNNING: The comparison does not hold, or the entry is not set.
        SUCCESS: It holds.

    Halt:
        Nothing to halt.
    """

    replays = "ticked"

    origin = theirs.WaitForBlackboardVariableValue
    arguments = (comparison(),)


@behavior("pt.CompareBlackboardVariables")
class CompareBlackboardVariables(Adapted):
    """Compare two entries.

    Ports:
        var1_key (inout, variable): The entry on the left.
        var2_key (inout, variable): The entry on the right.
        operator (in, text): How they are compared: ``==``, ``!=``, ``<``, ``<=``, ``>`` or ``>=``.

    Status:
        SUCCESS: The comparison holds.
        FAILURE: It does not, or one of them is not set.

    Halt:
        Nothing to halt.
    """

    replays = "ticked"

    origin = theirs.CompareBlackboardVariables
    arguments = (
        entry(Port("var1_key", "variable", "the entry on the left", "inout")),
        entry(Port("var2_key", "variable", "the entry on the right", "inout")),
        given(
            Port("operator", "text", "how they are compared", choices=tuple(OPERATORS)),
            lambda symbol: OPERATORS[str(symbol)],
        ),
    )

    def _construct(self, values: dict[str, object]) -> Any:
        inner = super()._construct(values)
        inner.logger.error = lambda _: None  # it would print each tick what the reason says
        return inner

    def _reason(self) -> str:
        return str(self.inner.feedback_message) or "one of the two entries is not set"


@behavior("pt.CheckBlackboardVariableValues")
class CheckBlackboardVariableValues(Adapted):
    """Compare several entries with values and join the results.

    Ports:
        checks (in, list): Two or more mappings with ``variable`` (a name without dollar), ``operator`` and ``value``.
        operator (in, text): How the results are joined: ``and``, ``or`` or ``xor``.
        namespace (in, text, default none): Write each result to the entry ``NAMESPACE/1``, ``NAMESPACE/2`` and so on.

    Status:
        SUCCESS: The joined result is true.
        FAILURE: It is false, or an entry is not set.

    Halt:
        Nothing to halt.
    """

    replays = "ticked"

    origin = theirs.CheckBlackboardVariableValues
    arguments = (
        comparisons(),
        given(
            Port("operator", "text", "how the results are joined", choices=tuple(LOGICAL)),
            lambda word: LOGICAL[str(word)],
        ),
        given(Port("namespace", "text", "where the results are written", default=None)),
    )
