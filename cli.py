"""The command line: arguments in, calls, text and exit code out. Every heavy import happens inside a command.

Exit codes: 0 SUCCESS, 1 FAILURE, 2 invalid tree or usage, 3 fault while running, 4 time limit, 130 Ctrl-C, 143 SIGTERM.
"""

from __future__ import annotations

import argparse
import json
import re
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from . import __version__
from ._base import KnotholeError, near_misses
from .app.arguments import count, rate, seconds, seed, setting

if TYPE_CHECKING:
    from .app.run import RunOptions

USAGE, FAULT, INTERRUPTED, TERMINATED = 2, 3, 130, 143
_PLACE = re.compile(r"(?P<file>[^\n]+?):(?P<line>\d+):(?P<column>\d+): (?:error: )?(?P<message>.*)")
_SNIPPET = re.compile(r" *\d* \| ")


class _Terminated(BaseException):
    """SIGTERM came outside of a run, which has its own way to end."""


class UsageError(KnotholeError):
    """The command was called in a way it does not understand."""


class _Parser(argparse.ArgumentParser):
    """Says what was probably meant, and leaves the exit to ``main``."""

    def error(self, message: str) -> NoReturn:
        words = re.findall(r"(?:unrecognized arguments|invalid choice): '?([\w=./-]+)", message)
        near = near_misses(words[0].split("=")[0], _known_words(self)) if words else ()
        hint = f"\n  did you mean:  {', '.join(near)}" if near else ""
        raise UsageError(f"{self.prog}: {message}{hint}\n  fix:  see `{self.prog} --help`")


def _known_words(parser: argparse.ArgumentParser) -> set[str]:
    """Collect options, choices and commands of a parser and of the commands below it."""
    words: set[str] = set()
    for action in parser._actions:
        words.update(action.option_strings)
        words.update(map(str, action.choices or ()))
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                words |= _known_words(below)
    return words


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    as_json, debug = "--json" in words, "--debug" in words
    in_charge = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, _terminate) if in_charge else None
    try:
        args = _parser().parse_args([word for word in words if word != "--debug"])
        args.debug = debug
        command: Callable[[argparse.Namespace], int] = args.command
        return command(args)
    except KnotholeError as error:
        if debug:
            raise
        return _refuse(error, as_json)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except _Terminated:
        print("terminated", file=sys.stderr)
        return TERMINATED
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except Exception as error:
        if debug:
            raise
        print(f"fault: {type(error).__name__}: {error}", file=sys.stderr)
        print("  fix:  run again with --debug for the traceback", file=sys.stderr)
        return FAULT
    finally:
        if in_charge:
            signal.signal(signal.SIGTERM, before)


def _terminate(number: int, frame: object) -> NoReturn:
    raise _Terminated


def _refuse(error: KnotholeError, as_json: bool) -> int:
    """Print what is wrong, as text or as the list of problems."""
    if not as_json:
        print(error if hasattr(error, "problems") or _PLACE.match(str(error)) else f"error: {error}", file=sys.stderr)
        return USAGE
    if hasattr(error, "problems"):
        rows = [problem.to_json() for problem in error.problems]
    else:
        first, *rest = str(error).splitlines()
        place = _PLACE.match(first)
        hint = "; ".join(line.strip() for line in rest if not _SNIPPET.match(line))
        rows = [
            {
                "file": place["file"] if place else "",
                "line": int(place["line"]) if place else 0,
                "column": int(place["column"]) if place else 0,
                "severity": "error",
                "code": "K000",
                "message": place["message"] if place else first,
                "hint": hint,
            }
        ]
    print(json.dumps(rows))
    return USAGE


# arguments ------------------------------------------------------------------------------------------------------


def _parser() -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = _Parser(
        prog="knothole",
        description="Behavior trees for robots that see.",
        epilog="example:  knothole run tidy_table --seed 3\n\n--debug shows the traceback of an error.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"knothole {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def add(
        name: str, about: str, example: str, command: Callable[[argparse.Namespace], int]
    ) -> argparse.ArgumentParser:
        return _command(commands, name, about, example, command)

    run = add("run", "Tick a tree in simulation or on a robot.", "knothole run tidy_table --seed 3 --vlm oracle", _run)
    _tree_arguments(run)
    run.add_argument("--seed", type=seed, default=0, metavar="N", help="seed of the scene (default 0)")
    run.add_argument("--rate", type=rate, default=20.0, metavar="HZ", help="ticks per second (default 20)")
    run.add_argument("--gui", action="store_true", help="open the simulator's window")
    run.add_argument("--trace", type=Path, metavar="FILE", help="where the trace goes (default: below runs/)")

    check = add("check", "Check trees without running them.", "knothole check my_tree.yaml", _check)
    check.add_argument("trees", nargs="+", metavar="TREE", help="file, or name of a tree in the library")

    nodes = add("nodes", "List the nodes a tree can use, or explain one.", "knothole nodes pick", _nodes)
    nodes.add_argument("name", nargs="?", metavar="NAME", help="node to explain")

    draw = add("draw", "Draw a tree.", "knothole draw tidy_table -o tidy_table.svg", _draw)
    draw.add_argument("tree", metavar="TREE", help="file, or name of a tree in the library")
    draw.add_argument("-o", "--output", type=Path, metavar="FILE", help=".svg, .png, .dot or .txt (default: text)")

    ask = add("ask", "Ask a backend about a picture.", 'knothole ask photo.png "Is there a red cube?"', _ask)
    ask.add_argument("image", type=Path, metavar="IMAGE", help="picture file")
    ask.add_argument("question", metavar="QUESTION", help="what to ask")
    ask.add_argument("--vlm", default="", metavar="B", help="backend, such as qwen:DIR (default: embedded)")
    ask.add_argument("--kind", default="", choices=["yes_no", "ground", "describe", "chat"], help="form of the answer")

    evaluate = add(
        "eval", "Measure success over many seeds.", "knothole eval tidy_table --seeds 0-19 --vlm oracle", _eval
    )
    _tree_arguments(evaluate)
    evaluate.add_argument("--seeds", default="0-9", metavar="A-B", help="seeds, such as 0-19 or 1,4,7 (default 0-9)")
    evaluate.add_argument("--workers", type=count, default=1, metavar="W", help="processes (default 1)")
    evaluate.add_argument("--at-least", type=count, metavar="N", help="exit with 1 if fewer seeds succeed")

    _vlm_commands(add("vlm", "Train and measure the embedded model.", "knothole vlm eval", _vlm_help))

    new = add("new", "Write a first tree or leaf to start from.", "knothole new tree my_task", _new)
    new.add_argument("what", choices=["tree", "leaf"], help="what to write")
    new.add_argument("name", metavar="NAME", help="its name, lower-case words joined by underscores")

    add("doctor", "Show what is installed and what is missing.", "knothole doctor", _doctor)

    runs = add("runs", "List recorded runs, or remove old ones.", "knothole runs prune --keep 20", _runs)
    runs.add_argument("what", choices=["list", "prune"], help="what to do")
    runs.add_argument("--keep", type=count, default=20, metavar="N", help="prune: newest runs to keep (default 20)")
    runs.add_argument("--folder", type=Path, default=Path("runs"), metavar="DIR", help="where runs are (default runs/)")
    return parser


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    about: str,
    example: str,
    command: Callable[[argparse.Namespace], int],
) -> argparse.ArgumentParser:
    parser = commands.add_parser(
        name,
        help=about,
        description=about,
        epilog=f"example:  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--json", action="store_true", help="print results or mistakes as JSON where there are any")
    parser.set_defaults(command=command)
    return parser


def _tree_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("tree", metavar="TREE", help="file, or name of a tree in the library")
    parser.add_argument(
        "--scene", default="", metavar="S", help="scene by name or file (default: the tree's, or table)"
    )
    parser.add_argument("--vlm", default="", metavar="B", help="backend, such as embedded, oracle, qwen:DIR")
    parser.add_argument("--robot", default="", metavar="R", help="driver, such as panda, kinematic, franka:HOST")
    parser.add_argument("--set", type=setting, action="append", default=[], metavar="K=V", help="give a tree input")
    parser.add_argument("--max-time", type=seconds, default=600.0, metavar="S", help="time limit (default 600 s)")


def _vlm_commands(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(metavar="WHAT", required=True)
    train = _command(
        commands,
        "train",
        "Run one stage of training the embedded model.",
        "knothole vlm train resume --data data --out training",
        _train,
    )
    train.add_argument("config", metavar="CONFIG", help="file, or name of a shipped configuration")
    train.add_argument(
        "--data", type=Path, action="append", metavar="DIR", help="rendered pictures; of several the last is held out"
    )
    train.add_argument(
        "--out", type=Path, default=Path("training"), metavar="DIR", help="checkpoints (default training/)"
    )
    data = _command(commands, "data", "Render and label training pictures.", "knothole vlm data --count 1000", _data)
    data.add_argument("--count", type=count, default=1000, metavar="N", help="pictures (default 1000)")
    data.add_argument("--seed", type=int, default=1_000_000, metavar="N", help="first seed (default 1000000)")
    data.add_argument("--out", type=Path, default=Path("data"), metavar="DIR", help="where they go (default data/)")
    data.add_argument("--workers", type=count, default=1, metavar="W", help="processes (default 1)")
    score = _command(
        commands, "eval", "Measure a backend on freshly rendered pictures.", "knothole vlm eval", _vlm_eval
    )
    score.add_argument("--vlm", default="", metavar="B", help="backend (default: embedded)")
    score.add_argument("--count", type=count, default=100, metavar="N", help="pictures (default 100)")
    score.add_argument("--seed", type=seed, default=0, metavar="N", help="which pictures (default 0)")


# commands -------------------------------------------------------------------------------------------------------


def _options(args: argparse.Namespace, seed: int) -> RunOptions:
    from .app.run import RunOptions

    inputs = dict(args.set)
    if len(inputs) < len(args.set):
        raise UsageError("--set gives an input twice\n  fix:  give each input once")
    return RunOptions(
        tree=args.tree,
        scene=args.scene,
        seed=seed,
        vlm=args.vlm,
        robot=args.robot,
        inputs=inputs,
        rate=getattr(args, "rate", 20.0),
        max_time=args.max_time,
        gui=getattr(args, "gui", False),
        trace=getattr(args, "trace", None),
    )


def _run(args: argparse.Namespace) -> int:
    from .app.run import run_tree
    from .app.terminal import watch

    options = _options(args, args.seed)
    with watch(quiet=args.json) as watcher:
        result = run_tree(options, watcher)
        watcher.summary(result)
    if args.json:
        print(json.dumps(result.to_json()))
    if result.fault is not None and args.debug:
        raise result.fault
    return result.exit_code


def _check(args: argparse.Namespace) -> int:
    from .app.inspect import check_trees

    problems, text = check_trees(args.trees)
    failed = any(problem.severity == "error" for problem in problems)
    if args.json:
        print(json.dumps([problem.to_json() for problem in problems]))
    else:
        print(text, file=sys.stderr if failed else sys.stdout)
    return USAGE if failed else 0


def _nodes(args: argparse.Namespace) -> int:
    from .app.inspect import node_list, node_page

    print(node_page(args.name) if args.name else node_list())
    return 0


def _draw(args: argparse.Namespace) -> int:
    from .app.inspect import draw_tree

    print(draw_tree(args.tree, args.output))
    return 0


def _ask(args: argparse.Namespace) -> int:
    from .app.ask import ask_image

    answer = ask_image(args.image, args.question, args.vlm, args.kind)
    print(json.dumps(answer.to_json()) if args.json else answer)
    return 0


def _eval(args: argparse.Namespace) -> int:
    from .app.evaluate import evaluate, parse_seeds

    report = evaluate(
        _options(args, 0),
        parse_seeds(args.seeds),
        workers=args.workers,
        progress=lambda line: print(line, file=sys.stderr if args.json else sys.stdout, flush=True),
    )
    print(json.dumps(report.to_json()) if args.json else report)
    return 1 if args.at_least and report.successes < args.at_least else 0


def _vlm_help(args: argparse.Namespace) -> int:
    raise UsageError("knothole vlm: say what to do\n  fix:  knothole vlm train, data or eval")


def _train(args: argparse.Namespace) -> int:
    from .app.training import train

    print(train(args.config, args.data or [Path("data")], args.out))
    return 0


def _data(args: argparse.Namespace) -> int:
    from .app.training import render

    print(render(args.out, args.count, args.seed, args.workers))
    return 0


def _vlm_eval(args: argparse.Namespace) -> int:
    from .app.training import score

    report = score(args.vlm, args.count, args.seed)
    print(json.dumps(report.to_json()) if args.json else report)
    return 0


def _new(args: argparse.Namespace) -> int:
    from .app.scaffold import new_leaf, new_tree

    if args.what == "tree":
        path = new_tree(args.name, Path())
        print(f"wrote {path}\nnext:  knothole check {path}")
    else:
        path = new_leaf(args.name, Path())
        print(
            f'wrote {path}\nnext:  add it to knothole.toml:  behaviors = ["{path}"]\n       knothole nodes {args.name}'
        )
    return 0


def _doctor(args: argparse.Namespace) -> int:
    from .app.doctor import examine

    report = examine()
    print(json.dumps(report.to_json()) if args.json else report)
    return 0 if report.healthy else 1


def _runs(args: argparse.Namespace) -> int:
    from .app.runs import list_runs, prune_runs

    print(prune_runs(args.folder, args.keep) if args.what == "prune" else list_runs(args.folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())
