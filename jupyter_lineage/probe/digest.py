"""A digest of a value's content that is equal in two fresh processes for equal values.

No code of the user is ever called: types are compared exactly, attributes are read past any
``__getattr__``, and of foreign libraries only numpy and pandas objects of exactly known types (as
found in ``sys.modules``) are asked. What can't be digested so gets no digest and a reason.
:mod:`.digest_library` knows the types of numpy, pandas and scikit-learn.
"""

from __future__ import annotations

import abc
import array
import datetime
import decimal
import fractions
import hashlib
import marshal
import pathlib
import struct
import sys
import types
import uuid
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

BUDGET = 8 * 1024 * 1024
"""Bytes of content that are hashed for one cell."""

_DEEPEST = 24
_FEW = 256
_SIMPLE = frozenset((type(None), bool, int, float, str, bytes))
_CONTAINERS = frozenset((list, tuple, dict))
_PLAIN = _SIMPLE | _CONTAINERS
_SMALL = 4096  # bytes that are gathered before they are hashed
_COST_OF_OBJECT = 160  # bytes that could be hashed in the time that visiting one object takes


class NoDigest(Exception):
    """The value can't be digested; the text is the reason."""


class Digest(NamedTuple):
    """What is known of a value's content."""

    digest: str | None
    size: int | None
    """Bytes of content that went into the digest."""
    reason: str | None


class _Plain:
    """Tells how large an instance without hidden state is."""


_PLAIN_SIZE = _Plain.__basicsize__
_mro_of: Callable[[type], tuple[type, ...]] = type.__dict__["__mro__"].__get__
_dict_of: Callable[[type], Any] = type.__dict__["__dict__"].__get__
_size_of: Callable[[type], int] = type.__dict__["__basicsize__"].__get__
_item_size_of: Callable[[type], int] = type.__dict__["__itemsize__"].__get__
_qualname_of: Callable[[type], str] = type.__dict__["__qualname__"].__get__
_module_of: Callable[[type], Any] = type.__dict__["__module__"].__get__


def type_name(kind: type) -> str:
    """Return ``module.qualname`` without running code of a metaclass."""
    name, module = _qualname_of(kind), module_name(kind)
    return name if module == "builtins" else f"{module}.{name}"


def module_name(kind: type) -> str:
    """Return the module that a class says it is from; ``?`` where it says something odd."""
    module = _module_of(kind)
    return module if type(module) is str else "?"


class Hasher:
    """Feeds values into one SHA-256, each with its type and length so that no two read the same.

    Args:
        budget: bytes that may still be hashed.
    """

    def __init__(self, budget: int) -> None:
        self.budget = budget
        self.used = 0
        self._hash = hashlib.sha256()
        self._waiting = bytearray()
        self._open: list[int] = []

    def hexdigest(self) -> str:
        """Return the digest of all that was fed."""
        self._hash.update(self._waiting)
        self._waiting.clear()
        return self._hash.hexdigest()

    def spend(self, size: int) -> None:
        """Take ``size`` bytes off the budget.

        Raises:
            NoDigest: there is not so much left.
        """
        self.budget -= size
        if self.budget < 0:
            raise NoDigest("too large")

    def raw(self, tag: str, data: bytes | memoryview) -> None:
        """Feed bytes under a tag."""
        size = data.nbytes if isinstance(data, memoryview) else len(data)
        self.spend(size)
        self.used += size
        self._waiting += f"{tag}:{size}:".encode()
        if size < _SMALL:
            self._waiting += data
        else:
            self._hash.update(self._waiting)
            self._waiting.clear()
            self._hash.update(data)

    def text(self, tag: str, value: str) -> None:
        """Feed a text under a tag; it may hold lone surrogates."""
        self.spend(len(value))
        self.raw(tag, value.encode("utf-8", "surrogatepass"))

    def feed(self, value: Any) -> None:
        """Feed any value.

        Raises:
            NoDigest: the value, or a part of it, can't be digested.
        """
        self.spend(_COST_OF_OBJECT)
        kind = type(value)
        handler = _HANDLERS.get(kind)
        if handler is None:
            handler = _special(kind)
        if handler is None:
            raise NoDigest(f"no digest for {type_name(kind)}")
        if kind in _SCALARS:
            handler(self, value)
            return
        if kind in _CONTAINERS and not _only_floats(value) and _plain_parts(value, _FEW) >= 0:
            # The oldest format: its bytes depend on nothing but the values.
            self.raw("plain", marshal.dumps(value, 0))
            return
        if len(self._open) > _DEEPEST:
            raise NoDigest("nested too deep")
        if id(value) in self._open:
            raise NoDigest("contains itself")
        self._open.append(id(value))
        handler(self, value)
        self._open.pop()

    def items(self, tag: str, values: list[Any] | tuple[Any, ...]) -> None:
        """Feed a sequence: texts and numbers in bulk, all else one by one."""
        self.raw(tag, str(len(values)).encode())
        self.spend(8 * len(values))
        kinds = set(map(type, values))
        if kinds == {str}:
            self._texts(values)
        elif kinds == {float}:
            self.raw("floats", array.array("d", values).tobytes())
        elif kinds == {int}:
            self.raw("ints", " ".join(map(_int_text, values)).encode())
        else:
            for value in values:
                self.feed(value)

    def unordered(self, tag: str, values: Iterable[Any]) -> None:
        """Feed values whose order means nothing: sorted by their own digests."""
        parts = []
        for value in values:
            part = Hasher(self.budget)
            part._open = self._open
            part.feed(value)
            self.budget = part.budget
            self.used += part.used
            parts.append(part.hexdigest())
        self.raw(tag, ",".join(sorted(parts)).encode())

    def _texts(self, values: list[str] | tuple[str, ...]) -> None:
        lengths = array.array("Q", map(len, values))
        self.raw("lengths", lengths.tobytes())
        self.spend(sum(lengths))
        self.raw("texts", "".join(values).encode("utf-8", "surrogatepass"))


def digest(value: Any, budget: int = BUDGET) -> tuple[Digest, int]:
    """Return the digest of ``value`` and what is left of ``budget``."""
    hasher = Hasher(budget)
    try:
        hasher.feed(value)
    except NoDigest as reason:
        left = hasher.budget if hasher.budget > 0 else 0
        return Digest(None, None, str(reason)), left
    except RecursionError:
        return Digest(None, None, "nested too deep"), hasher.budget
    return Digest(f"sha256:{hasher.hexdigest()}", hasher.used, None), hasher.budget


def _only_floats(value: Any) -> bool:
    # They go in as an array: spelling them out, as the oldest format does, takes much longer.
    return type(value) is not dict and set(map(type, value)) == {float}


def _plain_parts(value: Any, left: int) -> int:
    """Count down over the parts of nested lists, tuples and dicts of short texts and numbers.

    Args:
        value: the outermost container.
        left: how many parts there may be.

    Returns:
        How many more there might have been; negative when there are too many, or others.
    """
    parts = [*value, *value.values()] if type(value) is dict else value
    left -= len(parts) + 1
    kinds = set(map(type, parts))
    if left < 0 or not kinds <= _PLAIN or not _are_short(parts):
        return -1
    if not kinds <= _SIMPLE:
        for part in parts:
            if type(part) in _CONTAINERS:
                left = _plain_parts(part, left)
                if left < 0:
                    break
    return left


def _are_short(values: list[Any] | tuple[Any, ...]) -> bool:
    return all(len(value) < _SMALL for value in values if type(value) in (str, bytes))


def _int_text(value: int) -> str:
    # Python refuses to write very long numbers in decimal; hexadecimal has no such limit.
    return format(value, "x")


def instance_dict(value: Any) -> dict[str, Any] | None:
    """Return the attributes of an instance that holds nothing else, without running its code.

    None for an instance with state elsewhere (slots, a base written in C) or whose class makes
    up its ``__dict__``.
    """
    kind = type(value)
    if _size_of(kind) != _PLAIN_SIZE or _item_size_of(kind):
        return None
    found = None
    for base in _mro_of(kind):
        of_base = _dict_of(base)
        if of_base.get("__slots__", ()) != ():
            return None
        found = found or of_base.get("__dict__")
    if type(found) is not types.GetSetDescriptorType:
        return None
    attributes = found.__get__(value)
    return attributes if type(attributes) is dict else None


def _mapping(hasher: Hasher, tag: str, value: dict[Any, Any]) -> None:
    # Insertion order is part of a dict's value here: two programs that print it differ by it.
    hasher.raw(tag, str(len(value)).encode())
    hasher.items("keys", list(value.keys()))
    hasher.items("values", list(value.values()))


def _attributes(hasher: Hasher, value: Any, attributes: dict[str, Any]) -> None:
    hasher.text("object", type_name(type(value)))
    names = sorted(attributes)
    hasher.items("names", names)
    hasher.items("values", [attributes[name] for name in names])


def _code(hasher: Hasher, code: types.CodeType) -> None:
    hasher.raw("code", code.co_code)
    hasher.items("signature", [code.co_argcount, code.co_kwonlyargcount, code.co_posonlyargcount])
    hasher.items("flags", [code.co_flags])
    for names in (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars):
        hasher.items("names", names)
    hasher.items("constants", code.co_consts)


def _function(hasher: Hasher, function: types.FunctionType) -> None:
    if function.__module__ != "__main__":
        hasher.text("function", f"{function.__module__}.{function.__qualname__}")
        return
    hasher.text("function", function.__qualname__)
    _code(hasher, function.__code__)
    hasher.feed(function.__defaults__)
    hasher.feed(function.__kwdefaults__)
    for cell in function.__closure__ or ():
        _cell(hasher, cell)


def _cell(hasher: Hasher, cell: types.CellType) -> None:
    try:
        content = cell.cell_contents
    except ValueError:
        hasher.raw("empty cell", b"")
    else:
        hasher.feed(content)


_NOT_OF_A_CLASS = frozenset(
    [
        "__module__",
        "__dict__",
        "__weakref__",
        "__firstlineno__",
        "__static_attributes__",
        "__annotate_func__",
        "__annotations_cache__",
        "__abstractmethods__",
        "_abc_impl",
        "__dataclass_fields__",
        "__dataclass_params__",
    ]
)


def _class(hasher: Hasher, kind: type) -> None:
    hasher.text("class", type_name(kind))
    if module_name(kind) != "__main__":
        package = sys.modules.get(module_name(kind).partition(".")[0])
        if type(package) is types.ModuleType:
            _module(hasher, package)
        return
    if type(kind) not in (type, abc.ABCMeta):
        raise NoDigest(f"no digest for a class of {type_name(type(kind))}")
    for base in _mro_of(kind)[1:]:
        hasher.feed(base)
    attributes = _dict_of(kind)
    for name in sorted(set(attributes) - _NOT_OF_A_CLASS):
        hasher.text("attribute", name)
        hasher.feed(attributes[name])


def _module(hasher: Hasher, module: types.ModuleType) -> None:
    attributes = types.ModuleType.__getattribute__(module, "__dict__")
    version = attributes.get("__version__")
    hasher.text("module", str(attributes.get("__name__")))
    hasher.text("version", version if type(version) is str else "")


def _moment(hasher: Hasher, value: Any) -> None:
    zone = value.tzinfo
    if zone is not None:
        exact = type(zone) is datetime.timezone or type_name(type(zone)) == "zoneinfo.ZoneInfo"
        if not exact:
            raise NoDigest(f"no digest for {type_name(type(zone))}")
        hasher.text("zone", str(zone))
    hasher.text(type(value).__name__, f"{value.replace(tzinfo=None).isoformat()} {value.fold}")


def _special(kind: type) -> _Handler | None:
    """Return the handler of a type that no other module can name directly."""
    if issubclass(kind, type):
        return _class
    from . import digest_library  # which imports this module

    handler = digest_library.handler(kind)
    if handler is None and module_name(kind) == "__main__":
        return _own_instance
    return handler


def _own_instance(hasher: Hasher, value: Any) -> None:
    attributes = instance_dict(value)
    if attributes is None:
        raise NoDigest(f"no digest for {type_name(type(value))}")
    _attributes(hasher, value, attributes)


_Handler = Callable[[Hasher, Any], None]


def _as_text(tag: str) -> _Handler:
    return lambda hasher, value: hasher.text(tag, str(value))


_SCALARS = frozenset((type(None), bool, int, float, complex, str, bytes))

_HANDLERS: dict[type, _Handler] = {
    type(None): lambda hasher, _: hasher.raw("none", b""),
    type(Ellipsis): lambda hasher, _: hasher.raw("ellipsis", b""),
    type(NotImplemented): lambda hasher, _: hasher.raw("not implemented", b""),
    bool: lambda hasher, value: hasher.raw("bool", b"1" if value else b"0"),
    int: lambda hasher, value: hasher.text("int", _int_text(value)),
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
    datetime.timezone: _as_text("timezone"),
    datetime.datetime: _moment,
    datetime.time: _moment,
    decimal.Decimal: _as_text("decimal"),
    fractions.Fraction: _as_text("fraction"),
    uuid.UUID: _as_text("uuid"),
    pathlib.PosixPath: _as_text("path"),
    pathlib.WindowsPath: _as_text("path"),
    pathlib.PurePosixPath: _as_text("pure path"),
    pathlib.PureWindowsPath: _as_text("pure path"),
    types.ModuleType: _module,
    types.FunctionType: _function,
    types.CodeType: _code,
    types.BuiltinFunctionType: lambda hasher, value: (
        hasher.text("builtin", f"{value.__module__}.{value.__qualname__}")
        if isinstance(value.__self__, (types.ModuleType, type(None)))
        else _refuse(value)
    ),
    staticmethod: lambda hasher, value: hasher.items("static", [value.__func__]),
    classmethod: lambda hasher, value: hasher.items("class method", [value.__func__]),
    property: lambda hasher, value: hasher.items("property", [value.fget, value.fset, value.fdel]),
}


def _refuse(value: Any) -> None:
    raise NoDigest(f"no digest for {type_name(type(value))}")
