"""The index of a trace on disk while it grows: a run of days holds no more of it than one of minutes."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from typing import Any

from mcap.records import ChunkIndex
from mcap.writer import Writer


class Spool:
    """A list of chunk indices that is appended to and read once, in a temporary file."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(mode="w+", prefix="knothole-trace-", encoding="utf-8")  # noqa: SIM115

    def append(self, index: ChunkIndex) -> None:
        """Write one."""
        data = {**vars(index), "message_index_offsets": list(index.message_index_offsets.items())}
        self._file.write(json.dumps(data) + "\n")

    def __iter__(self) -> Iterator[ChunkIndex]:
        """Read all, in order."""
        self._file.seek(0)
        for line in self._file:
            data: dict[str, Any] = json.loads(line)
            yield ChunkIndex(**{**data, "message_index_offsets": dict(data["message_index_offsets"])})

    def close(self) -> None:
        """Remove the file."""
        self._file.close()


def spool_index(writer: Writer) -> Spool:
    """Let a writer that has not begun keep its index in a file.

    The writer of ``mcap`` has no interface for that. Should a later version name its list in another way, the index
    stays in memory as before.
    """
    spool = Spool()
    writer._Writer__chunk_indices = spool
    return spool
