"""Text as the database holds it: SQLite's text must be Unicode, names of files need not be."""

from __future__ import annotations


def storable(text: str) -> str:
    """Return ``text`` with lone surrogates spelled out."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace").decode()
    return text


def as_stored(text: str) -> str:
    r"""Return what somebody asks for as a path would be in the database.

    >>> as_stored("caf\udce9.txt")
    'caf\\xe9.txt'
    """
    try:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:
        return storable(text)
