"""Where things lie on this machine: the database, the spools, the recorder's socket and lock.

The one place that decides it, for the probe (which may import nothing else of ours) and for
everybody else alike; ``jupyter_lineage.config`` builds on it.
"""

from __future__ import annotations

import errno
import hashlib
import os
import platform
import sys
from pathlib import Path

ENVIRONMENT_PREFIX = "JUPYTER_LINEAGE_"


def data_folder() -> Path:
    """Return the user's own folder for everything of ours; it need not exist yet.

    Source: XDG Base Directory Specification; on macOS and Windows their usual places.
    """
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = str(Path.home() / "Library" / "Application Support")
    else:
        base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base) / "jupyter-lineage"


def database_path() -> Path:
    """Return the absolute path of the SQLite database (``JUPYTER_LINEAGE_DATABASE`` or default)."""
    chosen = os.environ.get(ENVIRONMENT_PREFIX + "DATABASE")
    path = Path(chosen).expanduser() if chosen else data_folder() / "lineage.db"
    return Path(os.path.abspath(path))


def disabled() -> bool:
    """Tell whether ``JUPYTER_LINEAGE_DISABLE`` switches recording off."""
    value = os.environ.get(ENVIRONMENT_PREFIX + "DISABLE", "")
    return value.strip().lower() not in ("", "0", "false", "no")


def _read_id(path: str) -> str:
    try:
        with open(path, encoding="ascii") as stream:
            return stream.read().strip().replace("-", "")
    except (OSError, UnicodeDecodeError):
        return ""


def machine_id() -> str:
    """Return 12 characters that name this machine; stable across restarts where it says so."""
    known = _read_id("/etc/machine-id") or _read_id("/var/lib/dbus/machine-id")
    return hashlib.sha256((known or platform.node()).encode()).hexdigest()[:12]


def boot_id() -> str:
    """Return 12 characters that change when the machine restarts, or zeros where unknown."""
    return (_read_id("/proc/sys/kernel/random/boot_id") or "0" * 12)[:12]


def spool_root() -> Path:
    """Return the folder that holds the spools of every host; each host has one of its own."""
    chosen = os.environ.get(ENVIRONMENT_PREFIX + "SPOOL")
    return Path(chosen) if chosen else data_folder() / "spool"


def database_key(database: Path) -> str:
    """Return 12 hexadecimal characters that stand for ``database`` in folder names."""
    return hashlib.sha256(os.fsencode(str(database))).hexdigest()[:12]


def spool_folder(database: Path) -> Path:
    """Return the folder of this host's spools for ``database``: ``<machine>-<boot>/<database>``."""
    return spool_root() / f"{machine_id()}-{boot_id()}" / database_key(database)


def make_private(folder: Path) -> None:
    """Create ``folder`` so that only the user may enter it, and every folder of ours above it.

    A spool folder that the user named is made when it is missing, but left as it is otherwise: it
    may be a place that others use too.

    Raises:
        OSError: a folder can't be made, belongs to another user, or its rights can't be set.
    """
    levels = [folder]
    for root in (data_folder(), spool_root()):
        if root in folder.parents:
            above = [level for level in folder.parents if root in level.parents]
            levels = [*above[::-1], folder]
            if root == data_folder() or not root.exists():
                levels.insert(0, root)
            break
    for level in levels:
        level.mkdir(mode=0o700, parents=True, exist_ok=True)
        if os.name != "posix":
            continue
        status = level.stat()
        if status.st_uid != os.geteuid():
            raise PermissionError(errno.EPERM, "the folder belongs to another user", str(level))
        if status.st_mode & 0o077:
            level.chmod(0o700)
