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
from typing import NoReturn

from . import __version__
from ._base import KnotholeError, headline, near_misses
from .app.commands import (
    USAGE,
    Commands,
    UsageError,
    authoring,
    editing,
    house,
    model,
    rehearsing,
    replaying,
    running,
    traces,
    tracing,
    viewing,
)

FAULT, INTERRUPTED, TERMINATED = 3, 130, 143
_PLACE = re.compile(r"(?P<file>[^\n]+?):(?P<line>\d+):(?P<column>\d+): (?:error: )?(?P<message>.*)")
_SNIPPET = re.compile(r" *\d* \| ")


class _Terminated(BaseException):
    """SIGTERM came outside of a run, which has its own way to end."""


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
        first, *rest = str(error).splitlines() or [headline(error)]
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


def _parser() -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = _Parser(
        prog="knothole",
        description="Behavior trees for robots that see.",
        epilog="example:  knothole run tidy_table --seed 3\n\n--debug shows the traceback of an error.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"knothole {__version__}")
    commands = Commands(parser.add_subparsers(metavar="COMMAND", required=True))
    for part in (running, rehearsing, tracing, traces, replaying, viewing, authoring, editing, model, house):
        part.add(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
