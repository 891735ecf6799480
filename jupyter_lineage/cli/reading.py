"""What every reading command does first: have the newest events stored, then open the database."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from ..errors import LineageError, NotFound
from ..probe.places import database_path
from ..store import Store, open_reader
from ..store.health import set_aside
from .output import clean

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator
    from pathlib import Path

WAIT_SECONDS = 0.2
_MOST_RUNS = 3
_SAID_SECONDS = 7 * 24 * 3600.0
"""So long every reading command says that a damaged database was moved away."""


def open_store() -> Store:
    """Return the database, read-only, after waiting shortly for what is still in the spools.

    Raises:
        NotFound: nothing was recorded yet.
        StoreError: the database can't be read.
    """
    from ..recorder.client import wake_and_wait

    database = database_path()
    behind, failed = 0, None
    try:
        behind = wake_and_wait(database, WAIT_SECONDS)
    except (LineageError, OSError) as error:
        failed = error  # what is stored can be read all the same
    try:
        # Where this fails, its own line says what is wrong with the record as well.
        store = open_reader(database)
    except NotFound:
        _say_missing(database, behind, failed)  # a full disk, perhaps: no database could be made
        raise
    _say_missing(database, behind, failed)
    return store


def _say_missing(database: Path, behind: int, failed: Exception | None) -> None:
    for line in _missing(database, behind, failed):
        print(f"jupyter lineage: {clean(line)}", file=sys.stderr)


def _missing(database: Path, behind: int, failed: Exception | None) -> Iterator[str]:
    """Yield what a reader has to know of what is not in the answer: a line each."""
    if failed is not None:
        yield f"the newest events may be missing: {failed}"
    elif behind:
        from ..recorder.client import held_up

        events = "1 event" if behind == 1 else f"{behind} events"
        if trouble := held_up(database):
            waits = "waits" if behind == 1 else "wait"
            yield f"recording is held up, {events} {waits}: {trouble}"
        else:
            yield f"{events} {'is' if behind == 1 else 'are'} still being stored"
    yield from _unrecorded(database, said=bool(behind))
    newest = max((old for old in set_aside(database) if _is_recent(old)), default=None)
    if newest is not None:
        yield (
            f"a damaged database was moved to {newest}: its runs are not shown. "
            "`jupyter lineage doctor` says how to save them; remove the file to end this line"
        )


def _unrecorded(database: Path, *, said: bool) -> Iterator[str]:
    """Yield which runs could not be stored, and that the next could not be.

    Args:
        database: the database.
        said: whether what waits to be stored was said already.
    """
    from ..recorder.client import SPOOL_BYTES, full_disk, not_stored

    found = not_stored(database)
    yield from found[:_MOST_RUNS]
    if len(found) > _MOST_RUNS:
        yield f"{len(found) - _MOST_RUNS} more runs were not recorded"
    full = None if said or found else full_disk(database, room_bytes=SPOOL_BYTES)
    if full:
        yield f"nothing that runs now can be recorded: {full}"


def _is_recent(old: Path) -> bool:
    """Tell whether a file was moved within some days; a rename changes the second time."""
    try:
        return old.stat().st_ctime > time.time() - _SAID_SECONDS
    except OSError:
        return False


def add_json(parser: argparse.ArgumentParser) -> None:
    """Give a command the option that every reading command has."""
    parser.add_argument(
        "--json", action="store_true", help="print the answer as JSON (docs/reference/schemas)"
    )
