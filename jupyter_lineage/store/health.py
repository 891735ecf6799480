"""Is the database sound, and was an earlier one not? Asked by ``jupyter lineage doctor``."""

from __future__ import annotations

import glob
from typing import TYPE_CHECKING

from .queries import rows

if TYPE_CHECKING:
    from pathlib import Path

    from .sqlite import Store


def quick_check(store: Store) -> list[str]:
    """Return what SQLite finds wrong with the pages, nothing when they are sound.

    Raises:
        StoreDamaged: it is too broken to be looked through.
    """
    found = [str(row[0]) for row in rows(store, "PRAGMA quick_check(5)")]
    return [] if found == ["ok"] else found


def schema_step(store: Store) -> str:
    """Return the name of the newest migration that the database has."""
    statement = "SELECT name FROM _sqlite_migrations WHERE migration_set = 'jupyter_lineage'"
    return str(rows(store, f"{statement} ORDER BY id DESC LIMIT 1")[0]["name"])


def set_aside(database: Path) -> list[Path]:
    """Return the damaged databases that the recorder has moved away from here, oldest first."""
    found = database.parent.glob(f"{glob.escape(database.name)}.corrupt-*")
    return sorted(old for old in found if not old.name.endswith(("-wal", "-shm")))
