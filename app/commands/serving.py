"""Commands about backends: vlm serve, probe."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from ..settings.arguments import port
from . import Commands


def add(below: Commands) -> None:
    """Add the commands of this file below ``knothole vlm``."""
    serve = below.add(
        "serve",
        "Serve a backend to other programs: typed decisions and chat completions with pictures.",
        "knothole vlm serve --port 8337",
        _serve,
    )
    serve.add_argument("--vlm", default="", metavar="B", help="backend (default: embedded)")
    serve.add_argument("--host", default="127.0.0.1", metavar="H", help="address to listen at (default 127.0.0.1)")
    serve.add_argument("--port", type=port, default=8337, metavar="N", help="port, 0 for a free one (default 8337)")
    serve.add_argument(
        "--token",
        default="",
        metavar="T",
        help="what clients send as their API key (default: KNOTHOLE_TOKEN of the environment)",
    )
    probe = below.add(
        "probe",
        "Measure what a backend can do, and keep it where backends look.",
        "knothole vlm probe qwen:/models/qwen3-vl-2b",
        _probe,
    )
    probe.add_argument("vlm", nargs="?", default="", metavar="B", help="backend (default: embedded)")
    probe.add_argument(
        "--out", type=Path, metavar="FILE", help="capability file (default: capabilities.json beside knothole.toml)"
    )
    probe.add_argument("--dry", action="store_true", help="measure and print only")


def _serve(args: argparse.Namespace) -> int:
    from ..models.serving import serve

    serve(args.vlm, args.host, args.port, args.token or os.environ.get("KNOTHOLE_TOKEN", ""), args.json)


def _probe(args: argparse.Namespace) -> int:
    from ...vlm.capabilities import write_capabilities
    from ..models.probing import capability_file, probe

    found = probe(args.vlm)
    print(json.dumps(found.to_json()) if args.json else found)
    if not args.dry:
        file = args.out or capability_file()
        write_capabilities(file, found.capabilities)
        print(f"kept in {file}", file=sys.stderr)
    return 0
