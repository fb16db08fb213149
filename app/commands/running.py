"""Commands that tick a tree or ask a model: run, test, eval, ask."""

from __future__ import annotations

import argparse
import json
import os
import sys
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ...trees.tracing.amount import PICTURES
from ...vlm.privacy import FRAMES
from ..settings.arguments import REHEARSALS, count, limit, port, rate, seconds, seed, setting
from . import Commands, UsageError

if TYPE_CHECKING:
    from ..humans.spoken_human import SpokenHuman
    from ..running.options import RunOptions
    from ..running.terminal import Watcher

_INTERRUPTED = 130
"""Exit codes from here on mean that somebody wants to be done."""


def add(commands: Commands) -> None:
    """Add the commands of this file."""
    run = commands.add(
        "run", "Tick a tree in simulation or on a robot.", "knothole run tidy_table --seed 3 --vlm oracle", _run
    )
    _tree_arguments(run, "?")
    run.add_argument("--seed", type=seed, metavar="N", help="seed of the scene (default 0)")
    run.add_argument("--rate", type=rate, metavar="HZ", help="ticks per second (default 20)")
    run.add_argument("--resume", type=Path, metavar="TRACE", help="go on with a run that was left, as it was started")
    run.add_argument(
        "--overrun",
        default="skip",
        choices=["skip", "catch_up", "warn"],
        help="what happens to ticks that an earlier one left no time for, on a real clock (default skip)",
    )
    run.add_argument(
        "--watchdog",
        type=limit,
        metavar="S",
        help="stop the robot when a tick takes longer; 0 for never (default 2 s, in simulation 60 s)",
    )
    run.add_argument("--realtime", action="store_true", help="tick on a thread that the system prefers (SCHED_FIFO)")
    run.add_argument("--gui", action="store_true", help="open the simulator's window")
    run.add_argument("--trace", type=Path, metavar="FILE", help="where the trace goes (default: below runs/)")
    run.add_argument("--mock", type=Path, metavar="FILE", help="profile of mocks that replace nodes of the tree")
    run.add_argument("--params", type=Path, metavar="FILE", help="YAML file whose keys become blackboard entries")
    run.add_argument(
        "--human",
        action="append",
        default=[],
        metavar="WHO",
        help="who answers questions: terminal (default), speech (at the microphone), speech:PATH (a WAV file, or a "
        "folder of them), file:PATH (lines of a file), a YAML file of answers, none; repeat it for several at once",
    )
    run.add_argument("--voice", default="", metavar="V", help="speak: espeak-ng, espeak-ng:VOICE, piper:FILE, none")
    run.add_argument("--ears", default="", metavar="E", help="hear with pocketsphinx (default), whisper:DIR, or none")
    proposals = "folder for plans that `achieve` repaired, as trees for people to read"
    run.add_argument("--proposals", type=Path, metavar="DIR", help=proposals)
    run.add_argument("--confirm", action="store_true", help="ask the human before any plan is carried out")
    run.add_argument("--watch", action="store_true", help="reload the tree when its file is edited while it runs")
    run.add_argument("--view", action="store_true", help="show the run in the browser while it goes on")
    run.add_argument("--control", action="store_true", help="with --view or --groot2: pause, step and change it there")
    run.add_argument("--paused", action="store_true", help="with --control: stand before the first tick")
    run.add_argument("--port", type=port, default=0, metavar="N", help="with --view: port (default: a free one)")
    run.add_argument("--no-browser", action="store_true", help="with --view: print the address, open nothing")
    monitors = "let Groot2 and other monitors of BehaviorTree.CPP watch, at this port and the next (default: 1667)"
    run.add_argument("--groot2", type=port, nargs="?", const=1667, metavar="PORT", help=monitors)

    test = commands.add("test", "Test trees by the cases of test files.", "knothole test tests/trees", _test)
    test.add_argument("files", nargs="*", metavar="FILE", help="test files or folders (default: the current folder)")
    test.add_argument(
        "-k", dest="words", default="", metavar="WORDS", help="only cases with these words in file or name"
    )
    test.add_argument("--coverage", action="store_true", help="report nodes, outcomes and branches that were covered")
    test.add_argument("--html", type=Path, metavar="FILE", help="write the report as a page")
    test.add_argument("--draw", type=Path, metavar="FILE", help="draw the trees with coverage marks")
    test.add_argument("--junit", type=Path, metavar="FILE", help="write the report for build servers")

    ask = commands.add("ask", "Ask a backend about a picture.", 'knothole ask photo.png "Is there a red cube?"', _ask)
    ask.add_argument("image", type=Path, metavar="IMAGE", help="picture file")
    ask.add_argument("question", metavar="QUESTION", help="what to ask")
    ask.add_argument("--vlm", default="", metavar="B", help="backend, such as qwen:DIR (default: embedded)")
    ask.add_argument(
        "--before", type=Path, metavar="IMAGE", help='earlier picture of the same camera: "Did anything move?"'
    )
    ask.add_argument("--kind", default="", choices=["yes_no", "ground", "describe", "chat"], help="form of the answer")

    evaluate = commands.add(
        "eval", "Measure success over many seeds.", "knothole eval tidy_table --seeds 0-19 --vlm oracle", _eval
    )
    _tree_arguments(evaluate)
    from . import suites

    suites.arguments(evaluate)
    evaluate.add_argument("--seeds", default="0-9", metavar="A-B", help="seeds, such as 0-19 or 1,4,7 (default 0-9)")
    evaluate.add_argument("--workers", type=count, default=1, metavar="W", help="processes (default 1)")
    evaluate.add_argument("--traces", type=Path, metavar="DIR", help="record a trace of each seed there")
    evaluate.add_argument("--at-least", type=count, metavar="N", help="exit with 1 if fewer seeds succeed")


def _tree_arguments(parser: argparse.ArgumentParser, number: str | None = None) -> None:
    parser.add_argument("tree", nargs=number, default="", metavar="TREE", help="file, or name of a tree in the library")
    parser.add_argument(
        "--scene", default="", metavar="S", help="scene by name or file (default: the tree's, or table)"
    )
    parser.add_argument("--vlm", default="", metavar="B", help="backend, such as embedded, oracle, qwen:DIR")
    parser.add_argument("--robot", default="", metavar="R", help="driver, such as panda, kinematic, franka:HOST")
    parser.add_argument("--set", type=setting, action="append", default=[], metavar="K=V", help="give a tree input")
    parser.add_argument(
        "--disturb",
        type=count,
        default=0,
        metavar="N",
        help="let N things happen meanwhile: objects move, fall, appear",
    )
    parser.add_argument(
        "--invariants", type=Path, metavar="FILE", help="rules that are never broken; see docs/guarding.md"
    )
    parser.add_argument("--max-time", type=seconds, default=600.0, metavar="S", help="time limit (default 600 s)")
    parser.add_argument("--cassette", type=Path, metavar="FILE", help="keep every answer there, for --vlm replay:FILE")
    parser.add_argument(
        "--frames", default="", choices=FRAMES, help="what traces and cassettes keep of pictures (default keep)"
    )
    parser.add_argument(
        "--keep", default="", metavar="T", help="keep only the end of a run in its trace: 60s, 200MB, all (default)"
    )
    parser.add_argument("--pictures", default="", choices=PICTURES, help="form of pictures in traces (default jpeg)")
    parser.add_argument(
        "--firewall",
        action=argparse.BooleanOptionalAction,
        help="take words in pictures as data, never as instructions (default as configured)",
    )
    modes = "how plans are tried before they are carried out, whatever the tree says (default: as it says)"
    parser.add_argument("--rehearse", default="", choices=REHEARSALS, help=modes)
    parser.add_argument(
        "--truth", action="store_true", help="note in the trace what is true, for `knothole vlm report`"
    )


def _options(args: argparse.Namespace, seed: int) -> RunOptions:
    from ..running.options import RunOptions

    inputs = dict(args.set)
    if len(inputs) < len(args.set):
        raise UsageError("--set gives an input twice\n  fix:  give each input once")
    resume = getattr(args, "resume", None)
    if resume is not None:
        _check_resume(args)
    elif not args.tree:
        raise UsageError(
            "knothole run: the following arguments are required: TREE\n  fix:  name a file, or a tree of the library"
        )
    return RunOptions(
        tree=args.tree,
        scene=args.scene,
        seed=seed,
        vlm=args.vlm,
        robot=args.robot,
        inputs=inputs,
        rate=getattr(args, "rate", None) or 20.0,
        max_time=args.max_time,
        gui=getattr(args, "gui", False),
        confirm=getattr(args, "confirm", False),
        trace=getattr(args, "trace", None),
        mock=getattr(args, "mock", None),
        params=getattr(args, "params", None),
        watch=getattr(args, "watch", False),
        overrun=getattr(args, "overrun", "skip"),
        watchdog=getattr(args, "watchdog", None),
        realtime=getattr(args, "realtime", False),
        cassette=args.cassette,
        frames=args.frames,
        firewall=args.firewall,
        keep=args.keep,
        pictures=args.pictures,
        ears=getattr(args, "ears", ""),
        spoken=any(who.partition(":")[0] == "speech" for who in getattr(args, "human", ())),
        voice=getattr(args, "voice", ""),
        truth=args.truth,
        disturb=args.disturb,
        rehearse=args.rehearse,
        proposals=getattr(args, "proposals", None),
        resume=resume,
        invariants=args.invariants,
    )


def _check_resume(args: argparse.Namespace) -> None:
    """Refuse what a run that is resumed has from its trace."""
    given = {
        "--scene": args.scene,
        "--seed": args.seed is not None,
        "--rate": args.rate is not None,
        "--set": args.set,
        "--mock": args.mock,
        "--params": args.params,
    }
    wrong = [name for name, value in given.items() if value]
    if wrong:
        raise UsageError(f"{', '.join(wrong)} cannot be given with --resume: the trace says it\n  fix:  leave it out")


def _run(args: argparse.Namespace) -> int:
    from ..authoring.inspect import project
    from ..humans.company import humans_from, voice_beside
    from ..running.session import run_tree
    from ..running.terminal import watch

    args.voice = voice_beside(args.human, args.voice)
    options = _options(args, args.seed or 0)
    _check_view(args)
    control, view, ports = None, None, None

    def speech(path: str, watcher: Watcher) -> SpokenHuman:
        from ..humans.speech import open_speech

        return open_speech(path, watcher, args.ears, args.vlm, project())

    with ExitStack() as stack:
        watcher = stack.enter_context(watch(quiet=args.json))
        if args.control:
            from ...trees.debugging.control import Control

            control = Control(paused=args.paused)
        if args.view:
            from ..running.live import LiveView

            browser = not args.no_browser and not args.json  # browsers write to standard output
            view = stack.enter_context(
                LiveView(args.tree or args.resume.stem, control, args.port, browser, watcher.tell)
            )
        if args.groot2 is not None:
            from ...viewer.groot.ports import Ports

            ports = stack.enter_context(Ports(args.groot2))
        human = humans_from(args.human, watcher, stack, speech)
        result = run_tree(options, watcher, _leave, human, control, view, ports)
        watcher.summary(result)
        if args.json:
            with suppress(BrokenPipeError):  # how the run ended is the exit code as well
                print(json.dumps(result.to_json()), flush=True)
        if view is not None and result.exit_code < _INTERRUPTED:
            view.stay()
    if result.fault is not None and args.debug:
        raise result.fault
    return result.exit_code


def _check_view(args: argparse.Namespace) -> None:
    """Refuse options of the view without it."""
    watched = args.view or args.groot2 is not None
    needs = {"--control": ("--view or --groot2", args.control, watched)}
    needs |= {"--paused": ("--view and --control", args.paused, args.view and args.control)}
    needs |= {"--port": ("--view", args.port, args.view), "--no-browser": ("--view", args.no_browser, args.view)}
    for name, (other, given, there) in needs.items():
        if given and not there:
            raise UsageError(f"{name} needs {other}\n  fix:  give {other} as well, or leave {name} out")


def _leave(text: str) -> None:
    """Leave the process: code of a node goes on and cannot be ended in any other way. The trace is closed."""
    with suppress(OSError):
        print(f"knothole: {text}\n  it cannot be broken off, so the process ends here", file=sys.stderr, flush=True)
    os._exit(3)


def _test(args: argparse.Namespace) -> int:
    from ..testing.command import TestOptions, run_tests

    options = TestOptions(args.words, args.coverage, args.json, args.html, args.draw, args.junit)
    text, code = run_tests(args.files, options, partial(print, flush=True))
    print(text)
    return code


def _ask(args: argparse.Namespace) -> int:
    from ..models.ask import ask_image

    answer = ask_image(args.image, args.question, args.vlm, args.kind, args.before)
    print(json.dumps(answer.to_json()) if args.json else answer)
    return 0


def _eval(args: argparse.Namespace) -> int:
    from ..running.evaluate import evaluate, parse_seeds
    from . import suites

    if suites.is_suite(args):
        return suites.run(args)
    report = evaluate(
        _options(args, 0),
        parse_seeds(args.seeds),
        workers=args.workers,
        traces=args.traces,
        progress=lambda line: print(line, file=sys.stderr if args.json else sys.stdout, flush=True),
    )
    print(json.dumps(report.to_json()) if args.json else report)
    return 1 if args.at_least and report.successes < args.at_least else 0
