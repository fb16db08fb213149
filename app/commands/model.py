"""Commands of models: vlm data, train, eval, and those of ``serving``."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from ..settings.arguments import count, seed, share
from . import Commands, UsageError, serving


def add(commands: Commands) -> None:
    """Add the commands of this file."""
    parser = commands.add(
        "vlm", "Train, measure and serve models, and report on their answers.", "knothole vlm eval", _help
    )
    below = commands.below(parser)
    train = below.add(
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
    data = below.add("data", "Render and label training pictures.", "knothole vlm data --count 1000", _data)
    data.add_argument("--count", type=count, default=1000, metavar="N", help="pictures (default 1000)")
    data.add_argument("--seed", type=int, default=1_000_000, metavar="N", help="first seed (default 1000000)")
    data.add_argument("--out", type=Path, default=Path("data"), metavar="DIR", help="where they go (default data/)")
    data.add_argument("--workers", type=count, default=1, metavar="W", help="processes (default 1)")
    data.add_argument(
        "--pairs",
        type=share,
        default=0.15,
        metavar="SHARE",
        help="share of pictures with a second one some time later, to compare (default 0.15)",
    )
    data.add_argument(
        "--signs",
        type=share,
        default=0.12,
        metavar="SHARE",
        help="share of pictures with paper, print or codes in them, that are not to be minded (default 0.12)",
    )
    score = below.add("eval", "Measure a backend on freshly rendered pictures.", "knothole vlm eval", _vlm_eval)
    score.add_argument(
        "--vlm", default="", metavar="B", help="backend (default: embedded), without the firewall unless firewall:B"
    )
    score.add_argument("--count", type=count, default=100, metavar="N", help="pictures (default 100)")
    score.add_argument("--seed", type=seed, default=0, metavar="N", help="which pictures (default 0)")
    score.add_argument(
        "--unseen",
        choices=("pairs", "textures", "heights"),
        action="append",
        help="show what training never draws: colors with shapes, patterns, camera heights",
    )
    score.add_argument(
        "--calibrate", action="store_true", help="first fit temperatures to as many other pictures, kept by the weights"
    )
    serving.add(below)

    attack = below.add(
        "injection",
        "Attack a backend with words in pictures, without and with the firewall.",
        "knothole vlm injection --count 40",
        _injection,
    )
    attack.add_argument("--vlm", default="", metavar="B", help="backend (default: embedded)")
    attack.add_argument("--count", type=count, default=40, metavar="N", help="scenes (default 40)")
    attack.add_argument("--seed", type=seed, default=0, metavar="N", help="which scenes (default 0)")
    report = below.add(
        "report",
        "Say what was asked in recorded runs, what it cost, and how right it was.",
        "knothole vlm report runs/RUN.mcap --html report.html",
        _report,
    )
    report.add_argument("traces", type=Path, nargs="+", metavar="TRACE", help="traces, or folders of them")
    report.add_argument("--html", type=Path, metavar="FILE", help="write it as one page, with plots")


def _help(args: argparse.Namespace) -> int:
    raise UsageError(
        "knothole vlm: say what to do\n  fix:  knothole vlm train, data, eval, serve, probe, injection or report"
    )


def _train(args: argparse.Namespace) -> int:
    from ..models.training import train

    print(train(args.config, args.data or [Path("data")], args.out))
    return 0


def _data(args: argparse.Namespace) -> int:
    from ..models.training import render

    print(render(args.out, args.count, args.seed, args.workers, args.pairs, args.signs))
    return 0


def _vlm_eval(args: argparse.Namespace) -> int:
    from ..models.measuring import calibrate, measure

    if args.calibrate:
        file, answers = calibrate(args.vlm, args.count, args.seed)
        print(f"{file} fits {answers} answers", file=sys.stderr)
    report = measure(args.vlm, args.count, args.seed, args.unseen or ())
    print(json.dumps(report.to_json()) if args.json else report)
    return 0


def _injection(args: argparse.Namespace) -> int:
    from ..injection.command import measure_injection

    report = measure_injection(args.vlm, args.count, args.seed)
    print(json.dumps(report.to_json()) if args.json else report)
    return 1 if report.flips[1] else 0


def _report(args: argparse.Namespace) -> int:
    from ..reporting.command import report_on

    report = report_on(args.traces, args.html)
    if args.html is not None:
        print(f"wrote {args.html}", file=sys.stderr)
    print(json.dumps(report.to_json()) if args.json else report)
    return 0
