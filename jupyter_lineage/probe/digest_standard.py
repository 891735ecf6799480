"""How values of Python's own types and of its standard library are digested; see :mod:`.digest`."""

from __future__ import annotations

import collections
import datetime
import decimal
import fractions
import pathlib
import re
import struct
import sys
import uuid
from typing import Any

from .digest_hasher import Handler, Hasher, NoDigest, int_text
from .digest_names import module_attributes
from .digest_reading import type_name


def _mapping(hasher: Hasher, tag: str, value: dict[Any, Any]) -> None:
    # Insertion order is part of a dict's value here: two programs that print it differ by it.
    hasher.raw(tag, str(len(value)).encode())
    hasher.items("keys", list(value.keys()))
    hasher.items("values", list(value.values()))


def _moment(hasher: Hasher, value: Any) -> None:
    zone = value.tzinfo
    if zone is not None:
        _zone(hasher, zone)
    hasher.text(type(value).__name__, f"{value.replace(tzinfo=None).isoformat()} {value.fold}")


def _zone(hasher: Hasher, zone: Any) -> None:
    known = module_attributes(sys.modules.get("zoneinfo")).get("ZoneInfo")
    if type(zone) is datetime.timezone:
        # Its name says nothing: it may be any text.
        hasher.items("timezone", [zone.utcoffset(None), str(zone)])
    elif type(zone) is known and zone.key is not None:
        hasher.text("zone", zone.key)
    else:
        raise NoDigest(f"no digest for {type_name(type(zone))}")


def _default_dict(hasher: Hasher, value: Any) -> None:
    hasher.feed(value.default_factory)
    _mapping(hasher, "default dict", value)


def _as_text(tag: str) -> Handler:
    return lambda hasher, value: hasher.text(tag, str(value))


HANDLERS: dict[type, Handler] = {
    type(None): lambda hasher, _: hasher.raw("none", b""),
    type(Ellipsis): lambda hasher, _: hasher.raw("ellipsis", b""),
    type(NotImplemented): lambda hasher, _: hasher.raw("not implemented", b""),
    bool: lambda hasher, value: hasher.raw("bool", b"1" if value else b"0"),
    int: lambda hasher, value: hasher.text("int", int_text(value)),
    float: lambda hasher, value: hasher.raw("float", struct.pack("<d", value)),
    complex: lambda hasher, value: hasher.raw(
        "complex", struct.pack("<dd", value.real, value.imag)
    ),
    str: lambda hasher, value: hasher.text("str", value),
    bytes: lambda hasher, value: hasher.raw("bytes", value),
    bytearray: lambda hasher, value: hasher.raw("bytearray", bytes(value)),
    list: lambda hasher, value: hasher.items("list", value),
    tuple: lambda hasher, value: hasher.items("tuple", value),
    dict: lambda hasher, value: _mapping(hasher, "dict", value),
    set: lambda hasher, value: hasher.unordered("set", list(value)),
    frozenset: lambda hasher, value: hasher.unordered("frozenset", list(value)),
    range: lambda hasher, value: hasher.items("range", [value.start, value.stop, value.step]),
    slice: lambda hasher, value: hasher.items("slice", (value.start, value.stop, value.step)),
    datetime.date: lambda hasher, value: hasher.text("date", value.isoformat()),
    datetime.timedelta: lambda hasher, value: hasher.items(
        "timedelta", [value.days, value.seconds, value.microseconds]
    ),
    datetime.timezone: _zone,
    datetime.datetime: _moment,
    datetime.time: _moment,
    decimal.Decimal: _as_text("decimal"),
    fractions.Fraction: _as_text("fraction"),
    uuid.UUID: _as_text("uuid"),
    pathlib.PosixPath: _as_text("path"),
    pathlib.WindowsPath: _as_text("path"),
    pathlib.PurePosixPath: _as_text("pure path"),
    pathlib.PureWindowsPath: _as_text("pure path"),
    collections.OrderedDict: lambda hasher, value: _mapping(hasher, "ordered dict", value),
    collections.Counter: lambda hasher, value: _mapping(hasher, "counter", value),
    collections.defaultdict: _default_dict,
    collections.deque: lambda hasher, value: hasher.items("deque", [value.maxlen, *value]),
    re.Pattern: lambda hasher, value: hasher.items("pattern", [value.pattern, value.flags]),
}
