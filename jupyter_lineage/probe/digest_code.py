"""How functions, classes, modules and instances of the notebook's classes are digested.

A function is its code, its defaults and what it closes over, not where it stands; those of
libraries are their names, and a class of a library its name and the package's version.
See :mod:`.digest`.
"""

from __future__ import annotations

import abc
import enum
import functools
import sys
import types
from typing import Any

from .digest_hasher import Handler, Hasher, NoDigest
from .digest_reading import dict_of, instance_dict, module_name, mro_of, type_name

_CachedFunction = type(functools.lru_cache(lambda: None))


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


def feed_class(hasher: Hasher, kind: type) -> None:
    """Feed a class: what it holds and inherits, or name and version of one of a library.

    Raises:
        NoDigest: its metaclass is the user's, or it holds something that can't be digested.
    """
    hasher.text("class", type_name(kind))
    if module_name(kind) != "__main__":
        package = sys.modules.get(module_name(kind).partition(".")[0])
        if type(package) is types.ModuleType:
            _module(hasher, package)
        return
    if type(kind) not in (type, abc.ABCMeta, enum.EnumMeta):
        raise NoDigest(f"no digest for a class of {type_name(type(kind))}")
    for base in mro_of(kind)[1:]:
        hasher.feed(base)
    attributes = dict(dict_of(kind))
    if type(kind) is enum.EnumMeta:
        attributes = _without_machinery(hasher, attributes)
    for name in sorted(attributes.keys() - _NOT_OF_A_CLASS):
        hasher.text("attribute", name)
        value = attributes[name]
        # What an annotation says is code: of two classes it may be equal and no digest be had.
        hasher.feed(list(value) if name == "__annotations__" else value)


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
    hasher.text("member", type_name(type(value)))
    hasher.items("member", [_attribute(value, "_name_"), _attribute(value, "_value_")])


def _module(hasher: Hasher, module: types.ModuleType) -> None:
    attributes = types.ModuleType.__getattribute__(module, "__dict__")
    version = attributes.get("__version__")
    hasher.text("module", str(attributes.get("__name__")))
    hasher.text("version", version if type(version) is str else "")


def _own_instance(hasher: Hasher, value: Any) -> None:
    attributes = instance_dict(value)
    if attributes is None:
        raise NoDigest(f"no digest for {type_name(type(value))}")
    _attributes(hasher, value, attributes)


def _named_tuple(hasher: Hasher, value: Any) -> None:
    hasher.text("object", type_name(type(value)))
    hasher.items("tuple", list(tuple.__iter__(value)))


def _partial(hasher: Hasher, value: Any) -> None:
    hasher.items("partial", [value.func, value.args, value.keywords])


def _alias(hasher: Hasher, value: Any) -> None:
    hasher.items("alias", [value.__origin__, list(value.__args__)])


def _named(name: str) -> Handler:
    return lambda hasher, value: hasher.text(type(value).__name__, str(getattr(value, name)))


def _tuple_getter(hasher: Hasher, value: Any) -> None:
    hasher.items("field", [value.__reduce__()[1][0]])


_BY_NAME: dict[str, Handler] = {
    "dataclasses._HAS_DEFAULT_FACTORY_CLASS": lambda hasher, _: hasher.raw("has factory", b""),
    "_collections._tuplegetter": _tuple_getter,
    "collections._tuplegetter": _tuple_getter,
    "dataclasses._MISSING_TYPE": lambda hasher, _: hasher.raw("missing", b""),
    "typing.TypeVar": _named("__name__"),
    "typing._SpecialForm": _named("_name"),
    "typing._SpecialGenericAlias": _named("_name"),
    "typing._GenericAlias": _alias,
    "typing._UnionGenericAlias": _alias,
}
"""Types of modules that a notebook may do without, so they are not imported here."""


def handler(kind: type, package: str) -> Handler | None:
    """Return how values of exactly this type are fed, None where there is no way.

    Args:
        kind: the type, of no library that has a module of its own here.
        package: the first part of its module's name.
    """
    if package in ("_collections", "collections", "dataclasses", "typing"):
        known = getattr(sys.modules.get(package), kind.__name__, None) is kind
        return _BY_NAME.get(type_name(kind)) if known else None
    if package != "__main__":
        return None
    if type(kind) is enum.EnumMeta:
        return _member
    attributes = dict_of(kind)
    if mro_of(kind)[1:] == (tuple, object) and type(attributes.get("_fields")) is tuple:
        return _named_tuple
    return _own_instance


HANDLERS: dict[type, Handler] = {
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
    types.MethodType: lambda hasher, value: hasher.items(
        "method", [value.__func__, value.__self__]
    ),
    types.MethodDescriptorType: _named("__qualname__"),
    types.WrapperDescriptorType: _named("__qualname__"),
    types.MemberDescriptorType: _named("__name__"),
    types.GenericAlias: _alias,
    types.UnionType: lambda hasher, value: hasher.items("union", value.__args__),
    functools.partial: _partial,
    functools.cached_property: lambda hasher, value: hasher.items("cached property", [value.func]),
    _CachedFunction: lambda hasher, value: hasher.items("cached", [value.__wrapped__]),
}


def _refuse(value: Any) -> None:
    raise NoDigest(f"no digest for {type_name(type(value))}")
