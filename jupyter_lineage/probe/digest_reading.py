"""Reading types and attributes without running code of the user; see :mod:`.digest`."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any


class _Plain:
    """Tells how large an instance without hidden state is."""


_PLAIN_SIZE = _Plain.__basicsize__
mro_of: Callable[[type], tuple[type, ...]] = type.__dict__["__mro__"].__get__
dict_of: Callable[[type], Any] = type.__dict__["__dict__"].__get__
_size_of: Callable[[type], int] = type.__dict__["__basicsize__"].__get__
_item_size_of: Callable[[type], int] = type.__dict__["__itemsize__"].__get__
_qualname_of: Callable[[type], str] = type.__dict__["__qualname__"].__get__
_module_of: Callable[[type], Any] = type.__dict__["__module__"].__get__


def type_name(kind: type) -> str:
    """Return ``module.qualname`` without running code of a metaclass."""
    name, module = _qualname_of(kind), module_name(kind)
    return name if module == "builtins" else f"{module}.{name}"


def short_name(kind: type) -> str:
    """Return the last part of a class's name without running code of a metaclass."""
    return _qualname_of(kind).rpartition(".")[2]


def module_name(kind: type) -> str:
    """Return the module that a class says it is from; ``?`` where it says something odd."""
    module = _module_of(kind)
    return module if type(module) is str else "?"


def instance_dict(value: Any) -> dict[str, Any] | None:
    """Return the attributes of an instance that holds nothing else, without running its code.

    None for an instance with state elsewhere (slots, a base written in C) or whose class makes
    up its ``__dict__``.
    """
    kind = type(value)
    if _size_of(kind) != _PLAIN_SIZE or _item_size_of(kind):
        return None
    found = None
    for base in mro_of(kind):
        of_base = dict_of(base)
        if of_base.get("__slots__", ()) != ():
            return None
        found = found or of_base.get("__dict__")
    if type(found) is not types.GetSetDescriptorType:
        return None
    attributes = found.__get__(value)
    return attributes if type(attributes) is dict else None
