"""What ``knothole vlm report`` does: read traces, and tell of their questions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .collecting import ReportError, gather
from .page import page
from .report import QuestionReport


def report_on(traces: Sequence[Path], html: Path | None = None) -> QuestionReport:
    """Return the report on some traces, and write it as a page where that is wanted.

    Args:
        traces: Traces, or folders of them.
        html: Where the page goes; None for none.

    Raises:
        ReportError: There is no trace, one of them is none, or the page cannot be written.
    """
    report = QuestionReport(gather(traces))
    if html is not None:
        try:
            html.parent.mkdir(parents=True, exist_ok=True)
            html.write_text(page(report), encoding="utf-8", errors="backslashreplace")
        except OSError as error:
            raise ReportError(
                f"cannot write the report {html}: {error.strerror or error}\n  fix:  name a file that can be written"
            ) from error
    return report
