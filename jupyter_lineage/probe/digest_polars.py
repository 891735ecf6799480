"""How values of polars are digested: by content, however it lies in memory; see :mod:`.digest`.

Nothing is imported here, numpy neither: polars would load it to hand numbers out.
"""

from __future__ import annotations

import array
import sys
from typing import Any

from .digest_hasher import TOO_LARGE, Handler, Hasher, NoDigest
from .digest_library import MOST_COLUMNS, feed_objects

_NUMBERS = {
    "Int8": "b",
    "Int16": "h",
    "Int32": "i",
    "Int64": "q",
    "UInt8": "B",
    "UInt16": "H",
    "UInt32": "I",
    "UInt64": "Q",
    "Float32": "f",
    "Float64": "d",
}
_MOMENTS = ("Date", "Datetime", "Duration", "Time")
_OBJECTS = ("String", "Utf8", "Binary", "Decimal", "Int128", "Null")
_NESTED = ("List", "Array", "Struct")
_COST_OF_VALUE = 16  # bytes that could be hashed while one Python object is made of a value


def handler(kind: type) -> Handler | None:
    """Return how values of exactly this type are fed, None where it is not one of polars."""
    polars = sys.modules.get("polars")
    if kind is getattr(polars, "DataFrame", None):
        return _frame
    return _series if kind is getattr(polars, "Series", None) else None


def _frame(hasher: Hasher, value: Any) -> None:
    if value.width > MOST_COLUMNS:
        raise NoDigest(TOO_LARGE)
    hasher.items("polars frame", [value.height, value.width])
    for column in value.get_columns():
        hasher.feed(column)


def _series(hasher: Hasher, value: Any) -> None:
    dtype = str(value.dtype)
    hasher.text("polars series", value.name)
    hasher.text("dtype", dtype)
    hasher.items("length", [len(value)])
    word = dtype.partition("(")[0]
    if word in ("Categorical", "Enum"):
        # Their codes are given in the order in which the process met the texts.
        value, word = value.cast(sys.modules["polars"].Utf8), "String"
    if word in _OBJECTS or word in _NESTED:
        _as_objects(hasher, value, nested=word in _NESTED)
        return
    if word in _MOMENTS:
        value = value.to_physical()
    elif word == "Boolean":
        value = value.cast(sys.modules["polars"].UInt8)
    elif word not in _NUMBERS:
        raise NoDigest(f"no digest for a polars series of {word}")
    if value.null_count():
        # What lies under a missing value is left over from before.
        _numbers(hasher, value.is_null().cast(sys.modules["polars"].UInt8))
        value = value.fill_null(0)
    _numbers(hasher, value)


def _as_objects(hasher: Hasher, value: Any, *, nested: bool) -> None:
    size = value.estimated_size()
    if _COST_OF_VALUE * (size if nested else len(value)) + size > hasher.budget:
        raise NoDigest(TOO_LARGE)
    feed_objects(hasher, value.to_list())


def _numbers(hasher: Hasher, value: Any) -> None:
    code = _NUMBERS[str(value.dtype)]
    if array.array(code).itemsize * len(value) > hasher.budget:
        raise NoDigest(TOO_LARGE)
    if "numpy" in sys.modules:
        hasher.raw("data", value.to_numpy().tobytes())
    else:
        hasher.spend(_COST_OF_VALUE * len(value))
        hasher.raw("data", array.array(code, value.to_list()).tobytes())
