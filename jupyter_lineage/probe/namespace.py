"""Which names a cell bound, rebound or deleted, and a digest of what they hold now.

A name is compared by the identity of its value, and by what the cell's source stores to at its
top level (``x = 1`` again gives the same small integer). Only identities are kept over the cell,
never the values: that would keep alive what the cell deletes.
"""

from __future__ import annotations

import ast
import re
import types
from collections.abc import Mapping
from typing import Any

from . import digest

_LONGEST_SOURCE = 256 * 1024
_OF_IPYTHON = re.compile(
    r"_{1,3}|_i{1,3}|_i?\d+|_[ido]h|__\w+__|_exit_code|In|Out|exit|quit|get_ipython|open"
    r"|__vsc_ipynb_file__|__session__"
)
Snapshot = dict[str, int]


def is_own(name: str, value: Any) -> bool:
    """Tell whether a name of the namespace is the user's own and not IPython's machinery."""
    if name[:1] == "_" and type(value) is types.ModuleType:
        return False
    return _OF_IPYTHON.fullmatch(name) is None


def snapshot(namespace: Mapping[str, Any]) -> Snapshot:
    """Return the identity of every value, by name."""
    items = dict(namespace)
    return dict(zip(items, map(id, items.values()), strict=True))


def stored_names(source: str) -> set[str]:
    """Return the names that a cell's source stores to outside of functions and classes.

    Empty for a source that can't be parsed or is too large to be.
    """
    if len(source) > _LONGEST_SOURCE:
        return set()
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    found: set[str] = set()
    _add_stores(tree.body, found)
    if ":=" in source:
        found |= {n.target.id for n in ast.walk(tree) if isinstance(n, ast.NamedExpr)}
    return found


def _add_stores(body: list[Any], found: set[str]) -> None:
    """Add what statements store to; expressions are not walked, which costs most of the time."""
    for node in body:
        kind = type(node)
        if kind is ast.Expr:
            continue
        if kind in (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef):
            found.add(node.name)
        elif kind is ast.Assign:
            _add_targets(node.targets, found)
        elif kind in (ast.Import, ast.ImportFrom):
            found.update((alias.asname or alias.name).partition(".")[0] for alias in node.names)
        else:
            _add_compound(node, found)


def _add_compound(node: Any, found: set[str]) -> None:
    target = getattr(node, "target", None)
    if target is not None:
        _add_targets([target], found)
    for item in getattr(node, "items", ()):
        _add_targets([item.optional_vars], found)
    for handler in getattr(node, "handlers", ()):
        if handler.name is not None:
            found.add(handler.name)
        _add_stores(handler.body, found)
    for case in getattr(node, "cases", ()):
        for part in ast.walk(case.pattern):
            name = getattr(part, "name", None) or getattr(part, "rest", None)
            if name is not None:
                found.add(name)
        _add_stores(case.body, found)
    for block in ("body", "orelse", "finalbody"):
        _add_stores(getattr(node, block, []), found)


def _add_targets(targets: list[Any], found: set[str]) -> None:
    for target in targets:
        if isinstance(target, ast.Name):
            found.add(target.id)
        elif isinstance(target, (ast.Tuple, ast.List)):
            _add_targets(target.elts, found)
        elif isinstance(target, ast.Starred):
            _add_targets([target.value], found)


def changes(
    before: Snapshot, namespace: Mapping[str, Any], source: str
) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Return ``names`` and ``deleted`` of the spool's ``cell_end`` record.

    Args:
        before: the snapshot taken before the cell.
        namespace: the user's, now.
        source: the cell, in plain Python where it can be had so.
    """
    now = dict(namespace)
    identities = dict(zip(now, map(id, now.values()), strict=True))
    changed = stored_names(source) & identities.keys()
    if identities != before:
        changed |= {name for name, known in identities.items() if before.get(name) != known}
    bound = [name for name in now if name in changed] if changed else []
    deleted = [name for name in before.keys() - now.keys() if is_own(name, None)]
    budget = digest.BUDGET
    names = {}
    for name in bound:
        value = now[name]
        if is_own(name, value):
            found, budget = digest.digest(value, budget)
            names[name] = _described(value, found)
    return names, sorted(deleted)


def _described(value: Any, found: digest.Digest) -> dict[str, Any]:
    described: dict[str, Any] = {
        "type": digest.type_name(type(value)),
        "digest": found.digest,
        "size": found.size,
    }
    if found.reason is not None:
        described["reason"] = found.reason
    return described
