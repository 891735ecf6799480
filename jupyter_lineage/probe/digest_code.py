"""How functions, methods and modules are digested; classes are in :mod:`.digest_classes`.

A function is its code, its defaults, its attributes and what it closes over, not where it stands.
One of a library is its name, where that is what stands there; so is a module that was imported.
See :mod:`.digest`.
"""

from __future__ import annotations

import functools
import gc
import types
from collections.abc import Iterator
from typing import Any

from .digest_hasher import Handler, Hasher, NoDigest
from .digest_names import (
    MISSING,
    has_globals_of_a_module,
    is_known_function,
    is_known_module,
    module_attributes,
    standing_at,
)
from .digest_reading import dict_of, type_name

CachedFunction = type(functools.lru_cache(lambda: None))
_dict_of_cached = dict_of(CachedFunction)["__dict__"].__get__
_dict_of_partial = dict_of(functools.partial)["__dict__"].__get__
_cache_info: Any = dict_of(CachedFunction)["cache_info"]
_NOT_OF_A_MODULE = frozenset(
    ("__builtins__", "__spec__", "__loader__", "__cached__", "__warningregistry__")
)


def feed_named(hasher: Hasher, tag: str, attributes: dict[str, Any]) -> None:
    """Feed attributes by name, in the order of their names.

    Raises:
        NoDigest: one of them can't be digested, or has no text for a name.
    """
    if any(type(name) is not str for name in attributes):
        raise NoDigest("no digest for attributes without a name")
    names = sorted(attributes)
    hasher.items(tag, names)
    hasher.items("values", [attributes[name] for name in names])


def _code(hasher: Hasher, code: types.CodeType) -> None:
    hasher.raw("code", code.co_code)
    hasher.raw("exceptions", getattr(code, "co_exceptiontable", b""))
    hasher.items("signature", [code.co_argcount, code.co_kwonlyargcount, code.co_posonlyargcount])
    hasher.items("flags", [code.co_flags])
    for names in (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars):
        hasher.items("names", names)
    hasher.items("constants", code.co_consts)


def _function(hasher: Hasher, function: types.FunctionType) -> None:
    if is_known_function(function):
        hasher.text("library", f"{function.__module__}.{function.__qualname__}")
        return
    hasher.text("function", function.__qualname__)
    _code(hasher, function.__code__)
    hasher.feed(function.__defaults__)
    hasher.feed(function.__kwdefaults__)
    for cell in function.__closure__ or ():
        _cell(hasher, cell)
    if function.__dict__:
        feed_named(hasher, "attributes", function.__dict__)
    if function.__annotations__:
        hasher.feed(function.__annotations__)
    if not has_globals_of_a_module(function):
        # Nobody else looks at these: they are no names of the notebook.
        used = sorted(set(_names(function.__code__)) & function.__globals__.keys())
        feed_named(hasher, "globals", {name: function.__globals__[name] for name in used})


def _names(code: types.CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if type(constant) is types.CodeType:
            yield from _names(constant)


def _cell(hasher: Hasher, cell: types.CellType) -> None:
    try:
        content = cell.cell_contents
    except ValueError:
        hasher.raw("empty cell", b"")
    else:
        hasher.feed(content)


def _builtin(hasher: Hasher, value: types.BuiltinFunctionType) -> None:
    """Feed a function written in C: its name where it stands there, else what it is bound to."""
    owner, name = value.__self__, value.__name__
    if standing_at(value.__module__, value.__qualname__) is value:
        hasher.text("builtin", f"{value.__module__}.{value.__qualname__}")
    elif owner is None:
        raise NoDigest(f"no digest for {type_name(type(value))}")
    elif issubclass(type(owner), types.ModuleType):
        if module_attributes(owner).get(name, MISSING) is not value:
            raise NoDigest(f"no digest for {type_name(type(value))}")
        hasher.items("builtin of", [owner, name])
    else:
        hasher.items("bound", [name, owner])


def _module(hasher: Hasher, module: types.ModuleType) -> None:
    attributes = module_attributes(module)
    if not is_known_module(module):
        hasher.raw("made module", b"")
        held = {name: one for name, one in attributes.items() if name not in _NOT_OF_A_MODULE}
        feed_named(hasher, "names", held)
        return
    version = attributes.get("__version__")
    hasher.text("module", attributes["__name__"])
    hasher.text("version", version if type(version) is str else "")


def _partial(hasher: Hasher, value: functools.partial[Any]) -> None:
    hasher.items("partial", [value.func, value.args, value.keywords, _dict_of_partial(value)])


def _cached(hasher: Hasher, value: Any) -> None:
    """Feed a function that keeps its results, with those that it holds."""
    attributes = {k: v for k, v in _dict_of_cached(value).items() if k != "cache_parameters"}
    feed_named(hasher, "cached", attributes)
    info = _cache_info(value)
    hasher.feed(info.maxsize)
    if info.currsize:
        hasher.items("results", _results(value, info.currsize))


def _results(value: Any, count: int) -> list[Any]:
    """Return the keys and results in a cache, which only the garbage collector is shown.

    Raises:
        NoDigest: they are not where they are in the versions of Python that are known.
    """
    shown = gc.get_referents(value)
    links = shown[1 : 1 + 3 * count]
    if {type_name(one) for one in links[2::3] if type(one) is type} == {"functools._lru_list_elem"}:
        pairs = [(links[place], links[place + 1]) for place in range(0, len(links), 3)]
        if len(pairs) == count:
            return [part for pair in pairs for part in pair]
    plain = [one for one in shown if type(one) is dict and len(one) == count]
    if len(plain) == 1 and plain[0] is not _dict_of_cached(value):
        return [part for pair in plain[0].items() for part in pair]
    raise NoDigest("no digest for results that a function keeps")


def _of_class(hasher: Hasher, value: Any) -> None:
    """Feed what a class written in C, or one with slots, keeps for a method or an attribute."""
    hasher.text(type(value).__name__, value.__name__)
    hasher.feed(value.__objclass__)


def _property(hasher: Hasher, value: property) -> None:
    hasher.items("property", [value.fget, value.fset, value.fdel, value.__doc__])


HANDLERS: dict[type, Handler] = {
    types.ModuleType: _module,
    types.FunctionType: _function,
    types.CodeType: _code,
    types.BuiltinFunctionType: _builtin,
    staticmethod: lambda hasher, value: hasher.items("static", [value.__func__]),
    classmethod: lambda hasher, value: hasher.items("class method", [value.__func__]),
    property: _property,
    types.MethodType: lambda hasher, value: hasher.items(
        "method", [value.__func__, value.__self__]
    ),
    types.MethodDescriptorType: _of_class,
    types.WrapperDescriptorType: _of_class,
    types.MemberDescriptorType: _of_class,
    types.GetSetDescriptorType: _of_class,
    types.GenericAlias: lambda hasher, value: hasher.items(
        "alias", [value.__origin__, list(value.__args__)]
    ),
    types.UnionType: lambda hasher, value: hasher.items("union", value.__args__),
    functools.partial: _partial,
    functools.cached_property: lambda hasher, value: hasher.items(
        "cached property", [value.func, value.attrname]
    ),
    CachedFunction: _cached,
}
