"""Hashes of files, only where it is sure that the content hashed is the content meant.

The signature of a file (device, inode, size, modification and change time) is taken before and
after reading it; both must be equal. Reading is by ``read()``: a memory map of a file that is cut
short meanwhile would end this process, and counts as memory.
"""

from __future__ import annotations

import os
import stat
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple

from ..ids import HASH_PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable

Signature = tuple[int, int, int, int, int]

PIECE = 1024 * 1024
_COARSE_NS = 2_000_000_000
_FINE_NS = 20_000_000
"""How far apart two changes may be and still leave the same time: on FAT and old network file
systems up to 2 s, elsewhere a tick of the kernel's clock."""
_REMEMBERED = 20_000


class Hashed(NamedTuple):
    """What a file holds: ``content`` hash and ``size`` in bytes, or the ``reason`` why not known.

    ``reason`` is None exactly when ``content`` is there; both are None for what is no file.
    ``data`` is what a small file holds: it may be another one by the time its bytes are kept.
    """

    content: str | None
    size: int | None
    reason: str | None
    signature: Signature | None = None
    data: bytes | None = None


NO_FILE = Hashed(None, None, None)
CHANGED = "changed before it could be hashed"


def signature_of(status: os.stat_result) -> Signature:
    """Return what changes whenever the content of a file does."""
    return (
        *(status.st_dev, status.st_ino, status.st_size),
        *(status.st_mtime_ns, status.st_ctime_ns),
    )


class Hasher:
    """Hashes files and remembers hashes by signature.

    Args:
        between: called between pieces of 1 MiB, so that a large file delays nobody.
    """

    def __init__(self, between: Callable[[], object] = lambda: None) -> None:
        self._between = between
        self._known: OrderedDict[Signature, str] = OrderedDict()

    def known(self, signature: Signature) -> str | None:
        """Return the hash of what had this signature, None when that was not hashed here."""
        return self._known.get(signature)

    def forget(self, signature: Signature) -> str | None:
        """Forget the hash of what had this signature, so that it is read anew, and return it."""
        return self._known.pop(signature, None)

    def hash(self, path: bytes, accept: Callable[[Signature], bool]) -> Hashed:
        """Return the hash of a file.

        Args:
            path: the file.
            accept: tells from its signature whether the file is still the version that is meant.
        """
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
        except (FileNotFoundError, NotADirectoryError):
            return Hashed(None, None, "deleted before it could be hashed")
        except OSError as error:
            return Hashed(None, None, f"not readable: {error.strerror}")
        try:
            return self._hash(path, descriptor, accept)
        except OSError as error:
            return Hashed(None, None, f"not readable: {error.strerror}")
        finally:
            os.close(descriptor)

    def _hash(self, path: bytes, descriptor: int, accept: Callable[[Signature], bool]) -> Hashed:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            return NO_FILE
        before = signature_of(status)
        changed = Hashed(None, None, CHANGED)
        if not accept(before):
            return changed
        content, data = self._known.get(before), None
        if content is None:
            certain = _wait_for_tick(before)
            content, data = self._read(descriptor)
            if signature_of(os.fstat(descriptor)) != before:
                return changed
            if certain:
                self._known[before] = content
                if len(self._known) > _REMEMBERED:
                    self._known.popitem(last=False)
        try:
            now = os.stat(path)  # noqa: PTH116 - a path of bytes
        except OSError:
            return changed
        if signature_of(now) != before:
            return changed
        return Hashed(content, before[2], None, before, data)

    def _read(self, descriptor: int) -> tuple[str, bytes | None]:
        """Return the hash of what is there, and the bytes where they fit into one piece."""
        from blake3 import blake3

        hasher = blake3()
        data: bytes | None = b""
        while piece := os.read(descriptor, PIECE):
            data = piece if data == b"" else None
            hasher.update(piece)
            if len(piece) == PIECE:
                self._between()
        return HASH_PREFIX + str(hasher.hexdigest()), data


def _wait_for_tick(signature: Signature) -> bool:
    """Tell whether every later change gives another signature; wait a tick where that helps."""
    changed = max(signature[3], signature[4])
    if changed % 1_000_000 == 0:
        return changed < time.time_ns() - _COARSE_NS
    missing = changed + _FINE_NS - time.time_ns()
    if 0 < missing <= _FINE_NS:
        time.sleep(missing / 1e9)
    return missing <= _FINE_NS
