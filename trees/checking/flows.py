"""Follow what ticking does: which entries are set when a node is ticked, and after it ended.

For each node the walk takes the entries that are set before, as two sets: *must* (on every way) and *may* (on some),
and gives the same after SUCCESS, after FAILURE and after SKIPPED. That is the fixed point over all ways of ticking:
loops need no second round, since whatever their body writes anywhere may be set when it begins again, and the first
round decides what must be. Sets are bits of one number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from ..spec import Literal, NodeSpec
from .entries import Condition, Mentions, Read, Write
from .outcomes import ALL, FAILURE, PASSES, SKIPPED, SUCCESS, Outcomes


class State(NamedTuple):
    """What is set: on every way, on some way."""

    must: int
    may: int


class After(NamedTuple):
    """What is set after SUCCESS, FAILURE and SKIPPED; None where that cannot happen."""

    success: State | None
    failure: State | None
    skipped: State | None = None


def join(*states: State | None) -> State | None:
    """Return what is set where several ways meet."""
    found: State | None = None
    for state in states:
        if state is not None and state is not found:
            found = state if found is None else State(found.must & state.must, found.may | state.may)
    return found


class Walk:
    """One walk over a tree.

    Args:
        order: All nodes, each before those below it.
        mentions: ``id(node)`` → what the node itself reads and writes; nodes without any are left out.
        conditions: ``id(node)`` → what its common keys read and assign; likewise.
        outcomes: What nodes can end with.
        bits: Entry → its bit.
        read: Called for each read with what is set before it.
    """

    def __init__(
        self,
        order: Sequence[NodeSpec],
        mentions: Mapping[int, Mentions],
        conditions: Mapping[int, Sequence[Condition]],
        outcomes: Outcomes,
        bits: Mapping[str, int],
        read: Callable[[Read, State], None],
    ) -> None:
        self.mentions, self.conditions, self.outcomes, self.bits, self.read = mentions, conditions, outcomes, bits, read
        self.inside: dict[int, int] = {}
        """``id(node)`` → what it and the nodes below it may write; nodes that mention no entry are left out."""
        inside = self.inside
        for node in reversed(order):
            key = id(node)
            own = mentions.get(key)
            mask = -1
            if own is not None:
                mask = self.mask(own.writes)
            if key in conditions:
                mask = max(mask, 0)
                for condition in conditions[key]:
                    mask |= self.mask(condition.writes)
            if node.children or node.parts or node.hooks:
                for child in (*node.children, *node.parts.values(), *node.hooks.values()):
                    below = inside.get(id(child))
                    if below is not None:
                        mask = max(mask, 0) | below
            if mask >= 0:
                inside[key] = mask

    def mask(self, writes: Iterable[Write], sure: bool = False) -> int:
        """Return the bits of what is written here, not in the root blackboard."""
        mask = 0
        for write in writes:
            if not write.root and (write.sure or not sure):
                mask |= self.bits[write.name]
        return mask

    def node(self, node: NodeSpec, before: State) -> After:
        """Follow one node with its common keys and hooks."""
        ends = self.outcomes[node]
        inside = self.inside.get(id(node))
        if inside is None:
            return _only(ends, After(before, before, before))
        common = node.common
        if not common and not node.hooks:
            return _only(ends, self._bare(node, before))
        state = before
        for condition in self.conditions.get(id(node), ()):
            seen = state
            if condition.key == "while":
                seen = State(state.must, state.may | inside)
            self._read_all(condition.reads, seen)
            state = self._assigned(condition.writes, state)
        widened = State(state.must, state.may | inside)
        again = "repeat" in common or "retry" in common
        success, failure, skipped = self._bare(node, widened if again else state)
        if "timeout" in common:
            failure = join(failure, widened)
        if "while" in common:
            skipped = join(skipped, widened)
        if "when" in common or "skip_if" in common:
            skipped = join(skipped, state)
        if "success_if" in common:
            success = join(success, state)
        if "failure_if" in common:
            failure = join(failure, state)
        after = After(success, failure, skipped)
        return _only(ends, self._hooked(node, after, widened) if node.hooks else after)

    def _hooked(self, node: NodeSpec, after: After, halted: State) -> After:
        success, failure, skipped = after
        hooks = node.hooks
        if "on_success" in hooks and success is not None:
            success = _all_of(self.node(hooks["on_success"], success))
        if "on_failure" in hooks and failure is not None:
            failure = _all_of(self.node(hooks["on_failure"], failure))
        if "on_halt" in hooks:
            self.node(hooks["on_halt"], halted)
        for key in ("post", "finally"):
            if key not in hooks:
                continue
            ways = [success, failure, halted if key == "finally" else None]
            start = join(*ways) or halted
            end = _all_of(self.node(hooks[key], start)) or start
            more = State(end.must & ~start.must, end.may & ~start.may)
            success, failure = _more(success, more), _more(failure, more)
        return After(success, failure, skipped)

    def _bare(self, node: NodeSpec, before: State) -> After:
        kind = node.kind
        own = self.mentions.get(id(node))
        sure = may = 0
        if own is not None:
            self._read_all(own.reads, before)
            sure, may = self.mask(own.writes, sure=True), self.mask(own.writes)
        if node.children or node.parts:
            if node.reactive:
                before = State(before.must, before.may | self.inside[id(node)])
            follow = _FOLLOW.get(kind.flow, Walk._any)
            after = follow(self, node, before)
            if may and kind.flow != "for_each":
                return After(_more(after.success, State(sure, may)), _more(after.failure, State(0, may)), after.skipped)
            return after
        return After(State(before.must | sure, before.may | may), State(before.must, before.may | may), before)

    def _assigned(self, writes: Sequence[Write], state: State) -> State:
        if not writes:
            return state
        return State(state.must | self.mask(writes, sure=True), state.may | self.mask(writes))

    def _sequence(self, node: NodeSpec, before: State) -> After:
        return self._in_order(node.children, before)

    def _in_order(self, children: Sequence[NodeSpec], before: State) -> After:
        state: State | None = before
        failure: State | None = None
        last = before
        skips = True
        inside, ends = self.inside, self.outcomes.of
        for child in children:
            if id(child) not in inside:  # it mentions no entry
                end = ends[id(child)]
                failure = join(failure, last) if end & FAILURE else failure
                state = last if end & PASSES else None
                skips = skips and bool(end & SKIPPED)
                continue
            after = self.node(child, last)
            failure = join(failure, after.failure)
            state = join(after.success, after.skipped)
            skips = skips and after.skipped is not None
            last = state or last  # what follows a node that never succeeds is followed all the same
        return After(state, failure, before if skips else None)

    def _selector(self, node: NodeSpec, before: State) -> After:
        last = before
        success = state = None
        skips = True
        for child in node.children:
            after = self.node(child, last)
            success = join(success, after.success)
            state = join(after.failure, after.skipped)
            skips = skips and after.skipped is not None
            last = state or last
        return After(success, state, before if skips else None)

    def _parallel(self, node: NodeSpec, before: State) -> After:
        may = before.may | self.inside[id(node)]
        afters = [self.node(child, State(before.must, may)) for child in node.children]
        must = before.must
        if _needs_all(node):
            for after in afters:
                ended = join(after.success, after.skipped)
                must |= ended.must if ended else 0
        return After(State(must, may), State(before.must, may), before)

    def _guard(self, node: NodeSpec, before: State) -> After:
        widened = State(before.must, before.may | self.inside[id(node)])
        check = node.parts.get("check")
        state = widened
        if check is not None:
            after = self.node(check, widened)
            state = join(after.success, after.skipped) or widened
        for child in node.children:
            after = self.node(child, state)
            return After(after.success, join(after.failure, widened), after.skipped)
        return After(state, widened)

    def _if(self, node: NodeSpec, before: State) -> After:
        first, *rest = node.children
        after = self.node(first, before)
        yes, no = join(after.success, after.skipped), after.failure
        then = self.node(rest[0], yes or before) if rest else After(yes, None)
        other = self.node(rest[1], no or before) if len(rest) > 1 else After(None, no)
        return _either(then if yes else None, other if no else None, before)

    def _switch(self, node: NodeSpec, before: State) -> After:
        found: After | None = None
        for child in node.children:
            after = self.node(child, before)
            found = after if found is None else _either(found, after, before)
        return found or After(before, before)

    def _try(self, node: NodeSpec, before: State) -> After:
        *body, catch = node.children
        after = self._in_order(body, before)
        caught = self.node(catch, after.failure or before)
        return After(after.success, _all_of(caught) if after.failure else None, after.skipped)

    def _recovery(self, node: NodeSpec, before: State) -> After:
        widened = State(before.must, before.may | self.inside[id(node)])
        first, *rest = node.children
        after = self.node(first, widened)
        failure = after.failure
        for child in rest:
            again = self.node(child, after.failure or widened)
            failure = join(failure, again.failure)
        return After(after.success, failure, after.skipped)

    def _round_robin(self, node: NodeSpec, before: State) -> After:
        widened = State(before.must, before.may | self.inside[id(node)])
        success: State | None = None
        for child in node.children:
            success = join(success, self.node(child, widened).success)
        return After(success, widened, widened)

    def _same(self, node: NodeSpec, before: State) -> After:
        return self.node(node.children[0], before) if node.children else After(before, before, before)

    def _success(self, node: NodeSpec, before: State) -> After:
        after = self._same(node, before)
        return After(join(after.success, after.failure), None, after.skipped)

    def _failure(self, node: NodeSpec, before: State) -> After:
        after = self._same(node, before)
        return After(None, join(after.success, after.failure), after.skipped)

    def _inverter(self, node: NodeSpec, before: State) -> After:
        after = self._same(node, before)
        return After(after.failure, after.success, after.skipped)

    def _loop(self, node: NodeSpec, before: State) -> After:
        widened = State(before.must, before.may | self.inside[id(node)])
        after = self._same(node, widened)
        return After(after.success or after.skipped, after.failure, after.skipped)

    def _for_each(self, node: NodeSpec, before: State) -> After:
        widened = State(before.must, before.may | self.inside[id(node)])
        own = self.mentions.get(id(node))
        bound = self.mask(own.writes) if own is not None else 0
        after = self._same(node, State(before.must | bound, widened.may))
        return After(join(after.success, widened), after.failure)

    def _maybe(self, node: NodeSpec, before: State) -> After:
        state = _all_of(self._same(node, before))
        return After(join(state, before), join(state, before), before)

    def _timeout(self, node: NodeSpec, before: State) -> After:
        after = self._same(node, before)
        halted = State(before.must, before.may | self.inside[id(node)])
        return After(after.success, join(after.failure, halted), after.skipped)

    def _any(self, node: NodeSpec, before: State) -> After:
        """Nothing is known: its children may run in any order, or not at all."""
        widened = State(before.must, before.may | self.inside[id(node)])
        for child in (*node.parts.values(), *node.children):
            self.node(child, widened)
        return After(widened, widened, widened)

    def _read_all(self, reads: Iterable[Read], before: State) -> None:
        for read in reads:
            self.read(read, before)


def _only(ends: int, after: After) -> After:
    """Leave out what the node cannot end with."""
    if ends & ALL == ALL and ends & SKIPPED:
        return after
    return After(
        after.success if ends & SUCCESS else None,
        after.failure if ends & FAILURE else None,
        after.skipped if ends & SKIPPED else None,
    )


def _all_of(after: After) -> State | None:
    return join(after.success, after.failure, after.skipped)


def _more(state: State | None, more: State) -> State | None:
    return None if state is None else State(state.must | more.must, state.may | more.may)


def _either(one: After | None, other: After | None, before: State) -> After:
    if one is None or other is None:
        return one or other or After(before, before)
    return After(join(one.success, other.success), join(one.failure, other.failure), join(one.skipped, other.skipped))


_ALL_OF: Final[Mapping[str, Sequence[object]]] = {
    "success": ("all",),
    "success_count": (-1,),
    "max_failures": (1,),
    "policy": ("all", "success_on_all", "SuccessOnAll"),
}
"""Port of a parallel → values with which all children must succeed."""


def _needs_all(node: NodeSpec) -> bool:
    for name, values in _ALL_OF.items():
        port = node.kind.ports.get(name)
        if port is None:
            continue
        given = node.values.get(name)
        value = given.value if isinstance(given, Literal) else port.default if given is None else None
        if value not in values and value != len(node.children) and str(value) != str(len(node.children)):
            return False
    return True


_FOLLOW: Final[Mapping[str, Callable[[Walk, NodeSpec, State], After]]] = {
    "sequence": Walk._sequence,
    "pipeline": Walk._sequence,
    "selector": Walk._selector,
    "parallel": Walk._parallel,
    "guard": Walk._guard,
    "if": Walk._if,
    "switch": Walk._switch,
    "try": Walk._try,
    "recovery": Walk._recovery,
    "round_robin": Walk._round_robin,
    "same": Walk._same,
    "success": Walk._success,
    "failure": Walk._failure,
    "inverter": Walk._inverter,
    "loop": Walk._loop,
    "for_each": Walk._for_each,
    "maybe": Walk._maybe,
    "timeout": Walk._timeout,
    "any": Walk._any,
}
