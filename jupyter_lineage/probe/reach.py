"""Which names of the notebook a cell may read or change by the functions that its text names.

A call changes what its function reaches: globals, and those of the functions that it calls in turn.
Functions, methods, classes and what wraps them are followed where they are the notebook's own, by
what they hold and without running any of it. It goes a bounded way.
"""

from __future__ import annotations

import contextlib
import dis
import functools
import types
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .digest_code import CachedFunction
from .digest_reading import dict_of, instance_dict, module_name, mro_of

_MOST_VISITED = 400
_MOST_HELD = 64
_MOST_CODE = 64 * 1024
_MOST_KNOWN = 1024
_LOADS = frozenset(("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"))
_STORES = frozenset(("STORE_GLOBAL", "DELETE_GLOBAL"))
_ATTRIBUTES = frozenset(("LOAD_ATTR", "LOAD_METHOD"))
_COPIES = frozenset(("DUP_TOP", "COPY"))
OPAQUE = frozenset(("exec", "eval", "globals", "locals"))
"""Names whose call may do anything to any name."""

Path = tuple[str, ...]
"""A name of the notebook and the attributes from there to one that is stored."""


class _Uses(NamedTuple):
    """What a function's code, that inside it included, uses of its globals."""

    loads: frozenset[str]
    stores: frozenset[str]
    attributes: frozenset[Path]


@dataclass
class Reached:
    """What a cell's functions may read or change."""

    loads: set[str] = field(default_factory=set)
    stores: set[str] = field(default_factory=set)
    attributes: set[Path] = field(default_factory=set)
    """Attributes of globals that are stored."""

    @property
    def anything(self) -> bool:
        """Whether one of them runs code that is made as it runs."""
        return not OPAQUE.isdisjoint(self.loads)


class Reach:
    """Follows functions; what their code uses is worked out once and kept for the session."""

    def __init__(self) -> None:
        # By identity, the code kept alive: comparing code costs more than reading it.
        self._known: dict[int, tuple[types.CodeType, _Uses]] = {}

    def of(
        self, names: Iterable[str], namespace: Mapping[str, Any], globals_: Mapping[str, Any]
    ) -> Reached:
        """Return what the functions behind some names may read or change.

        Args:
            names: names of the namespace that a cell's text has.
            namespace: the user's, as it is now.
            globals_: the user's namespace itself, by which its functions are known.
        """
        reached = Reached()
        waiting = [namespace[name] for name in names if _leads_on(type(namespace[name]))]
        seen: set[int] = set()
        while waiting and len(seen) < _MOST_VISITED:
            value = waiting.pop()
            if id(value) in seen:
                continue
            seen.add(id(value))
            if type(value) is types.FunctionType and value.__globals__ is globals_:
                uses = self._uses(value.__code__)
                fresh = (uses.loads | uses.stores) - reached.loads - reached.stores
                reached.loads |= uses.loads
                reached.stores |= uses.stores
                reached.attributes |= uses.attributes
                waiting += [namespace[name] for name in fresh if name in namespace]
            waiting += [one for one in _held(value) if _leads_on(type(one))]
        return reached

    def _uses(self, code: types.CodeType) -> _Uses:
        known = self._known.get(id(code))
        if known is None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            known = self._known[id(code)] = code, _read(code)
        return known[1]


_PLAIN = frozenset((int, float, str, bytes, bool, type(None), types.ModuleType))


def _leads_on(kind: type) -> bool:
    if kind in _PLAIN:
        return False
    return kind in _HELD or issubclass(kind, type) or module_name(kind) == "__main__"


def _held(value: Any) -> list[Any]:
    """Return what a value holds that may be called with it; none of it is run."""
    kind = type(value)
    found = _HELD.get(kind)
    if found is not None:
        return found(value)
    if issubclass(kind, type):
        if module_name(value) != "__main__":
            return []
        return [*mro_of(value)[1:], *dict_of(value).values()]
    return [kind, *_few((instance_dict(value) or {}).values())]


def _few(values: Iterable[Any]) -> list[Any]:
    held = list(values)
    if len(held) > _MOST_HELD or _PLAIN.issuperset(map(type, held)):
        return []
    return held


def _of_function(value: types.FunctionType) -> list[Any]:
    inner = []
    for cell in value.__closure__ or ():
        with contextlib.suppress(ValueError):  # an empty one
            inner.append(cell.cell_contents)
    defaults = [*(value.__defaults__ or ()), *(value.__kwdefaults__ or {}).values()]
    return [*inner, *defaults, *_few(value.__dict__.values())]


_dict_of_cached: Any = dict_of(CachedFunction)["__dict__"].__get__

_HELD: dict[type, Callable[[Any], list[Any]]] = {
    types.FunctionType: _of_function,
    types.MethodType: lambda value: [value.__func__, value.__self__],
    staticmethod: lambda value: [value.__func__],
    classmethod: lambda value: [value.__func__],
    property: lambda value: [value.fget, value.fset, value.fdel],
    functools.cached_property: lambda value: [value.func],
    functools.partial: lambda value: [value.func, *value.args, *value.keywords.values()],
    CachedFunction: lambda value: [_dict_of_cached(value).get("__wrapped__")],
    list: _few,
    tuple: _few,
    dict: lambda value: _few(value.values()),
}


def _read(code: types.CodeType) -> _Uses:
    """Return what a code object uses of its globals, that of functions inside it included."""
    loads: set[str] = set()
    stores: set[str] = set()
    attributes: set[Path] = set()
    waiting, size = [code], 0
    while waiting:
        one = waiting.pop()
        waiting += [part for part in one.co_consts if type(part) is types.CodeType]
        size += len(one.co_code)
        if size > _MOST_CODE:
            loads.update(one.co_names)
        else:
            _Reader(loads, stores, attributes).read(one)
    if not OPAQUE.isdisjoint(loads) or "setattr" in loads:
        loads.update(_texts(code))
    return _Uses(frozenset(loads), frozenset(stores), frozenset(attributes))


def _texts(code: types.CodeType) -> Iterable[str]:
    for part in code.co_consts:
        if type(part) is str and part.isidentifier():
            yield part
        elif type(part) is types.CodeType:
            yield from _texts(part)


class _Reader:
    """Reads the instructions of one code object, and the attributes that it stores.

    ``a.b.c = x`` loads ``a``, then ``b`` of that, and stores ``c``; ``a.b += x`` copies ``a`` first
    and works out ``x`` in between.
    """

    def __init__(self, loads: set[str], stores: set[str], attributes: set[Path]) -> None:
        self._loads, self._stores, self._attributes = loads, stores, attributes

    def read(self, code: types.CodeType) -> None:
        path: Path = ()
        copied: list[Path] = []
        for step in dis.get_instructions(code):
            name = step.opname
            if name in _LOADS:
                self._loads.add(step.argval)
                path = (step.argval,)
            elif name in _STORES:
                self._stores.add(step.argval)
            elif name in _ATTRIBUTES and path:
                path = (*path, step.argval)
            elif name in _COPIES and path:
                copied.append(path)
            elif name == "STORE_ATTR":
                stored = path or (copied.pop() if copied else ())
                if stored:
                    self._attributes.add((*stored, step.argval))
                path = ()
            elif name not in ("CACHE", "EXTENDED_ARG", "NOP"):
                path = ()
