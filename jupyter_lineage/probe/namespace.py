"""Which names a cell bound, rebound or deleted, and a digest of what they hold now.

A name is compared by the identity of its value. One whose identity is as before counts as well when
the cell's text has it, since its value may have been changed in place or bound again (``x = 1``
gives the same small integer); it is marked ``same``. Only identities are kept over the cell, never
the values: that would keep alive what the cell deletes.
"""

from __future__ import annotations

import re
import types
from collections.abc import Mapping
from typing import Any

from . import digest, redact
from .digest_reading import type_name

_LONGEST_SOURCE = 256 * 1024
_OF_IPYTHON = re.compile(
    r"_{1,3}|_i{1,3}|_i?\d+|_[ido]h|__\w+__|_exit_code|In|Out|exit|quit|get_ipython|open"
    r"|__vsc_ipynb_file__|__session__"
)
_NAME = re.compile(r"[^\W\d]\w*")
_CODE = (type, types.FunctionType, types.BuiltinFunctionType, types.ModuleType)
Snapshot = dict[str, int]

_RESERVE = 256 * 1024 * 1024
_ALWAYS = 128 * 1024


class Again:
    """What digests of values cost that cells only name: a session's worth, then small ones only.

    A cell that reads a value may have changed it, so its content is digested again; the next cell
    waits for that. All is counted in bytes and never in time: a reproduction must decide alike.
    """

    def __init__(self) -> None:
        self._left = _RESERVE
        self._large: dict[str, int] = {}

    def look(self, name: str, value: Any, budget: int) -> tuple[digest.Digest, int]:
        """Digest a value that a cell named; return its digest and what is left of ``budget``."""
        if self._large.get(name) == id(value):
            return digest.Digest(None, None, digest.TOO_LARGE), budget
        allowed = min(budget, max(self._left, _ALWAYS))
        found, left = digest.digest(value, allowed)
        self._left -= allowed - left
        self.note(name, value, found, allowed)
        return found, budget - (allowed - left)

    def note(self, name: str, value: Any, found: digest.Digest, budget: int) -> None:
        """Remember a value that is too large even for all of a cell's budget."""
        if found.reason == digest.TOO_LARGE and budget == digest.BUDGET:
            self._large[name] = id(value)
        else:
            self._large.pop(name, None)


def is_own(name: str, value: Any) -> bool:
    """Tell whether a name of the namespace is the user's own and not IPython's machinery."""
    if name[:1] == "_" and type(value) is types.ModuleType:
        return False
    return _OF_IPYTHON.fullmatch(name) is None


def snapshot(namespace: Mapping[str, Any]) -> Snapshot:
    """Return the identity of every value, by name."""
    items = dict(namespace)
    return dict(zip(items, map(id, items.values()), strict=True))


def _named_again(source: str, now: Mapping[str, Any], changed: set[str]) -> frozenset[str]:
    """Return names that the cell's text has and whose identity is as before.

    The cell may have bound such a name again or changed its value in place. By a pattern, not by
    parsing: that would cost more than all else here (0.2 ms for 20 lines). What really stores is
    told later, by the recorder.
    """
    if len(source) > _LONGEST_SOURCE:
        return frozenset()
    return frozenset((now.keys() & set(_NAME.findall(source))) - changed)


def changes(
    before: Snapshot,
    namespace: Mapping[str, Any],
    source: str,
    *,
    again: Again,
    secret: bool = False,
) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Return ``names`` and ``deleted`` of the spool's ``cell_end`` record.

    Args:
        before: the snapshot taken before the cell.
        namespace: the user's, now.
        source: the cell, in plain Python where it can be had so.
        again: what the session may still spend on values that were digested before.
        secret: whether a secret stands in the cell: no digest of what it bound, which would tell
            whoever guesses the secret that the guess is right.
    """
    now = dict(namespace)
    identities = dict(zip(now, map(id, now.values()), strict=True))
    changed = set()
    if identities != before:
        changed = {name for name, known in identities.items() if before.get(name) != known}
    same = _named_again(source, now, changed)
    bound = [name for name in now if name in changed or name in same] if changed or same else []
    deleted = [name for name in before.keys() - now.keys() if is_own(name, None)]
    budget = digest.BUDGET
    names = {}
    for name in bound:
        value = now[name]
        if is_own(name, value):
            if secret or _is_secret(name, value):
                found = digest.Digest(None, None, "holds a secret")
            elif name in same:
                found, budget = again.look(name, value, budget)
            else:
                whole = budget
                found, budget = digest.digest(value, whole)
                again.note(name, value, found, whole)
            names[name] = _described(value, found)
            if name in same:
                names[name]["same"] = True
    return names, sorted(deleted)


def _is_secret(name: str, value: Any) -> bool:
    return type(value) not in _CODE and redact.is_telling_name(name)


def _described(value: Any, found: digest.Digest) -> dict[str, Any]:
    described: dict[str, Any] = {
        "type": type_name(type(value)),
        "digest": found.digest,
        "size": found.size,
    }
    if found.reason is not None:
        described["reason"] = found.reason
    return described
