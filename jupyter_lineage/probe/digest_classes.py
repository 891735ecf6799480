"""How classes and instances of the notebook's own classes are digested; see :mod:`.digest`.

A class is what it holds and inherits; one of a library is its name and the package's version, where
that is what stands there. An instance is its class and its attributes.
"""

from __future__ import annotations

import abc
import enum
import gc
import sys
import types
from functools import partial
from typing import Any

from .digest_code import feed_named
from .digest_hasher import Handler, Hasher, NoDigest
from .digest_names import is_known_class
from .digest_reading import dict_of, instance_dict, module_name, mro_of, short_name, type_name

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
    ]
)


def feed_class(hasher: Hasher, kind: type) -> None:
    """Feed a class: what it holds and inherits, or name and version of one of a library.

    Raises:
        NoDigest: its metaclass is the user's, or it holds something that can't be digested.
    """
    module = module_name(kind)
    if is_known_class(kind, module):
        hasher.text("library class", type_name(kind))
        package = sys.modules.get(module.partition(".")[0])
        if type(package) is types.ModuleType:
            hasher.feed(package)
    else:
        hasher.whole(kind, _content)


def _content(hasher: Hasher, kind: type) -> None:
    if type(kind) not in (type, abc.ABCMeta, enum.EnumMeta):
        raise NoDigest(f"no digest for a class of {type_name(type(kind))}")
    hasher.text("class", type_name(kind))
    for base in mro_of(kind)[1:]:
        hasher.feed(base)
    attributes = dict(dict_of(kind))
    if type(kind) is enum.EnumMeta:
        attributes = _without_machinery(hasher, attributes)
    held = {name: one for name, one in attributes.items() if name not in _NOT_OF_A_CLASS}
    feed_named(hasher, "attributes", held)


def _without_machinery(hasher: Hasher, attributes: dict[str, Any]) -> dict[str, Any]:
    """Feed an enumeration's members and return what else its class holds of the user's."""
    members = attributes["_member_map_"]
    hasher.items("members", list(members))
    hasher.items("values", [_attribute(one, "_value_") for one in members.values()])
    return {
        name: value
        for name, value in attributes.items()
        if name not in members and not (name[:1] == "_" != name[1:2])
    }


def _attribute(value: Any, name: str) -> Any:
    """Return an attribute past any method of the user's that makes attributes up."""
    return object.__getattribute__(value, name)


def _member(hasher: Hasher, value: Any) -> None:
    hasher.items("member", [type(value), _attribute(value, "_name_"), _attribute(value, "_value_")])


def _own_instance(hasher: Hasher, value: Any) -> None:
    attributes = instance_dict(value)
    if attributes is None:
        raise NoDigest(f"no digest for {type_name(type(value))}")
    hasher.feed(type(value))
    feed_named(hasher, "object", attributes)


def _named_tuple(hasher: Hasher, value: Any) -> None:
    hasher.feed(type(value))
    hasher.items("tuple", list(tuple.__iter__(value)))


def _tuple_getter(hasher: Hasher, value: Any) -> None:
    hasher.items("field", list(value.__reduce__()[1]))


_OF_FIELD = (
    *("name", "type", "default", "default_factory", "init", "repr", "hash", "compare"),
    *("metadata", "kw_only", "_field_type"),
)
_OF_PARAMETERS = ("init", "repr", "eq", "order", "unsafe_hash", "frozen")


def _slots(names: tuple[str, ...], hasher: Hasher, value: Any) -> None:
    hasher.text("slots", type_name(type(value)))
    hasher.items("held", [_attribute(value, name) for name in names])


_BY_NAME: dict[str, Handler] = {
    "dataclasses._HAS_DEFAULT_FACTORY_CLASS": lambda hasher, _: hasher.raw("has factory", b""),
    "dataclasses._MISSING_TYPE": lambda hasher, _: hasher.raw("missing", b""),
    "dataclasses._KW_ONLY_TYPE": lambda hasher, _: hasher.raw("keywords only", b""),
    "dataclasses._FIELD_BASE": partial(_slots, ("name",)),
    "dataclasses.Field": partial(_slots, _OF_FIELD),
    "dataclasses._DataclassParams": partial(_slots, _OF_PARAMETERS),
    "dataclasses.InitVar": partial(_slots, ("type",)),
    "_collections._tuplegetter": _tuple_getter,
    "collections._tuplegetter": _tuple_getter,
}
"""Types of modules that a notebook may do without, so they are not imported here."""


def handler(kind: type, package: str) -> Handler | None:
    """Return how values of exactly this type are fed, None where there is no way.

    Args:
        kind: the type, of no library that has a module of its own here.
        package: the first part of its module's name.
    """
    if package in ("_collections", "collections", "dataclasses"):
        known = getattr(sys.modules.get(package), short_name(kind), None) is kind
        return _BY_NAME.get(type_name(kind)) if known else None
    if package != "__main__":
        return None
    if type(kind) is enum.EnumMeta:
        return _member
    attributes = dict_of(kind)
    if mro_of(kind)[1:] == (tuple, object) and type(attributes.get("_fields")) is tuple:
        return _named_tuple
    return _own_instance


def _read_only(hasher: Hasher, value: types.MappingProxyType[Any, Any]) -> None:
    # Reading through it would run the code of a mapping of the user's.
    hasher.items("read only", gc.get_referents(value))


HANDLERS: dict[type, Handler] = {types.MappingProxyType: _read_only}
