"""One recorder per user, host and database: a lock, and an older one makes way for a newer one."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
from typing import TYPE_CHECKING

from ..probe.wake import LOCK, RECORDER_VERSION, SOCKET, is_older, version_key

try:
    import fcntl
except ImportError:  # Windows: the socket is missing there too, so two recorders are not told apart
    fcntl = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAKE_WAY = b"make way for "
_PATIENCE = 10.0
_LONGEST_ADDRESS = 100


class Election:
    """The lock of one folder.

    Args:
        folder: the spool folder, which exists.
        version: of this recorder, the schema's steps counted in.
    """

    def __init__(self, folder: Path, version: str = RECORDER_VERSION) -> None:
        self._folder = folder
        self._version = version
        self._descriptor = -1

    def win(self) -> bool:
        """Become the one recorder; False when another one is, and goes on.

        An older one is asked to make way and given some seconds to end what it is at.
        """
        until = time.monotonic() + _PATIENCE
        while not self._try():
            if not is_older(str(self._folder), self._version) or time.monotonic() > until:
                return False
            send(self._folder, MAKE_WAY + self._version.encode())
            time.sleep(0.05)
        return True

    def _try(self) -> bool:
        descriptor = os.open(self._folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if fcntl is not None:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                os.close(descriptor)
                return False
        os.ftruncate(descriptor, 0)
        os.pwrite(
            descriptor, json.dumps({"pid": os.getpid(), "version": self._version}).encode(), 0
        )
        self._descriptor = descriptor
        return True

    def must_make_way(self, message: bytes) -> bool:
        """Tell whether a datagram asks this recorder to make way for a newer one."""
        if not message.startswith(MAKE_WAY):
            return False
        newer = message.removeprefix(MAKE_WAY).decode("ascii", "replace")
        return version_key(newer) > version_key(self._version)

    def listen(self) -> socket.socket:
        """Return the socket that wake-ups come to; only the winner may call it.

        Raises:
            OSError: it can't be made.
        """
        address = self._folder / SOCKET
        address.unlink(missing_ok=True)  # left by one that was killed: the lock is ours
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            with _short(self._folder) as name:
                listener.bind(name)
            address.chmod(0o600)
            listener.setblocking(False)
        except OSError:
            listener.close()
            raise
        return listener

    def resign(self) -> None:
        """Give up the lock, and the socket's name with it."""
        (self._folder / SOCKET).unlink(missing_ok=True)
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def send(folder: Path, message: bytes) -> bool:
    """Send a datagram to the recorder of ``folder``; tell whether one got it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.setblocking(False)
        try:
            with _short(folder) as name:
                sender.sendto(message, name)
        except BlockingIOError:
            return True
        except OSError:
            return False
    return True


@contextlib.contextmanager
def _short(folder: Path) -> Iterator[str]:
    """Give the socket's address: a deep folder's by its descriptor, since it takes 100 bytes."""
    address = str(folder / SOCKET)
    if len(os.fsencode(address)) < _LONGEST_ADDRESS:
        yield address
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}/{SOCKET}"
    finally:
        os.close(descriptor)
