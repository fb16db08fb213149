"""Feed hostile texts to the readers and report every crash that is not the project's own error, and every hang.

    python benchmarks/fuzz.py [--target reader|expressions|scripts|xml|all] [--seconds N] [--seed S] [--out FOLDER]

With atheris installed the inputs follow the coverage of the code, otherwise they are random mutations of the seeds
(library trees, examples of the docs, the XML corpus where it is). Each target runs in a process of its own with bounded
memory. Findings are written to FOLDER, each once, with the text that caused it; the exit code is 1 if there are any.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

MEMORY = 3 << 30
"""Bytes of address space of one process."""
GRACE = 120.0
"""Seconds after which a process that does not end counts as hanging."""


class Findings:
    """Counts attempts and keeps each kind of finding once."""

    def __init__(self, target: str, folder: Path) -> None:
        self.target, self.folder = target, folder
        self.count = 0
        self.found: dict[str, str] = {}
        self.began = self.written = time.monotonic()

    def note(self, text: str, finding: str | None) -> None:
        """Count an attempt."""
        self.count += 1
        if finding is not None and finding.partition(":")[0] not in self.found:
            name = f"{self.target}-{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:12]}.txt"
            self.found[finding.partition(":")[0]] = f"{finding}  ({name})"
            (self.folder / name).write_text(text, encoding="utf-8", errors="replace")
            self.write()
        if time.monotonic() - self.written > 5.0:
            self.write()

    def write(self) -> None:
        """Write what is known so far."""
        self.written = time.monotonic()
        usage = resource.getrusage(resource.RUSAGE_SELF)
        summary = {
            "attempts": self.count,
            "seconds": round(self.written - self.began, 1),
            "megabytes": usage.ru_maxrss >> 10,
            "findings": list(self.found.values()),
        }
        partial = self.folder / f".{self.target}.json"
        partial.write_text(json.dumps(summary))
        partial.replace(self.folder / f"{self.target}.json")


def work(target: str, seconds: float, seed: int, folder: Path) -> None:
    """Run one target in this process."""
    limits = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, limits[1]))
    findings = Findings(target, folder)
    with tempfile.TemporaryDirectory() as empty:
        os.chdir(empty)
        if importlib.util.find_spec("atheris") is not None:
            guided(target, seconds, seed, findings)
        else:
            unguided(target, seconds, seed, findings)


def unguided(target: str, seconds: float, seed: int, findings: Findings) -> None:
    """Mutate the seeds until the time is over."""
    from knothole.tests import fuzzing

    rng, texts = random.Random(seed), fuzzing.seeds(target)
    for text in texts:
        findings.note(text, fuzzing.attempt(target, text))
    while time.monotonic() - findings.began < seconds:
        text = fuzzing.mutated(rng, texts)
        findings.note(text, fuzzing.attempt(target, text))
    findings.write()


def guided(target: str, seconds: float, seed: int, findings: Findings) -> None:
    """Let atheris choose the inputs by the branches they reach, half of them mutated our way. Does not return."""
    import atheris

    with atheris.instrument_imports(include=["knothole.trees"]):
        from knothole.tests import fuzzing

    corpus = Path("corpus")
    corpus.mkdir()
    texts = sorted(fuzzing.seeds(target), key=len)[:60]  # each is run once before the first mutation
    for number, text in enumerate(texts):
        (corpus / f"{number:04}").write_text(text, encoding="utf-8", errors="replace")

    def one(data: bytes) -> None:
        text = data.decode("utf-8", "replace")
        findings.note(text, fuzzing.attempt(target, text))
        if time.monotonic() - findings.began >= seconds:
            findings.write()
            os._exit(0)

    def mutate(data: bytes, longest: int, number: int) -> bytes:
        if number % 2:
            return bytes(atheris.Mutate(data, longest))
        text = fuzzing.mutated(random.Random(number), [data.decode("utf-8", "replace"), *texts[:3]])
        return text.encode("utf-8", "replace")[:longest]

    options: list[Any] = ["fuzz", str(corpus), f"-seed={seed or 1}", f"-max_len={fuzzing.MAX_LENGTH}", "-timeout=60"]
    options += [f"-rss_limit_mb={MEMORY >> 20}", "-verbosity=0", "-print_final_stats=0", "-handle_int=0"]
    atheris.Setup(options, one, custom_mutator=mutate)
    atheris.Fuzz()


def main() -> int:
    """Run the targets one after the other, or one of them when called by itself."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = ("reader", "expressions", "scripts", "xml")
    parser.add_argument("--target", choices=(*names, "all"), default="all")
    parser.add_argument("--seconds", type=float, default=20.0, help="wall time over all targets")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("runs") / "fuzz")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    folder = args.out.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    if args.worker:
        work(args.target, args.seconds, args.seed, folder)
        return 0
    targets = names if args.target == "all" else (args.target,)
    share, failed = args.seconds / len(targets), False
    print(
        f"guided by coverage: {'yes' if importlib.util.find_spec('atheris') is not None else 'no (atheris is absent)'}"
    )
    for target in targets:
        (folder / f"{target}.json").unlink(missing_ok=True)
        command = [sys.executable, __file__, "--worker", "--target", target, "--seconds", str(share)]
        command += ["--seed", str(args.seed), "--out", str(folder)]
        try:
            with (folder / f"{target}.log").open("w") as log:
                code = subprocess.run(command, stdout=log, stderr=log, timeout=share + GRACE, check=False).returncode
        except subprocess.TimeoutExpired:
            code = -1
        written = folder / f"{target}.json"
        summary: dict[str, Any] = {"attempts": 0, "findings": []}
        if written.exists():
            summary = json.loads(written.read_text())
        ended = "" if code == 0 else f"  ended with {code}: see {folder / target}.log"
        used = f"{summary.get('seconds', 0):.0f} s, {summary.get('megabytes', 0)} MB"
        print(f"{target:<12} {summary['attempts']:>9} attempts in {used}, {len(summary['findings'])} findings{ended}")
        for finding in summary["findings"]:
            print(f"    {finding}")
        failed = failed or bool(summary["findings"]) or code != 0 or not summary["attempts"]
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
