"""Any class of py_trees as a node: its ports from the constructor, its own blackboard for each run, time of the run."""

from __future__ import annotations

import enum
import random
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import py_trees
import pytest
from py_trees.blackboard import Blackboard as Theirs
from py_trees.common import Access, Status
from py_trees.ports import BehaviourWithPorts, PortInformation

from knothole._base import UnknownNameError
from knothole.behaviors.blackboard import Blackboard
from knothole.behaviors.composites import Sequence
from knothole.behaviors.context import Context
from knothole.behaviors.node import NODES, Wiring
from knothole.behaviors.ports import REQUIRED
from knothole.behaviors.pt.adapter import AdapterError, adapt
from knothole.behaviors.step import INVALID, NodeFault
from knothole.tests.script_nodes import Script, play


class Speed(enum.Enum):
    SLOW = 1
    FAST = 2


class Wipe(py_trees.behaviour.Behaviour):  # type: ignore[misc]
    """Wipe a thing.

    Takes its time.
    """

    def __init__(
        self,
        name: str,
        thing: str,
        strokes: int = 3,
        force: float = 2.5,
        *,
        wet: bool = False,
        speed: Speed = Speed.SLOW,
        after: Status | None = None,
        along: list[float] = [],  # noqa: B006
        timeout: float = 9.0,
        said: Any = None,
    ) -> None:
        super().__init__(name)
        self.given = (thing, strokes, force, wet, speed, after, along, timeout)
        self.said: list[str] = said if said is not None else []
        self.count = 0

    def setup(self, **options: Any) -> None:
        self.said.append("setup")

    def initialise(self) -> None:
        self.said.append("initialise")
        self.count = 0

    def update(self) -> Status:
        self.count += 1
        return Status.SUCCESS if self.count >= 2 else Status.RUNNING

    def terminate(self, new_status: Status) -> None:
        self.said.append(f"terminate {new_status.name}")

    def shutdown(self) -> None:
        self.said.append("shutdown")


class Polish(Wipe):
    def __init__(self, cloth: str, **rest: Any) -> None:
        super().__init__(**rest)
        self.cloth = cloth


class NeedsFunction(py_trees.behaviour.Behaviour):  # type: ignore[misc]
    def __init__(self, name: str, check: Callable[[], bool], log: Callable[[str], None] | None = None) -> None:
        super().__init__(name)

    def update(self) -> Status:
        return Status.SUCCESS


class Hello(py_trees.behaviour.Behaviour):  # type: ignore[misc]
    """Counts on the global blackboard."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.board = self.attach_blackboard_client(namespace="/tidy")
        self.board.register_key("count", access=Access.WRITE)

    def update(self) -> Status:
        count = self.board.count + 1 if self.board.exists("count") else 1
        self.board.set("count", count)
        self.feedback_message = str(count)
        return Status.SUCCESS


class Join(BehaviourWithPorts, register=False):  # type: ignore[call-arg]
    """Joins two texts."""

    INPUT_PORTS: ClassVar[dict[str, PortInformation]] = {
        "left": PortInformation(str, description="comes first"),
        "right": PortInformation(str, default_value="!"),
        "times": PortInformation(float, required=False),
    }
    OUTPUT_PORTS: ClassVar[dict[str, PortInformation]] = {
        "joined": PortInformation(str, description="what came out"),
        "spare": PortInformation(int),
    }

    def update(self) -> Status:
        joined = self.get_input("left") + self.get_input("right") * int(self.get_input("times", 1.0))
        self._set_output("joined", joined)
        self._set_output("spare", 7)
        return Status.SUCCESS


class Broken(py_trees.behaviour.Behaviour):  # type: ignore[misc]
    def update(self) -> Any:
        if self.name == "raises":
            assert Theirs.storage is not _STORAGE, "the blackboard of the run is there"
            raise OSError("the cloth is gone")
        return "nothing"


_STORAGE = Theirs.storage


def node(cls: Any, board: Blackboard | None = None, moving: tuple[str, ...] = (), **values: Any) -> Any:
    """Return an adapted node whose inputs are values, or functions that give them."""
    made = adapt(f"shop.{cls.__name__}", cls)
    ports = {port.name: port for port in made.ports}
    inputs = {p.name: (lambda d=p.default: d) for p in ports.values() if not p.required and p.direction == "in"}
    outputs = {}
    context = values.pop("context", None) or Context()
    children = values.pop("children", ())
    board = Blackboard() if board is None else board
    for name, value in values.items():
        if ports[name].direction == "out":
            outputs[name] = board.cell(value)
        else:
            inputs[name] = value if callable(value) else lambda value=value: value
    name = cls.__name__.lower()
    wiring = Wiring(name, name, None, inputs, outputs, children, context=context, board=board)
    wiring.moving = frozenset(moving)
    return made(wiring)


def test_parameters_of_the_constructor_become_ports() -> None:
    ports = {port.name: (port.type, port.default, port.choices) for port in adapt("shop.Wipe", Wipe).ports}
    assert ports == {
        "thing": ("text", REQUIRED, ()),
        "strokes": ("int", 3, ()),
        "force": ("number", 2.5, ()),
        "wet": ("bool", False, ()),
        "speed": ("text", "SLOW", ("SLOW", "FAST")),
        "after": ("text", None, ("SUCCESS", "FAILURE", "RUNNING", "INVALID")),
        "along": ("list[number]", [], ()),
        "timeout_": ("number", 9.0, ()),  # a common key is called so
        "said": ("any", None, ()),
    }


def test_arguments_arrive_in_the_types_of_the_constructor() -> None:
    made = node(Wipe, thing="table", force=3, speed="FAST", after="FAILURE", along=[1, 2], timeout_=4)
    assert made.inner.given == ("table", 3, 3.0, False, Speed.FAST, Status.FAILURE, [1.0, 2.0], 4.0)
    assert [type(each) for each in made.inner.given[6]] == [float, float]


def test_parameters_of_base_classes_are_found_through_their_catch_all() -> None:
    assert [port.name for port in adapt("shop.Polish", Polish).ports][:3] == ["cloth", "thing", "strokes"]
    made = node(Polish, cloth="felt", thing="car")
    assert made.inner.cloth == "felt"
    assert made.inner.name == "polish"


def test_a_function_that_has_to_be_given_is_refused_and_an_optional_one_left_out() -> None:
    with pytest.raises(AdapterError) as caught:
        adapt("shop.NeedsFunction", NeedsFunction)
    assert str(caught.value) == (
        f"'shop.NeedsFunction' is no node: {__name__}.NeedsFunction needs the function 'check', "
        "which no file can give\n"
        "  fix:  derive a class from it that passes the function, and name that class"
    )


def test_ports_declared_with_py_trees_are_recognised_and_connected() -> None:
    ports = {port.name: port for port in adapt("shop.Join", Join).ports}
    assert [(p.name, p.type, p.direction, p.default) for p in ports.values()] == [
        ("left", "text", "in", REQUIRED),
        ("right", "text", "in", "!"),
        ("times", "number", "in", None),
        ("joined", "text", "out", None),
        ("spare", "int", "out", None),
    ]
    assert ports["left"].about == "comes first"
    board, values = Blackboard(), iter(["Hello", "Bye"])
    made = node(Join, board, left=lambda: next(values), times=2, joined="greeting")
    assert play(made, 1) == "S"
    assert board["greeting"] == "Hello!!"
    assert play(made, 1) == "S"
    assert board["greeting"] == "Bye!!"
    assert [cell.name for cell in board] == ["greeting"], "what nobody bound stays out of the blackboard"
    assert board.cell("greeting").writer == "join"


def test_an_input_that_is_not_set_is_a_fault_of_the_node_that_needs_it() -> None:
    with pytest.raises(NodeFault, match="join: NoDataAvailable: join: Input port 'left'"):
        node(Join, left=lambda: Blackboard().cell("x").get())._t()


def test_hooks_come_in_the_order_of_py_trees_and_setup_before_the_first_tick() -> None:
    said: list[str] = []
    made = node(Wipe, thing="table", said=said)
    assert said == []
    assert play(made, 3) == "RSR"
    made._x(INVALID)
    made.shutdown()
    assert said == ["setup", "initialise", "terminate SUCCESS", "initialise", "terminate INVALID", "shutdown"]
    assert play(made, 1) == "R"
    assert said[-2:] == ["setup", "initialise"]


@pytest.mark.parametrize("generator", [False, True])
def test_a_changed_value_makes_a_new_instance_at_the_next_start(generator: bool) -> None:
    said: list[str] = []
    things = ["table", "table", "chair"]
    made = node(Wipe, moving=("thing",), thing=lambda: things[0], said=said)
    assert made.inner is None, "the value may not be known before the first tick"
    assert play(made, 1, generator=generator) == "R"
    first = made.inner
    things.pop(0)
    things[0] = "lamp"
    assert play(made, 1, generator=generator) == "S"
    assert made.inner is first, "a running one is left alone"
    assert play(made, 1, generator=generator) == "R"
    assert made.inner is not first
    assert made.inner.given[0] == "lamp"
    assert said.count("setup") == 2
    assert said.count("shutdown") == 1


def test_attributes_of_the_class_and_of_knothole_do_not_meet() -> None:
    class Named(Wipe):
        def update(self) -> Status:
            self.path, self.index, self.wiring, self._log = "mine", 1, None, None
            return super().update()

    made = node(Named, thing="table")
    made.index = 5
    assert play(made, 2) == "RS"
    assert (made.path, made.index, made.inner.path, made.inner.index) == ("named", 5, "mine", 1)


@pytest.mark.parametrize("generator", [False, True])
def test_a_failure_without_a_message_gets_one(generator: bool) -> None:
    made = NODES.get("pt.Retry")(
        Wiring("again", inputs={"num_failures": lambda: 1}, children=[Script("F", name="grasp")])
    )
    assert play(made, 1, generator=generator) == "F"
    assert made.feedback_message == "final failure [status: 1 failure from 1]: grasp said F"
    assert made.inner.feedback_message == "final failure [status: 1 failure from 1]"


def test_a_fault_names_the_node_and_gives_the_blackboard_back() -> None:
    cls = adapt("shop.Broken", Broken)
    with pytest.raises(NodeFault, match=r"shop/broken 'raises': OSError: the cloth is gone") as caught:
        cls(Wiring("raises", "shop/broken"))._t()
    assert isinstance(caught.value.__cause__, OSError)
    assert Theirs.storage is _STORAGE
    with pytest.raises(NodeFault, match="returned nothing, which is no status"):
        cls(Wiring("odd", "shop/broken"))._t()


def test_two_runs_do_not_see_each_other() -> None:
    boards = [Blackboard(), Blackboard()]
    first, second = (node(Hello, board) for board in boards)
    assert play(first, 3) + play(second, 1) == "SSSS"
    assert [board["tidy/count"] for board in boards] == [3, 1]
    assert boards[0].cell("tidy/count").writer == "hello"
    assert dict(Theirs.storage) == {}
    assert Theirs.storage is _STORAGE
    assert not any("count" in key for key in Theirs.metadata)


def test_nodes_of_one_run_share_its_blackboard() -> None:
    board, context = Blackboard(), Context()
    one, two = node(Hello, board, context=context), node(Hello, board, context=context)
    play(one, 1)
    play(two, 1)
    assert board["tidy/count"] == 2
    assert two.feedback_message == "2"


@pytest.mark.parametrize("generator", [False, True])
def test_timers_follow_the_clock_of_the_run_and_stand_still_in_a_pause(generator: bool) -> None:
    context = Context()
    timer = NODES.get("pt.Timer")(Wiring("t", inputs={"duration": lambda: 2.0}, context=context))
    assert play(timer, 2, context, generator=generator) == "RR"
    timer._pause()
    context.now += 100.0
    timer._resume()
    assert play(timer, 2, context, generator=generator) == "RS"
    assert py_trees.timers.time is time
    assert py_trees.decorators.time is time


def test_dice_are_those_of_the_run() -> None:
    def rolls(seed: int) -> str:
        context = Context(rng=np.random.default_rng(seed))
        dice = NODES.get("pt.ProbabilisticBehaviour")(
            Wiring("d", inputs={"weights": lambda: [1, 1, 1]}, context=context)
        )
        return play(dice, 30)

    assert rolls(1) == rolls(1) != rolls(2)
    assert set(rolls(1)) == set("SFR")
    assert py_trees.behaviours.random is random


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Make a package with a good and a bad module; give its name."""
    package = tmp_path / "knothole_test_shop"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "nodes.py").write_text(
        "import py_trees\n"
        "class Sweep(py_trees.behaviours.TickCounter):\n"
        "    '''Sweep the floor.'''\n"
        "class Floor:\n    pass\n"
        "class Half(py_trees.behaviour.Behaviour):\n    pass\n"
    )
    (package / "bad.py").write_text("import knothole_no_such_module\n")
    (package / "worse.py").write_text("raise RuntimeError('no licence')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield package.name
    for name in [name for name in sys.modules if name.startswith(package.name)]:
        del sys.modules[name]


def test_a_class_is_found_by_its_dotted_path(shop: str) -> None:
    cls: Any = NODES.get(f"{shop}.nodes.Sweep")
    assert [port.name for port in cls.ports] == ["duration", "completion_status"]
    assert cls.__doc__ == "Sweep the floor."
    assert NODES.get(f"{shop}.nodes.Sweep") is cls
    assert f"{shop}.nodes.Sweep" not in NODES, "only what is configured is listed"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("knothole_no_such.Wipe", "there is no module 'knothole_no_such'"),
        ("SHOP.nods.Sweep", "the package SHOP has no 'nods'"),
        ("SHOP.nodes.Sweeep", "the module SHOP.nodes has no 'Sweeep'\n  did you mean:  SHOP.nodes.Sweep"),
        ("SHOP.bad.Sweep", "the module SHOP.bad cannot be imported: ModuleNotFoundError: No module named"),
        ("SHOP.worse.Sweep", "the module SHOP.worse cannot be imported: RuntimeError: no licence"),
        ("SHOP.nodes.Floor", "it is the class Floor, which is no behavior of py_trees"),
        ("SHOP.nodes.Half", "the class is abstract, it lacks update"),
        ("SHOP.nodes", "it is the module SHOP.nodes"),
    ],
)
def test_a_path_that_leads_nowhere_says_where_it_ends(shop: str, path: str, message: str) -> None:
    with pytest.raises(AdapterError) as caught:
        NODES.get(path.replace("SHOP", shop))
    assert message.replace("SHOP", shop) in str(caught.value)
    assert "\n  fix:  " in str(caught.value)


@pytest.mark.parametrize("name", ["pt.Sequnce", "bt.Nothing", "nav2.Nothing", "stub.ID", "a b.c", "os.path:join", ".x"])
def test_nothing_is_imported_for_other_names(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    NODES.get("sequence")
    before = set(sys.modules)
    with pytest.raises(UnknownNameError) as caught:
        NODES.get(name)
    assert not isinstance(caught.value, AdapterError)
    assert set(sys.modules) == before


def test_one_of_our_own_nodes_is_returned_as_it_is() -> None:
    assert NODES.get("knothole.behaviors.composites.Sequence") is Sequence
