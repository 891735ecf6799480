"""The recorder as a process: it waits to be woken, works, survives trouble, leaves when idle."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from typing import TYPE_CHECKING

from ..errors import LineageError, StoreDamaged, StoreError, StoreForeign, StoreNewer
from ..probe import places, unrecorded
from ..probe.wake import RECORDER_VERSION
from ..store.sqlite import mapped_errors, may_be_ours
from .client import full_disk
from .cycle import Recorder
from .election import Election, send
from .log import Log
from .trouble import Trouble

if TYPE_CHECKING:
    import socket
    from pathlib import Path
    from types import FrameType

    from .keep import Limits

_LOOK_SECONDS = 2.0
_PIECES_SECONDS = 0.25
RETRY_SECONDS = 30.0
_NICE = 10


class Service:
    """Serves one database until nothing is left to do.

    Args:
        database: where to record to.
        idle_seconds: leave after so long without anything to do.
        retry_seconds: how long to wait after the database could not be written.
        limits: how many bytes of files are kept.
        version: of this recorder; others are compared with it.
    """

    def __init__(
        self,
        database: Path,
        *,
        idle_seconds: float,
        retry_seconds: float = RETRY_SECONDS,
        limits: Limits | None = None,
        version: str = RECORDER_VERSION,
    ) -> None:
        self._database = database
        self._idle_seconds = idle_seconds
        self._retry_seconds = retry_seconds
        self._limits = limits
        self.folder = places.spool_folder(database)
        self.log = Log(self.folder / "recorder.log")
        self._said = Trouble(self.folder)
        self._election = Election(self.folder, version)
        self._recorder: Recorder | None = None
        self._listener: socket.socket | None = None
        self._stop = False
        self._looked = 0.0
        self._in_trouble_since: float | None = None
        self._trouble = ""
        self._was_full = False
        self._set_aside = ""

    def run(self) -> int:
        """Serve; return the exit status: 0 also when another recorder serves already.

        Raises:
            OSError: the folder for spools can't be used.
        """
        places.make_private(self.folder)
        unrecorded.prepare()
        if not self._election.win():
            send(self.folder, b"w")
            return 0
        try:
            self._listener = self._election.listen()
            self._be_modest()
            self.log.say(f"recording to {self._database}")
            return self._serve()
        finally:
            if self._recorder is not None:
                self._recorder.close()
            if self._listener is not None:
                self._listener.close()
            self._election.resign()

    def _be_modest(self) -> None:
        if hasattr(os, "nice") and os.nice(0) < _NICE:
            os.nice(_NICE - os.nice(0))
        with contextlib.suppress(ValueError):  # not the main thread: a test
            signal.signal(signal.SIGTERM, self._told_to_stop)
            signal.signal(signal.SIGINT, self._told_to_stop)

    def _told_to_stop(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self._stop = True
        send(self.folder, b"w")  # so that waiting ends now

    def _serve(self) -> int:
        quiet_since = time.monotonic()
        while not self._stop:
            try:
                with mapped_errors(self._database):
                    busy = self._work()
            except (StoreNewer, StoreForeign) as error:
                self.log.say(f"leaving: {error.line()}")
                self._said.say(error.line())
                return 2
            except StoreDamaged as error:
                if not self._begin_anew(error):
                    return 2
                continue
            except LineageError as error:
                self._note_trouble(error)
                self._wait(self._retry_seconds, patient=True)
                continue
            except Exception as error:  # noqa: BLE001 - whatever it is, recording has to go on
                self._note_trouble(StoreError(f"{type(error).__name__}: {error}"))
                self._wait(self._retry_seconds, patient=True)
                continue
            now = time.monotonic()
            if busy:
                quiet_since = now
            left = quiet_since + self._idle_seconds - now
            if left <= 0:
                self.log.say("leaving: nothing to do")
                return 0
            self._wait(_LOOK_SECONDS if self._is_live() else min(left, self._idle_seconds / 3))
        self.log.say("leaving: told to")
        return 0

    def _is_live(self) -> bool:
        return self._recorder is not None and self._recorder.is_live

    def _work(self) -> bool:
        """Do what there is to do; tell whether there was something, or will be."""
        if self._recorder is None:
            self._recorder = Recorder(
                self._database, limits=self._limits, say=self.log.say, pause=self._between_pieces
            )
        if self._set_aside:
            self._recorder.say_gap("the database was damaged", detail=self._set_aside)
            self._set_aside = ""
        taken = self._recorder.run_once()
        if self._in_trouble_since is not None:
            seconds = time.monotonic() - self._in_trouble_since
            self._recorder.say_gap(
                "the database could not be written for a while",
                detail=f"{seconds:.0f} s: {self._trouble}",
            )
            self.log.say(f"the database can be written again after {seconds:.0f} s")
            self._in_trouble_since = None
        self._said.say("")
        return bool(taken) or self._recorder.is_live

    def _between_pieces(self) -> None:
        """Look at what others wrote while a large file is read."""
        now = time.monotonic()
        if self._recorder is not None and now - self._looked > _PIECES_SECONDS:
            self._looked = now
            self._hear()
            self._recorder.take()

    def _wait(self, seconds: float, *, patient: bool = False) -> None:
        """Sleep until somebody wakes us, or the time is over.

        Args:
            seconds: at most so long.
            patient: sleep on when woken, until told to stop or the disk has room again.
        """
        assert self._listener is not None, "it listens as long as it serves"
        until = time.monotonic() + seconds
        while not self._stop:
            left = until - time.monotonic()
            if left <= 0 or (patient and self._has_room_again()):
                return
            left = min(left, _LOOK_SECONDS) if patient else left
            ready, _, _ = select.select([self._listener], [], [], left)
            if ready:
                self._hear()
                if not patient:
                    return

    def _has_room_again(self) -> bool:
        return self._was_full and full_disk(self._database) is None

    def _hear(self) -> None:
        """Take all datagrams that have come."""
        if self._listener is None:
            return
        while True:
            try:
                message = self._listener.recv(256)
            except OSError:
                return
            if self._election.must_make_way(message):
                self.log.say(f"making way: {message.decode('ascii', 'replace')}")
                self._stop = True

    def _note_trouble(self, error: LineageError) -> None:
        self.log.say(f"waiting: {error.line()}")
        self._trouble = str(error)
        self._was_full = full_disk(self._database) is not None
        self._said.say(error.line())
        if self._in_trouble_since is None:
            self._in_trouble_since = time.monotonic()
        if self._recorder is not None and isinstance(error, StoreError):
            # What it has in memory may be ahead of the database: begin again from what is stored.
            self._recorder.close()
            self._recorder = None

    def _begin_anew(self, error: StoreDamaged) -> bool:
        """Move a damaged database out of the way, so that recording goes on in a new one.

        Returns:
            Whether that was done: never with a file that may be somebody else's.
        """
        if self._recorder is not None:
            self._recorder.close()
            self._recorder = None
        if not may_be_ours(self._database):
            self.log.say(f"leaving: {error.line()}")
            self._said.say(error.line())
            return False
        stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime())
        aside = self._database.with_name(f"{self._database.name}.corrupt-{stamp}")
        for ending in ("", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                self._database.with_name(self._database.name + ending).rename(
                    aside.with_name(aside.name + ending)
                )
        self._set_aside = f"{error}; what it held is in {aside}"
        self.log.say(self._set_aside)
        return True
