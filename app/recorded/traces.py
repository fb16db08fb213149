"""Look into traces, cut and compare them, and write them in other forms."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TextIO

from mcap.writer import MCAP0_MAGIC

from ..._base import KnotholeError
from ...trees.recorded.cutting import cut
from ...trees.recorded.differing import Difference, difference
from ...trees.recorded.groot_xml import groot_xml, uid
from ...trees.recorded.info import TraceInfo, trace_info
from ...trees.recorded.page import page
from ...trees.recorded.raw import Raw, RawTrace
from ...trees.recorded.sheet import write_sheet
from ...trees.recorded.tables import write_lines, write_table
from ...trees.recorded.verifying import Verified, verify
from ...trees.tracing.btlog import STATUSES, Transition, write_btlog
from ...trees.tracing.history import History
from ...trees.tracing.recording import Recording, read_trace
from ...trees.tracing.trace_file import TraceFile
from ...trees.tracing.why import Moment, explain
from .placing import ExportError, placed
from .runs import newest_run

FORMS: Final = ("jsonl", "csv", "btlog", "png", "html", "mcap")
"""What a trace can be written as, by the end of the file's name."""


class NoTraceError(KnotholeError):
    """There is no such trace."""


def find_trace(trace: Path | None, folder: Path) -> Path:
    """Return a trace that is there; None takes the newest one in ``folder``.

    Raises:
        NoTraceError: There is none.
    """
    if trace is not None:
        if not trace.is_file():
            raise NoTraceError(f"there is no trace {trace}\n  fix:  name one that `knothole runs list` shows")
        if not _is_mcap(trace):
            raise NoTraceError(f"{trace} is no trace\n  fix:  name a file that `knothole run` wrote, ….mcap")
        return trace
    newest = newest_run(folder)
    if newest is None:
        raise NoTraceError(f"there is no run in {folder}/\n  fix:  run a tree first, or name a trace")
    return newest


@contextmanager
def _understood(*traces: Path) -> Iterator[None]:
    """Say so when what a file tells is not what a run tells: another program wrote it, or somebody changed it."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        names = " or ".join(str(trace) for trace in traces)
        raise NoTraceError(
            f"{names} is no trace of a run, or was changed: {type(error).__name__}: {error}\n"
            "  fix:  name a file that `knothole run` wrote; knothole trace verify says more"
        ) from error


def _is_mcap(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return bool(file.read(len(MCAP0_MAGIC)) == MCAP0_MAGIC)
    except OSError as error:
        raise NoTraceError(f"cannot read {path}: {error.strerror}\n  fix:  name a file that can be read") from error


def look(trace: Path | None, folder: Path) -> TraceInfo:
    """Return what is in a trace."""
    path = find_trace(trace, folder)
    with _understood(path):
        return trace_info(path)


def check(trace: Path | None, folder: Path) -> Verified:
    """Verify a trace."""
    return verify(find_trace(trace, folder))


def compare(first: Path, second: Path, folder: Path) -> Difference:
    """Return where two runs first differ."""
    paths = find_trace(first, folder), find_trace(second, folder)
    with _understood(*paths):
        return difference(read_trace(paths[0]), read_trace(paths[1]))


def export(trace: Path, output: Path, form: str = "", force: bool = False) -> str:
    """Write a trace in another form and say what was written.

    ``mcap`` writes the same messages with a new index: a file whose writer was killed becomes a whole one.

    Args:
        trace: The trace.
        output: File to write.
        form: One of ``FORMS``; empty takes the end of the file's name.
        force: Replace a file that is there.

    Raises:
        ExportError: The form is unknown, or the file cannot be written.
        TraceError: The trace cannot be read, or holds nothing for this form.
    """
    form = form or output.suffix.lstrip(".")
    if form not in FORMS:
        known = ", ".join(f".{each}" for each in FORMS)
        raise ExportError(f"{output} tells no form to write\n  fix:  let it end in one of {known}, or give --to")
    with placed(trace, output, force) as part, _understood(trace):
        said = _WRITERS[form](trace, part)
    return f"{output}: {said}"


def cut_trace(trace: Path, output: Path, begin: Moment | None, end: Moment | None, force: bool = False) -> str:
    """Write a piece of a trace, which is a whole trace by itself, and say what was written.

    Args:
        trace: The trace.
        output: File to write, ``….mcap``.
        begin: Where the piece begins: a tick, or a time since the run began; None for the beginning.
        end: Where it ends, this moment included; None for the end.
        force: Replace a file that is there.

    Raises:
        ExportError: The piece is empty, or the file cannot be written.
        TraceError: The trace cannot be read.
    """
    if output.suffix != ".mcap":
        raise ExportError(f"{output} does not end in .mcap\n  fix:  write {output.with_suffix('.mcap')}")
    with _understood(trace):
        recording = read_trace(trace)
        first = _ns(recording, begin) if begin is not None else None
        last = _ns(recording, end) if end is not None else None
    if first is not None and last is not None and first > last:
        raise ExportError(f"there is nothing from {begin} to {end}\n  fix:  let --from be before --to")
    latest = max((m.time for m in recording.messages), default=0.0)
    if first is not None and first > round(latest * 1e9):
        raise ExportError(f"the trace ends before {begin}: at {latest - recording.began:.2f} s\n  fix:  begin earlier")
    with placed(trace, output, force) as part, _understood(trace):
        count = _copy(part, cut(RawTrace(trace), first, last))
    return f"{output}: {count} messages"


def _ns(recording: Recording, moment: Moment) -> int:
    """Return a moment on the run clock, [ns]."""
    since = recording.began + (moment.time or 0.0)
    return round(1e9 * (_time_of(recording, moment.tick) if moment.tick is not None else since))


def _time_of(recording: Recording, tick: int) -> float:
    """Return when a tick was, run clock, [s]; of one in which nothing was recorded, between its neighbours."""
    times = {int(m.data["tick"]): m.time for m in recording.messages if "tick" in m.data}
    if recording.end:
        times.setdefault(int(recording.end.get("ticks", 0)), recording.messages[-1].time)
    known = sorted(times)
    after = bisect_left(known, tick)
    if after == len(known):
        return times[known[-1]] + 1e-6 if known else 0.0
    if known[after] == tick or after == 0:
        return times[known[after]]
    low, high = known[after - 1], known[after]
    return times[low] + (times[high] - times[low]) * (tick - low) / (high - low)


def _copy(path: Path, messages: Iterable[Raw]) -> int:
    file, count = TraceFile(path), 0
    try:
        for raw in messages:
            file.add(raw.topic, raw.time_ns, raw.text)
            count += 1
        file.finish()
    finally:
        file.close()
    return count


def _mcap(trace: Path, output: Path) -> str:
    source = RawTrace(trace)
    count = _copy(output, source)
    return f"{count} messages" + ("" if source.complete else "; the trace ended in the middle, this one has an index")


def _text(output: Path, write: Callable[[TextIO], int], what: str) -> str:
    with output.open("w", encoding="utf-8", newline="") as file:
        return f"{write(file)} {what}"


def _jsonl(trace: Path, output: Path) -> str:
    return _text(output, lambda file: write_lines(file, RawTrace(trace)), "messages")


def _csv(trace: Path, output: Path) -> str:
    return _text(output, lambda file: write_table(file, read_trace(trace)), "rows")


def _html(trace: Path, output: Path) -> str:
    recording = read_trace(trace)
    why = str(explain(recording))
    with output.open("w", encoding="utf-8") as file:
        file.writelines(f"{piece}\n" for piece in page(recording, trace.name, why))
    return f"one page, {output.stat().st_size / 1e3:.0f} kB"


def _png(trace: Path, output: Path) -> str:
    return write_sheet(output, read_trace(trace))


def _btlog(trace: Path, output: Path) -> str:
    recording = read_trace(trace)
    history = History(recording)
    xml = groot_xml(recording.tree_at(), history.nodes)
    known = [event for event in history.events if event.status in STATUSES]
    changes = [Transition(round(max(0.0, event.time) * 1e6), uid(event.node), event.status) for event in known]
    with output.open("wb") as file:
        write_btlog(file, xml, 0, changes)
    return f"{len(changes)} changes of {len(history.nodes)} nodes"


_WRITERS: Final[dict[str, Callable[[Path, Path], str]]] = {
    "jsonl": _jsonl,
    "csv": _csv,
    "btlog": _btlog,
    "png": _png,
    "html": _html,
    "mcap": _mcap,
}
