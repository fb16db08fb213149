"""How to run a tree: what the command line, or a program, may say of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ...behaviors.rehearsing import MODES, Mode
from ...trees.ticking.timing import OVERRUN, Overrun
from ...trees.tracing.amount import Amount
from ...vlm.privacy import FRAMES, Frames
from ..settings.arguments import FASTEST, SLOWEST
from ..settings.trace_settings import amount_of
from .inputs import InputError, is_number


@dataclass(frozen=True)
class RunOptions:
    """How to run a tree. Empty texts take the configured or usual value.

    Attributes:
        tree: File, or name of a tree.
        scene: Scene by name or file.
        seed: Seed of the scene and of the run.
        vlm: Backend, ``name`` or ``name:argument``.
        robot: Driver, ``name`` or ``name:argument``; ``none`` for a run without one.
        inputs: Tree input → value as text.
        rate: Ticks per second.
        max_time: Time limit on the run clock, [s]; None for none.
        gui: Open the simulator's window.
        trace: Where to record; None makes a file below ``runs/``.
        record: False records nothing.
        mock: Profile of mocks that replace nodes of the tree.
        params: YAML file of parameters: values of inputs (``inputs`` goes before), and entries of the blackboard.
        watch: Reload the tree while it runs when one of its files is edited.
        overrun: What happens to ticks that an earlier one left no time for, on a real clock; see ``Overrun``.
        watchdog: Longest wall time for a tick, and on a real clock between two, before the robot is stopped, [s]; 0 for
            no watchdog, None for 2 s on a real clock and 60 s in simulation.
        realtime: Ask the system to prefer the thread that ticks.
        mirror: Show the entries of the run on py_trees' own Blackboard under this namespace; empty for no.
        cassette: Where to keep every answer for ``replay``; None takes the configured file, if any.
        frames: What is done with pictures in trace and cassette: ``keep``, ``blur`` or ``drop``.
        firewall: Ask the backend behind a firewall, for which words in pictures are data; None as configured.
        keep: How much of the end of a run its trace keeps, such as ``60s`` or ``200MB``; ``all`` keeps everything.
        pictures: Form of pictures in the trace, ``jpeg`` or ``png``.
        ears: What hears where a tree listens, ``pocketsphinx`` or ``whisper:DIR``; ``none`` leaves that to ``vlm``.
        spoken: The human answers by speech, so ``ears`` are for that as well.
        voice: What speaks the robot's sentences, as ``open_voice`` takes it; empty for nothing.
        confirm: Have a human accept every plan before it is carried out, whatever the tree says.
        truth: Note in the trace what is true of each picture that was asked about; in simulation.
        disturb: How many things happen by themselves meanwhile, drawn from the seed; in simulation.
        rehearse: How plans are tried before they are carried out, ``never``, ``symbolic``, ``kinematic`` or
            ``physics``, whatever the tree says; empty for as the tree says.
        proposals: Folder for trees that the run repaired, as proposals for people; None writes none.
        resume: Trace of a run to go on with; it says ``scene``, ``seed``, ``inputs``, ``rate``, ``mock``, ``params``,
            and where they are empty ``tree``, ``robot``, ``vlm``, ``frames``, ``firewall``.
        invariants: File with rules that the run never breaks, beside those of the tree and the project.
    """

    tree: str
    scene: str = ""
    seed: int = 0
    vlm: str = ""
    robot: str = ""
    inputs: Mapping[str, str] = field(default_factory=dict)
    rate: float = 20.0
    max_time: float | None = 600.0
    gui: bool = False
    trace: Path | None = None
    record: bool = True
    mock: Path | None = None
    params: Path | None = None
    watch: bool = False
    overrun: Overrun = "skip"
    watchdog: float | None = None
    realtime: bool = False
    mirror: str = ""
    cassette: Path | None = None
    frames: Frames | Literal[""] = ""
    firewall: bool | None = None
    keep: str = ""
    pictures: str = ""
    ears: str = ""
    spoken: bool = False
    voice: str = ""
    confirm: bool = False
    truth: bool = False
    disturb: int = 0
    rehearse: Mode | Literal[""] = ""
    proposals: Path | None = None
    resume: Path | None = None
    invariants: Path | None = None

    def __post_init__(self) -> None:
        if not is_number(self.rate) or not SLOWEST <= self.rate <= FASTEST:
            raise InputError(f"rate is {self.rate!r}\n  fix:  give a number from {SLOWEST:g} to {FASTEST:g} [Hz]")
        if self.max_time is not None and not (is_number(self.max_time) and self.max_time > 0):
            raise InputError(f"max_time is {self.max_time!r}\n  fix:  give a time above 0 [s], or None for no limit")
        if self.overrun not in OVERRUN:
            raise InputError(f"overrun is {self.overrun!r}\n  fix:  give one of {', '.join(OVERRUN)}")
        if self.watchdog is not None and not (is_number(self.watchdog) and self.watchdog >= 0):
            raise InputError(f"watchdog is {self.watchdog!r}\n  fix:  give a time [s], or 0 for no watchdog")
        if self.rehearse and self.rehearse not in MODES:
            raise InputError(f"rehearse is {self.rehearse!r}\n  fix:  give one of {', '.join(MODES)}")
        if self.frames and self.frames not in FRAMES:
            raise InputError(f"frames is {self.frames!r}\n  fix:  give one of {', '.join(FRAMES)}")
        try:
            amount_of(Amount(), self.keep, self.pictures)
        except ValueError as error:
            raise InputError(f"keep or pictures: {error}") from error
