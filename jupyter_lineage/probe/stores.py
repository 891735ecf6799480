"""Stores to attributes of modules, and of functions and classes of libraries, in a cell's text.

No name is bound by ``module.x = …`` and the module's digest is its name and version, so what is
stored there is digested as a part of its own, by name from the module on.
"""

from __future__ import annotations

import ast
import re
import types
import warnings
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from .digest_names import (
    MISSING,
    is_known_class,
    is_known_function,
    is_known_module,
    module_attributes,
)
from .digest_reading import dict_of, instance_dict, module_name

if TYPE_CHECKING:
    from .reach import Path

_MAYBE = re.compile(
    r"\.\w+[ \t]*(?:[-+*/%&|^@<>]{0,3}=(?!=)|[:,][^\n]*=)"
    r"|\b(?:setattr|delattr|del)\b|\b(?:for|as)[ \t]+\w+\."
)
_LONGEST = 64 * 1024
UNKNOWN = "*"
"""Stands in a path for an attribute that only the running program knows."""


def in_text(source: str, owners: set[str]) -> set[Path]:
    """Return the attributes of some names that a cell's text stores, or may store.

    One that gets a constant, outside of any block, is left out: the text tells its value.

    Args:
        source: the cell in plain Python.
        owners: names that hold a module, or a function or class of a library.
    """
    if not owners or len(source) > _LONGEST or _MAYBE.search(source) is None:
        return set()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    constant = {
        id(target)
        for statement in tree.body
        if isinstance(statement, ast.Assign) and _is_constant(statement.value)
        for target in statement.targets
    }
    found = (path for node in ast.walk(tree) if id(node) not in constant for path in _stored(node))
    return {path for path in found if path[0] in owners}


def _is_constant(node: ast.expr) -> bool:
    try:
        ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False
    return True


def _stored(node: ast.AST) -> Iterator[Path]:
    if isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load):
        path = _path(node)
        if path:
            yield path
    elif isinstance(node, ast.Call) and _is_setter(node.func) and len(node.args) > 1:
        path, name = _path(node.args[0]), node.args[1]
        told = name.value if isinstance(name, ast.Constant) else None
        if path:
            yield (*path, told if isinstance(told, str) else UNKNOWN)


def _is_setter(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in ("setattr", "delattr")


def _path(node: ast.expr) -> Path:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return (node.id, *reversed(parts)) if isinstance(node, ast.Name) else ()


def is_owner(value: Any) -> bool:
    """Tell whether a value's digest says nothing of its attributes."""
    kind = type(value)
    if issubclass(kind, type):
        return is_known_class(value, module_name(value))
    if kind is types.FunctionType:
        return is_known_function(value)
    return issubclass(kind, types.ModuleType) and is_known_module(value)


def held(paths: Iterable[Path], namespace: Mapping[str, Any]) -> list[Any]:
    """Return what stands at some paths now, with the paths, to be digested together.

    Raises:
        LookupError: one of them can't be read without running code.
    """
    return [[list(path), _at(path, namespace)] for path in sorted(paths)]


def _at(path: Path, namespace: Mapping[str, Any]) -> Any:
    value = namespace[path[0]]
    for name in path[1:]:
        value = _attribute(value, name)
        if value is MISSING:
            raise LookupError(".".join(path))
    return value


def _attribute(value: Any, name: str) -> Any:
    if issubclass(type(value), type):
        return dict_of(value).get(name, MISSING)
    if type(value) is types.FunctionType:
        attributes = value.__dict__
    else:
        attributes = module_attributes(value) or instance_dict(value) or {}
    return attributes.get(name, MISSING)
