"""What a path of bytes is called in the record."""

from __future__ import annotations

from urllib.parse import quote_from_bytes


def uri_of(path: bytes) -> str:
    """Return a path's ``file:`` URI, which is exact for names that are no Unicode too."""
    return "file://" + quote_from_bytes(path)


def reading_path(path: bytes) -> str:
    """Return a path to be shown: bytes that are no Unicode are spelled out."""
    return path.decode("utf-8", "backslashreplace")
