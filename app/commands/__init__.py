"""The commands: each file declares the arguments of some of them and what they call."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass

from ..._base import KnotholeError

USAGE = 2
"""Exit code of an invalid tree and of wrong usage."""

Command = Callable[[argparse.Namespace], int]


class UsageError(KnotholeError):
    """A command was called in a way it does not understand."""


@dataclass(frozen=True)
class Commands:
    """Where commands are added: the sub-parsers of the command line, or of one command."""

    parsers: argparse._SubParsersAction[argparse.ArgumentParser]

    def add(self, name: str, about: str, example: str, command: Command) -> argparse.ArgumentParser:
        """Add one command.

        Args:
            name: Its name.
            about: What it does, one sentence.
            example: One line that works.
            command: What it calls; returns the exit code.
        """
        parser = self.parsers.add_parser(
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

    def below(self, parser: argparse.ArgumentParser) -> Commands:
        """Return where the commands of a command are added."""
        return Commands(parser.add_subparsers(metavar="WHAT", required=True))
