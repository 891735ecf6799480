"""Whether a record of a spool has the types that the contract gives it.

Checked once, where a record is taken: what passes here can't fail later, when nobody knows any
more which record it came from, and be met again at each start.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_LAST_SECOND = 253_402_300_799
"""The end of the year 9999: no calendar of ours goes further."""
_LARGEST = 2**63 - 1
_LARGEST_PID = 2**31 - 1


def is_whole(value: object, least: int = 0, most: int = _LARGEST) -> bool:
    """Tell whether a value is a whole number that SQLite can hold."""
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def is_time(value: object) -> bool:
    """Tell whether a value is a number of seconds since the epoch that has a date."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and 0 <= value <= _LAST_SECOND and math.isfinite(value)  # type: ignore[operator, arg-type]


def is_path(value: object) -> bool:
    """Tell whether a value can name a file."""
    return isinstance(value, str) and value != "" and "\0" not in value


def is_uuid(value: object) -> bool:
    """Tell whether a value is a UUID's usual text."""
    return isinstance(value, str) and _UUID.fullmatch(value) is not None


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_paths(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(one, str) and "\0" not in one for one in value
    )


def _is_stat(value: object) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 5
        and all(is_whole(one, -_LARGEST - 1, 2**64 - 1) for one in value)
    )


def _is_pid(value: object) -> bool:
    return is_whole(value, 1, _LARGEST_PID)


def _is_object(value: object) -> bool:
    return isinstance(value, dict)


_Check = tuple[str, "Callable[[object], bool]"]
_EVERY: tuple[_Check, ...] = (("at", is_time), ("ns", is_whole), ("n", is_whole))
_HEADER: tuple[_Check, ...] = (*_EVERY, ("run", is_uuid), ("writer", _is_text))
_HEADER_OPTIONAL: tuple[_Check, ...] = (
    *(("process", is_uuid), ("parent_process", is_uuid), ("run_parent", is_uuid)),
    *(("pid", _is_pid), ("pid_started", is_whole), ("unseen", is_whole)),
    *(("cwd", is_path), ("site_dirs", _is_paths), ("ignored", _is_paths)),
    *(("variables", _is_object), ("notebook", _is_text), ("host", _is_text), ("user", _is_text)),
)
_FILE: tuple[_Check, ...] = (("op", _is_text), ("path", is_path))
_FILE_OPTIONAL: tuple[_Check, ...] = (
    *(("path2", is_path), ("flags", is_whole), ("stat", _is_stat), ("via", _is_text)),
)


def check_header(record: dict[str, Any]) -> None:
    """Check a spool's first record.

    Raises:
        ValueError: it is not what a kernel of ours writes; says what is wrong.
    """
    _check(record, _HEADER, _HEADER_OPTIONAL)
    alive = record.get("alive")
    # The name is later removed: it may be no other file's.
    if alive is not None and alive != f"{record.get('process')}.alive":
        raise ValueError("alive is not the name of its process's lock")


def check_record(record: dict[str, Any]) -> None:
    """Check what is kept of a record beyond its transaction.

    Raises:
        ValueError: says what is wrong.
    """
    _check(record, _EVERY, ())
    if record.get("type") == "file":
        _check(record, _FILE, _FILE_OPTIONAL)


def _check(
    record: dict[str, Any], needed: tuple[_Check, ...], optional: tuple[_Check, ...]
) -> None:
    for name, is_right in needed:
        if not is_right(record.get(name)):
            raise ValueError(f"{name} is missing or of the wrong kind")
    for name, is_right in optional:
        value = record.get(name)
        if value is not None and not is_right(value):
            raise ValueError(f"{name} is of the wrong kind")
