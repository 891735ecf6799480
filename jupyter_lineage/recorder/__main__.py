"""``python -m jupyter_lineage.recorder --database PATH``: the recorder's process."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_IDLE_SECONDS = 300.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the recorder; return its exit status."""
    from ..config import settings
    from ..errors import LineageError
    from .cycle import Recorder
    from .keep import Limits
    from .service import Service

    parser = argparse.ArgumentParser(
        prog="python -m jupyter_lineage.recorder",
        description="Take what kernels have seen into the database. Started by itself.",
    )
    parser.add_argument("--database", type=Path, required=True, help="the SQLite file")
    parser.add_argument("--once", action="store_true", help="take what is there, then leave")
    parser.add_argument("--idle", type=float, help="leave after so many seconds without work")
    parser.add_argument("--retry", type=float, default=30.0, help="seconds between tries")
    chosen = parser.parse_args(arguments)
    try:
        known = settings()
        limits = Limits(known.keep_file_bytes, known.keep_total_bytes, known.keep_disk_share)
        idle = known.recorder_idle_seconds
    except LineageError as error:
        # A mistake in a configuration file must not cost the record.
        sys.stderr.write(f"jupyter lineage recorder: defaults are used: {error.line()}\n")
        limits, idle = Limits(), _IDLE_SECONDS
    try:
        if chosen.once:
            recorder = Recorder(chosen.database.absolute(), limits=limits)
            try:
                recorder.run_once()
            finally:
                recorder.close()
            return 0
        return Service(
            chosen.database.absolute(),
            idle_seconds=idle if chosen.idle is None else chosen.idle,
            retry_seconds=chosen.retry,
            limits=limits,
        ).run()
    except (LineageError, OSError) as error:
        text = error.line() if isinstance(error, LineageError) else str(error)
        sys.stderr.write(f"jupyter lineage recorder: {text}\n")
        return 2


if __name__ == "__main__":
    sys.exit(main())
