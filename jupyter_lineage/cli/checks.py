"""What ``jupyter lineage doctor`` looks at. Each check says what it found and how to mend it."""

from __future__ import annotations

import importlib.util
import os
import shlex
import shutil
import site
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ..errors import LineageError, NotFound
from ..probe import places
from ..store import open_reader
from ..store.health import quick_check, schema_step, set_aside
from ..store.waiting import refused_spools
from . import output

if TYPE_CHECKING:
    from collections.abc import Iterator

STARTUP_FILE = "00-jupyter-lineage.py"
QUICK_CHECK_BYTES = 50_000_000
"""A larger database is checked page by page only when it is asked for."""

_FREE_BYTES = 500_000_000
_PRIVATE = 0o077
_BESIDE = ("", "-wal", "-shm", ".content")
"""Endings of what lies beside the database: SQLite's files and the kept bytes."""

_PATIENCE = 3.0
"""Seconds that the recorder gets to catch up before it counts as behind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one check found. ``mend`` says what to do where ``state`` is ``mend``."""

    name: str
    state: Literal["ok", "note", "mend"]
    text: str
    mend: str = ""

    def document(self) -> dict[str, str | None]:
        """Return it as ``doctor --json`` shows it."""
        found = {"name": self.name, "state": self.state, "text": self.text}
        return {**found, "mend": self.mend or None}


def _ok(name: str, text: str) -> Finding:
    return Finding(name=name, state="ok", text=text)


def _note(name: str, text: str) -> Finding:
    return Finding(name=name, state="note", text=text)


def _mend(name: str, text: str, mend: str) -> Finding:
    return Finding(name=name, state="mend", text=text, mend=mend)


def all_findings(database: Path, *, thorough: bool) -> Iterator[Finding]:
    """Yield what each check found.

    Args:
        database: the database's path; it need not exist.
        thorough: check every page of the database whatever its size.
    """
    yield _recording()
    yield _startup_file()
    yield _shim()
    yield _database(database, thorough=thorough)
    yield from _set_aside(database)
    yield _recorder(database)
    yield from _unrecorded(database)
    yield from _refused(database)
    yield _rights(database)
    yield _disk_space(database)


def _set_aside(database: Path) -> Iterator[Finding]:
    """Say what the recorder moved away because it was damaged, until somebody has dealt with it."""
    for old in set_aside(database):
        yield _mend(
            "set aside",
            f"a damaged database was moved to {old}; runs that are in it are not shown",
            f"sqlite3 {shlex.quote(str(old))} .recover may save it; remove it when done",
        )


def _recording() -> Finding:
    variable = places.ENVIRONMENT_PREFIX + "DISABLE"
    if places.disabled():
        return _note("recording", f"switched off here by {variable}: new kernels record nothing")
    return _ok("recording", "not switched off")


def startup_folders() -> list[Path]:
    """Return the folders that IPython searches for startup files in this environment.

    Source: ``IPython.core.shellapp`` (``startup_dirs``) and ``IPython.core.application``.
    """
    profile = Path(os.environ.get("IPYTHONDIR") or Path.home() / ".ipython") / "profile_default"
    folders = [profile, Path(sys.prefix) / "etc" / "ipython"]
    if sys.platform == "win32":
        folders.append(Path(os.environ.get("PROGRAMDATA", "C:\\ProgramData")) / "ipython")
    else:
        folders += [Path("/usr/local/etc/ipython"), Path("/etc/ipython")]
    return [folder / "startup" for folder in folders]


def _startup_file() -> Finding:
    name = "startup file"
    folders = startup_folders()
    for folder in folders:
        if (folder / STARTUP_FILE).is_file():
            return _ok(name, f"kernels of this environment load it: {folder / STARTUP_FILE}")
    elsewhere = Path(site.getuserbase()) / "etc" / "ipython" / "startup" / STARTUP_FILE
    if elsewhere.is_file():
        return _mend(
            name,
            f"IPython does not look where `pip install --user` put it: {elsewhere}",
            f"mkdir -p {folders[0]} && cp {elsewhere} {folders[0]}",
        )
    return _mend(
        name,
        f"{STARTUP_FILE} is in none of the folders that IPython searches for {sys.prefix}",
        "pip install --force-reinstall --no-deps jupyter_lineage, or `%load_ext jupyter_lineage` "
        "in each notebook (kernels started by Jupyter Server are recorded without it)",
    )


def _shim() -> Finding:
    name = "file shim"
    variable = places.ENVIRONMENT_PREFIX + "SHIM"
    if not sys.platform.startswith("linux"):
        return _note(name, "only on Linux: runs are recorded as python-only")
    if os.environ.get(variable, "").strip().lower() in ("0", "false", "no", "off"):
        return _note(name, f"switched off by {variable}: runs are recorded as python-only")
    package = importlib.util.find_spec("jupyter_lineage.probe")
    folders = package.submodule_search_locations if package else None
    if not any(path for folder in folders or () for path in Path(folder).glob("shim/*.so")):
        return _mend(
            name,
            "it is not built: files that libraries open by themselves are not seen",
            "pip install --force-reinstall --no-deps jupyter_lineage",
        )
    crashed = sorted((places.data_folder() / "shim").glob("*.crashed"))
    if crashed:
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(crashed[-1].stat().st_mtime))
        return _mend(
            name,
            f"switched off for {len(crashed)} environment(s) after a kernel crashed ({when})",
            f"start one kernel with {variable}=1 to switch it on again, or remove {crashed[-1]}",
        )
    return _ok(name, "built, and no kernel crashed with it")


def _database(database: Path, *, thorough: bool) -> Finding:
    name = "database"
    try:
        with open_reader(database) as store:
            size = sum(path.stat().st_size for path in _files_of(database))
            text = f"{database}, {output.size(size)}, schema {schema_step(store)}"
            if not thorough and size > QUICK_CHECK_BYTES:
                return _ok(name, f"{text}; opened (doctor --check looks at every page)")
            problems = quick_check(store)
    except NotFound:
        return _note(name, f"{database} is not there: nothing was recorded yet")
    except LineageError as error:
        return _mend(name, str(error), error.hint)
    if problems:
        return _mend(
            name,
            f"{database} is damaged: {problems[0]}",
            f"keep a copy, then: sqlite3 {database} .recover | sqlite3 saved.db",
        )
    return _ok(name, f"{text}; every page is sound")


def _recorder(database: Path) -> Finding:
    from ..recorder.client import held_up, is_running, not_stored, wake_and_wait

    name = "recorder"
    folder = places.spool_folder(database)
    if not folder.is_dir():
        return _note(name, "no kernel was recorded on this machine since it started")
    try:
        behind = wake_and_wait(database, _PATIENCE)
    except (LineageError, OSError) as error:
        return _mend(name, f"it can't be asked: {error}", f"look at {folder / 'recorder.log'}")
    running = is_running(database)
    if behind and (trouble := held_up(database)):
        waiting = "1 event waits" if behind == 1 else f"{behind} events wait"
        mend = "mend that; they are kept, and recording goes on by itself"
        return _mend(name, f"held up, {waiting}: {trouble}", mend)
    if behind and running:
        return _note(name, f"running; {behind} events are still being stored")
    if behind:
        return _mend(
            name,
            f"not running, and {behind} events wait in {folder}",
            f"look at {folder / 'recorder.log'} for why it does not start; nothing is lost",
        )
    state = "running" if running else "idle"
    if not_stored(database):
        return _note(name, f"{state}; some of what ran could not be handed to it")
    return _ok(name, f"{state}; everything seen is stored")


def _unrecorded(database: Path) -> Iterator[Finding]:
    """Say which kernels could not store something that the record does not tell yet."""
    from ..recorder.client import not_stored

    for text in not_stored(database):
        mend = "make room where the record is; what is missing is then said in the record"
        yield _mend("not recorded", text, mend)


def _refused(database: Path) -> Iterator[Finding]:
    """Say which spools the recorder does not understand; what they hold is in no run."""
    try:
        with open_reader(database) as store:
            spools = refused_spools(store)
    except LineageError:
        return  # said by the check of the database
    if spools:
        yield _mend(
            "spools",
            f"{len(spools)} can't be taken: broken, or written by a newer version "
            f"({', '.join(spools[:3])} in {places.spool_folder(database).parent.parent})",
            "pip install -U jupyter_lineage; one that stays after that is broken: remove its file",
        )


def _files_of(database: Path) -> list[Path]:
    """Return the database's file and what SQLite keeps beside it."""
    paths = (database.with_name(database.name + ending) for ending in ("", "-wal"))
    return [path for path in paths if path.exists()]


def _rights(database: Path) -> Finding:
    name = "rights"
    if os.name != "posix":
        return _note(name, "not checked on this system")
    others = [path for path in _private_paths(database) if path.stat().st_mode & _PRIVATE]
    if others:
        return _mend(
            name,
            f"others may read {', '.join(map(str, others))}",
            "chmod go= " + " ".join(map(str, others)),
        )
    return _ok(name, "only you can read the record")


def _private_paths(database: Path) -> list[Path]:
    beside = [database.with_name(database.name + ending) for ending in _BESIDE]
    return [path for path in (*beside, places.spool_folder(database)) if path.exists()]


def _disk_space(database: Path) -> Finding:
    name = "disk"
    folder = next((folder for folder in database.parents if folder.exists()), database.parent)
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        return _mend(name, f"{folder} can't be looked at: {error.strerror}", "check its rights")
    if not os.access(folder, os.W_OK):
        return _mend(
            name,
            f"{folder} can't be written",
            "Give yourself the right, or set "
            f"{places.ENVIRONMENT_PREFIX}DATABASE to a place that can be",
        )
    if free < _FREE_BYTES:
        return _mend(name, f"only {output.size(free)} are free at {folder}", "make room")
    return _ok(name, f"{output.size(free)} free at {folder}")


def list_settings() -> tuple[list[dict[str, Any]], list[Finding]]:
    """Return the settings with their sources, and what is wrong with them."""
    from ..config import settings, variable_of

    try:
        found = settings()
    except LineageError as error:
        return [], [_mend("settings", str(error), error.hint)]
    listed = [
        {
            "name": name,
            "value": _plain(getattr(found, name)),
            "source": source,
            "variable": variable_of(name),
        }
        for name, source in found.sources.items()
    ]
    ignored = [
        _mend(
            "settings",
            f"{path} sets c.Lineage.{name} in vain: a kernel reads no configuration file",
            f"set {variable_of(name)} in the environment that Jupyter starts in",
        )
        for name, path in found.ignored.items()
    ]
    return listed, ignored


def _plain(value: object) -> bool | int | float | str:
    return value if isinstance(value, (bool, int, float)) else str(value)
