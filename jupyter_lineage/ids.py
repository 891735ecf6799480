"""Identifiers: UUIDv7 between machines, BLAKE3 for content."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, NewType

from .probe.uuid7 import uuid7

if TYPE_CHECKING:
    from collections.abc import Iterable

RunId = NewType("RunId", str)
"""Canonical 36-character text of a run's UUIDv7."""

ContentHash = NewType("ContentHash", str)
"""``blake3:`` and 64 hexadecimal characters."""

HASH_PREFIX = "blake3:"

__all__ = ["HASH_PREFIX", "ContentHash", "RunId", "from_bytes", "hash_bytes", "to_bytes", "uuid7"]


def to_bytes(uid: str) -> bytes:
    """Return the 16 bytes of a UUID's text, as the database keeps it.

    Raises:
        ValueError: ``uid`` is no UUID.
    """
    return uuid.UUID(uid).bytes


def from_bytes(uid: bytes) -> str:
    """Return the canonical text of a UUID's 16 bytes."""
    return str(uuid.UUID(bytes=uid))


def hash_bytes(*chunks: bytes | Iterable[bytes]) -> ContentHash:
    """Return the BLAKE3 content hash of bytes, given whole or as iterables of pieces."""
    from blake3 import blake3

    hasher = blake3()
    for chunk in chunks:
        for piece in (chunk,) if isinstance(chunk, bytes) else chunk:
            hasher.update(piece)
    return ContentHash(HASH_PREFIX + hasher.hexdigest())
