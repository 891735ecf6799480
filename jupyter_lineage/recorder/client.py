"""What other programs need of the recorder: that it runs, that it looks, how far behind it is.

Imports little: a cold reading command goes through here.
"""

from __future__ import annotations

import contextlib
import shutil
import time
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from ..errors import LineageError
from ..probe import places
from ..probe import wake as waking
from ..probe.regular import open_regular
from .notes import notes_for
from .spools import folders, list_spools
from .trouble import trouble_in

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from ..store.sqlite import Store
    from .notes import Left

_POLL_SECONDS = 0.015
_FULL_BYTES = 256 * 1024
"""With less room than this the database can't take what waits."""
SPOOL_BYTES = 32 * 1024
"""With less room than this a kernel that starts can't be recorded for long."""


def wake(database: Path) -> bool:
    """Have the recorder look at once; tell whether one runs."""
    return waking.wake(str(places.spool_folder(database)))


def is_running(database: Path) -> bool:
    """Tell whether a recorder for ``database`` runs on this machine (and wake it)."""
    return wake(database)


def start_if_needed(database: Path) -> bool:
    """Have a recorder of this version or a newer one run; tell whether one runs or was started.

    Raises:
        OSError: the folder for spools can't be made.
    """
    folder = places.spool_folder(database)
    places.make_private(folder)
    if wake(database) and not waking.is_older(str(folder)):
        return True
    return waking.start_recorder(database) or wake(database)


def behind(database: Path, store: Store | None = None) -> int:
    """Return how many events of this machine's kernels are not in the record yet.

    Counts lines of spools that are not taken, file events of cells that have ended whose hashes
    are still being made, and the notes of kernels that could not store something and are gone.

    Args:
        database: the database.
        store: it, open; opened here when not given.
    """
    found = [
        (spool, size, folder) for folder in folders(database) for spool, size in list_spools(folder)
    ]
    if store is not None:
        taken, waiting = _taken(store)
    else:
        from ..store.sqlite import open_reader

        taken, waiting = {}, 0
        with contextlib.suppress(LineageError), open_reader(database) as opened:
            taken, waiting = _taken(opened)
    for spool, size, folder in found:
        done = taken.get(spool, 0)
        if size > done:
            waiting += _lines(folder / f"{spool}.spool", int(done))
    return waiting + sum(not left.is_alive() for left in notes_for(database))


def _taken(store: Store) -> tuple[dict[str, float], int]:
    from ..store.waiting import taken_of_spools, waiting_files

    return taken_of_spools(store), waiting_files(store)


def _lines(path: Path, offset: int) -> int:
    """Return how many whole records lie in a spool from ``offset`` on."""
    with contextlib.suppress(OSError), open_regular(path, follow=False) as stream:
        stream.seek(offset)
        return sum(1 for line in stream if line.endswith(b"\n") and not line.isspace())
    return 0


def wake_and_wait(database: Path, seconds: float) -> int:
    """Have the recorder look, wait for it, and return how many events are still behind.

    Args:
        database: the database.
        seconds: wait at most so long; 0 does not wait.
    """
    until = time.monotonic() + seconds
    waiting = behind(database)
    if not waiting:
        return 0
    if not wake(database) or waking.is_older(str(places.spool_folder(database))):
        waking.start_recorder(database)
    while waiting and time.monotonic() < until:
        time.sleep(_POLL_SECONDS)
        waiting = behind(database)
    return waiting


def held_up(database: Path) -> str | None:
    """Return what keeps waiting events from being stored, None where nothing is known to.

    A recorder that can't even start says nothing, so the disk is looked at here as well.
    """
    return trouble_in(places.spool_folder(database)) or full_disk(database)


def full_disk(database: Path, *, room_bytes: int = _FULL_BYTES) -> str | None:
    """Return which disk has no room for what kernels or the recorder write, None where all do.

    Args:
        database: the database.
        room_bytes: so much counts as room.
    """
    for folder in (places.spool_root(), database.parent):
        with contextlib.suppress(OSError):
            if shutil.disk_usage(folder).free < room_bytes:
                return f"the disk of {folder} is full. Make room there."
    return None


def not_stored(database: Path) -> list[str]:
    """Return in words what kernels said that they could not store and the record does not tell yet.

    Args:
        database: the database that they record to.
    """
    return [_words(left) for left in notes_for(database)]


def _words(left: Left) -> str:
    began = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(left.at))
    name = PurePath(str(left.raw.get("notebook") or "")).name
    run = f"the run that began at {began}" + (f" ({name})" if name else "")
    if left.lost:
        return f"{run} lacks its newest records: {left.reason}"
    return f"{run} {'is' if left.is_alive() else 'was'} not recorded: {left.reason}"


def hand_in(database: Path, records: Iterable[dict[str, Any]]) -> None:
    """Give the recorder records that no kernel wrote, such as a reproduction's verdict.

    They go through a small spool of this process, so that they are kept even when no recorder
    runs at the moment.

    Args:
        database: the database they are for.
        records: each with its ``type``, all about the same ``run``.

    Raises:
        RecorderError: they can't be written.
    """
    from ..errors import RecorderError
    from ..ids import uuid7
    from ..probe.spool import Spool

    folder = places.spool_folder(database)
    every = list(records)
    try:
        places.make_private(folder)
    except OSError as error:
        raise RecorderError(f"the folder {folder} can't be made: {error.strerror}") from error
    header = {"writer": "reproduce", "alive": None}
    spool = Spool(str(folder), every[0]["run"], header, process=uuid7())
    for record in (*every, {"type": "end", "reason": "handed in"}):
        fields = {name: value for name, value in record.items() if name != "type"}
        if not spool.write(record["type"], fields):
            raise RecorderError(
                f"nothing can be written to {folder}: {spool.last_error}",
                hint="Check the free space and the rights of that folder.",
            )
    spool.close()
    waking.notify(str(folder), database)
