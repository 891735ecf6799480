"""Which files later cells changed: a hash made after that is not the earlier cell's.

The times of a file come from the kernel's clock and lag behind by a tick: a cell that writes a file
some milliseconds after another has ended may leave a time that lies before that end.
"""

from __future__ import annotations

import json
import os
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ..store.bookkeeping import Pending
    from .hashing import Signature

REASON = "overwritten before it could be hashed"
_MARGIN_SECONDS = 2.0
"""A file that was last changed so long before another cell opened it holds what it held before."""
_REMEMBERED = 50_000
_ACCESS = os.O_RDONLY | os.O_WRONLY | os.O_RDWR
_CHANGES = ("truncate", "wrote", "remove", "rename", "link")

Group = tuple["int | None", "int | None"]
"""A run and an execution."""


class Overwrites:
    """Remembers who last changed what: by name, and by device and inode."""

    def __init__(self) -> None:
        self._last: OrderedDict[bytes | tuple[int, int], dict[Group, tuple[int, float]]]
        self._last = OrderedDict()
        self.fresh: set[Group] = set()
        """Runs and executions with events that nobody has looked at yet."""

    def see(self, run: int | None, execution: int | None, record: Mapping[str, Any]) -> None:
        """Take note of a ``file`` record."""
        group = (run, execution)
        self.fresh.add(group)
        op = record["op"]
        if op == "open":
            if record.get("flags", 0) & _ACCESS == os.O_RDONLY:
                return
        elif op not in _CHANGES:
            return
        keys: list[bytes | tuple[int, int]] = []
        if op != "link":
            keys.append(os.fsencode(record["path"]))
        if record.get("path2") is not None:
            keys.append(os.fsencode(record["path2"]))
        if op == "open" and record.get("stat") is not None:
            keys.append((record["stat"][0], record["stat"][1]))
        for key in keys:
            self._note(key, group, record["ns"], record["at"])

    def remember(self, events: Iterable[Pending]) -> None:
        """Take note of events that an earlier recorder has left."""
        for event in events:
            stat = None if event.stat is None else json.loads(event.stat)
            record = {**event._asdict(), "stat": stat}
            self.see(event.run_id, event.execution_id, record)

    def _note(self, key: bytes | tuple[int, int], group: Group, ns: int, at: float) -> None:
        known = self._last.setdefault(key, {})
        before = known.get(group)
        if before is None or before[0] < ns:
            known[group] = (ns, at)
        self._last.move_to_end(key)
        if len(self._last) > _REMEMBERED:
            self._last.popitem(last=False)

    def is_overwritten(self, path: bytes, event: Pending, signature: Signature | None) -> bool:
        """Tell whether another cell may have changed a file since an event.

        Args:
            path: the file, as it is named now.
            event: what the hash is for.
            signature: what the file had when it was hashed, None where that is not known.
        """
        mine = (event.run_id, event.execution_id)
        keys: list[bytes | tuple[int, int]] = [path]
        if signature is not None:
            keys.append((signature[0], signature[1]))
        changed = None if signature is None else max(signature[3], signature[4]) / 1e9
        return any(
            group != mine and ns > event.ns and (changed is None or at <= changed + _MARGIN_SECONDS)
            for key in keys
            for group, (ns, at) in self._last.get(key, {}).items()
        )
