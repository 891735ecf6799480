"""What every reading command does first: have the newest events stored, then open the database."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from ..errors import LineageError
from ..probe.places import database_path
from ..store import Store, open_reader

if TYPE_CHECKING:
    import argparse

WAIT_SECONDS = 0.2


def open_store() -> Store:
    """Return the database, read-only, after waiting shortly for what is still in the spools.

    Raises:
        NotFound: nothing was recorded yet.
        StoreError: the database can't be read.
    """
    from ..recorder.client import wake_and_wait

    database = database_path()
    try:
        behind = wake_and_wait(database, WAIT_SECONDS)
    except (LineageError, OSError) as error:
        # What is stored can be read all the same.
        print(f"jupyter lineage: the newest events may be missing: {error}", file=sys.stderr)
        behind = 0
    if behind > 0:
        events = "1 event is" if behind == 1 else f"{behind} events are"
        print(f"jupyter lineage: {events} still being stored", file=sys.stderr)
    return open_reader(database)


def add_json(parser: argparse.ArgumentParser) -> None:
    """Give a command the option that every reading command has."""
    parser.add_argument(
        "--json", action="store_true", help="print the answer as JSON (docs/reference/schemas)"
    )
