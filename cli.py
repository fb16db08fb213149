"""The command line: arguments in, calls, text and exit code out. Every heavy import happens inside a command.

Exit codes: 0 SUCCESS, 1 FAILURE, 2 invalid tree or usage, 3 fault while running, 4 time limit, 130 Ctrl-C, 143 SIGTERM.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NoReturn

from . import __version__
from ._base import KnotholeError, drop_output, headline, near_misses
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
    _open_streams()
    words = list(sys.argv[1:] if argv is None else argv)
    as_json, debug = "--json" in words, "--debug" in words
    in_charge = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, _terminate) if in_charge else None
    code = 0
    try:
        args = _parser().parse_args([word for word in words if word != "--debug"])
        args.debug = debug
        command: Callable[[argparse.Namespace], int] = args.command
        code = command(args)
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # nobody reads any more
        return code
    except KnotholeError as error:
        if debug:
            raise
        return _refuse(error, as_json)
    except KeyboardInterrupt:
        _complain("interrupted")
        return INTERRUPTED
    except _Terminated:
        _complain("terminated")
        return TERMINATED
    except Exception as error:
        if debug:
            raise
        _complain(f"fault: {type(error).__name__}: {error}\n  fix:  run again with --debug for the traceback")
        return FAULT
    finally:
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (OSError, ValueError):
                drop_output(stream)  # or the interpreter fails at it again when it ends
        if in_charge:
            signal.signal(signal.SIGTERM, before)


def _open_streams() -> None:
    """Let what is printed go nowhere where output was closed (``>&-``); nothing else is opened in its place then."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115  open to the end


def _complain(text: str) -> None:
    """Write to standard error, where somebody reads it."""
    with suppress(OSError):
        print(text, file=sys.stderr)


def _terminate(number: int, frame: object) -> NoReturn:
    raise _Terminated


def _refuse(error: KnotholeError, as_json: bool) -> int:
    """Print what is wrong, as text or as the list of problems."""
    if not as_json:
        _complain(str(error) if hasattr(error, "problems") or _PLACE.match(str(error)) else f"error: {error}")
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
    with suppress(BrokenPipeError):
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
