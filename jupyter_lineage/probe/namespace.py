"""Which names a cell bound, rebound or deleted, and a digest of what they hold now.

A name is compared by the identity of its value. One whose identity is as before counts as well when
the cell's text has it, since its value may have been changed in place or bound again (``x = 1``
gives the same small integer); it is marked ``same``. So does one that a function of the notebook,
named in the text, may read or change; it is marked ``reached`` too. Only identities are kept over
the cell, never the values: that would keep alive what the cell deletes.
"""

from __future__ import annotations

import re
import types
from collections.abc import Callable, Mapping
from typing import Any

from . import digest, redact, stores
from .digest_reading import type_name
from .identity import working_folder
from .reach import OPAQUE, Path, Reach, Reached

_LONGEST_SOURCE = 256 * 1024
_OF_IPYTHON = re.compile(
    r"_{1,3}|_i{1,3}|_i?\d+|_[ido]h|__\w+__|_exit_code|In|Out|exit|quit|get_ipython|open"
    r"|__vsc_ipynb_file__|__session__"
)
_NAME = re.compile(r"[^\W\d]\w*")
# What may do anything to any name; a code that stands there as one text is read like the cell's.
_ANYTHING = re.compile(
    r"(?<![\w.])(?:exec|eval)\s*\((?!\s*[rb]?(?:'[^'\n]*'|\"[^\"\n]*\")\s*[,)])"
    r"|(?<![\w.])(?<!\bin )(?:globals|locals)\s*\((?!\s*\)\s*\[\s*['\"]\w+['\"]\s*\])"
    r"|\.(?:run_cell|ex|run_code)\s*\("
    r"|run_line_magic\(\s*'run'\s*,\s*['\"][^\n]*-\w*i"
)
_RUNS = OPAQUE | {"run_cell", "ex", "run_code", "run_line_magic"}
_UNCHANGING = (int, float, bool, str, bytes, complex, type(None), types.ModuleType)
_CODE = (type, types.FunctionType, types.BuiltinFunctionType, types.ModuleType)
Snapshot = dict[str, int]

_ATTRIBUTE = "an attribute of it was changed"
_RESERVE = 256 * 1024 * 1024
_ALWAYS = 128 * 1024


class Again:
    """What a session keeps for its next cells: how much it may still spend on values they name.

    A cell that reads a value may have changed it, so its content is digested again; the next cell
    waits for that. All is counted in bytes and never in time: a reproduction must decide alike.
    """

    def __init__(self) -> None:
        self.folder = working_folder()
        """The working folder that the session began in."""
        self.reach = Reach()
        self._left = _RESERVE
        self._large: dict[str, int] = {}

    def look(self, name: str, value: Any, budget: int) -> tuple[digest.Digest, int]:
        """Digest a value that a cell named; return its digest and what is left of ``budget``."""
        if self._large.get(name) == id(value):
            return digest.Digest(None, None, digest.TOO_LARGE), budget
        allowed = min(budget, max(self._left, _ALWAYS))
        found, left = digest.digest(value, allowed, self.folder)
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


class _Looked:
    """The names to look at after a cell, and why."""

    def __init__(
        self, source: str, namespace: Mapping[str, Any], reach: Callable[[set[str]], Reached]
    ) -> None:
        text = source if len(source) <= _LONGEST_SOURCE else ""
        # By a pattern, not by parsing: that would cost more than all else here (0.2 ms for 20
        # lines). What really stores is told later, by the recorder.
        words = set(_NAME.findall(text))
        self.named = namespace.keys() & words
        reached = reach(self.named)
        self.reached = reached.loads & namespace.keys()
        self.stored = reached.stores & namespace.keys()
        if reached.anything or (not _RUNS.isdisjoint(words) and _ANYTHING.search(text)):
            self.reached = self.stored = set(namespace)
        owners = {name for name in self.named if stores.is_owner(namespace[name])}
        self.attributes = stores.in_text(text, owners)
        self.attributes |= {
            path
            for path in reached.attributes
            if path[0] in namespace and stores.is_owner(namespace[path[0]])
        }

    def names(self, namespace: Mapping[str, Any], changed: set[str]) -> set[str]:
        """Return the names to look at whose identity is as before the cell."""
        loaded = {name for name in self.reached if _may_change(namespace[name])}
        return (self.named | loaded | self.stored | {path[0] for path in self.attributes}) - changed


def _may_change(value: Any) -> bool:
    """Tell whether a value that is only read may be another one afterwards."""
    if type(value) is types.FunctionType:
        return bool(value.__defaults__ or value.__kwdefaults__ or value.__closure__ or vars(value))
    return type(value) not in _UNCHANGING and not stores.is_owner(value)


def changes(
    before: Snapshot,
    namespace: Mapping[str, Any],
    source: str,
    *,
    again: Again,
    secret: bool = False,
    unread: str | None = None,
) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Return ``names`` and ``deleted`` of the spool's ``cell_end`` record.

    Args:
        before: the snapshot taken before the cell.
        namespace: the user's, now.
        source: the cell, in plain Python where it can be had so.
        again: what the session may still spend on values that were digested before.
        secret: whether a secret stands in the cell: no digest of what it bound, which would tell
            whoever guesses the secret that the guess is right.
        unread: why no value is looked at, where there is no time for it.
    """
    now = dict(namespace)
    identities = dict(zip(now, map(id, now.values()), strict=True))
    changed = set()
    if identities != before:
        changed = {name for name, known in identities.items() if before.get(name) != known}
    looked = _Looked(source, now, lambda named: again.reach.of(named, now, namespace))
    same = looked.names(now, changed)
    bound = [name for name in now if name in changed or name in same] if changed or same else []
    deleted = [name for name in before.keys() - now.keys() if is_own(name, None)]
    budget = digest.BUDGET
    names = {}
    for name in bound:
        value = now[name]
        if is_own(name, value):
            paths = {path for path in looked.attributes if path[0] == name}
            if secret or _is_secret(name, value):
                found = digest.Digest(None, None, "holds a secret")
            elif unread is not None:
                found = digest.Digest(None, None, unread)
            elif paths:
                found, budget = _with_attributes(paths, now, budget, again.folder)
            elif name in same:
                found, budget = again.look(name, value, budget)
            else:
                whole = budget
                found, budget = digest.digest(value, whole, again.folder)
                again.note(name, value, found, whole)
            names[name] = _described(value, found)
            if name in same:
                names[name]["same"] = True
            if name in looked.reached:
                names[name]["reached"] = True
    return names, sorted(deleted)


def _with_attributes(
    paths: set[Path], namespace: Mapping[str, Any], budget: int, folder: str | None
) -> tuple[digest.Digest, int]:
    """Digest a module, say, with those of its attributes that a cell stores."""
    name = min(paths)[0]
    try:
        held = stores.held(paths, namespace)
    except LookupError:
        return digest.Digest(None, None, _ATTRIBUTE), budget
    found, left = digest.digest([namespace[name], held], budget, folder)
    return found if found.digest else digest.Digest(None, None, _ATTRIBUTE), left


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
    if found.placeless is not None:
        described["placeless"] = found.placeless
        described["marked"] = list(found.marked)
    return described
