"""Local modules: Python sources outside of every installed package that a cell brought in."""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .scope import Ignored


class Modules:
    """Finds what was imported since the last look.

    Args:
        ignored: which folders hold no local modules.
    """

    def __init__(self, ignored: Ignored) -> None:
        self._ignored = ignored
        self._seen: set[str] = set()
        self._count = -1

    def new(self) -> list[dict[str, str]]:
        """Return ``[{"name", "path"}]`` of local modules that were not there at the last look."""
        # The count is compared first: most cells import nothing, and a look costs some 50 us.
        if len(sys.modules) == self._count:
            return []
        names = set(sys.modules)
        self._count = len(names)
        fresh, self._seen = names - self._seen, self._seen | names
        found = []
        for name in sorted(fresh):
            path = _source(sys.modules.get(name))
            if path is not None and self._ignored.is_data(path):
                found.append({"name": name, "path": path})
        return found


def _source(module: Any) -> str | None:
    # A lazy module would be loaded by asking for an attribute; its dictionary can be had so.
    try:
        attributes = object.__getattribute__(module, "__dict__")
    except AttributeError:
        return None
    spec = attributes.get("__spec__") if type(attributes) is dict else None
    origin = spec.origin if type(spec) is ModuleSpec else attributes.get("__file__")
    return origin if type(origin) is str and origin.endswith(".py") else None
