"""Which files are a run's data and which are machinery: the one place of that rule.

The probe uses it in the kernel, the recorder with the list that the kernel's ``process`` record
carries as ``ignored``.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Iterable, Mapping

from . import places

_SYSTEM = (
    "/proc",
    "/sys",
    "/dev",
    "/run",
    "/var/run",
    "/etc",
    "/usr",
    "/lib",
    "/lib64",
    "/bin",
    "/sbin",
    "/var/lib",
    "/var/cache",
    "/opt/conda/pkgs",
    "/System",
    "/Library",
    "/private/etc",
    "/private/var/db",
)
_IN_HOME = (
    ".cache",
    ".config",
    ".ipython",
    ".jupyter",
    ".matplotlib",
    ".local/lib",
    ".fonts",
    ".local/share/jupyter",
    ".local/share/fonts",
    ".conda",
    ".pyenv",
    "Library/Caches",
    "Library/Jupyter",
    "Library/Preferences",
)
_FOLDER_VARIABLES = (
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_RUNTIME_DIR",
    "IPYTHONDIR",
    "JUPYTER_RUNTIME_DIR",
    "JUPYTER_CONFIG_DIR",
    "JUPYTER_DATA_DIR",
    "MPLCONFIGDIR",
    "PYTHONPYCACHEPREFIX",
)
# Below a folder of Python's own, these parts stay ignored when somebody works in that folder.
_OF_PREFIX = ("bin", "lib", "lib64", "include", "share", "etc", "Lib", "Scripts", "DLLs")
_NOT_DATA = re.compile(
    r"/(?:__pycache__|\.git|\.hg|\.svn|\.ipynb_checkpoints)(?:/|$)|\.py[co](?:\.\d+)?$"
    r"|/fontlist-v\d+\.json(?:\.matplotlib-lock)?$|/ipykernel_\d+/|/\.python_history$|/history\.sqlite(?:-journal|-wal|-shm)?$"
)
_CACHES = ("matplotlib", "fontconfig", "jedi", "pip", "numba", "tex.cache", "mesa_shader_cache")
_LONGEST_LISTING = 500


def default_prefixes(
    environment: Mapping[str, str], site_folders: Iterable[str] = (), own: Iterable[str] = ()
) -> list[str]:
    """Return the folders whose files are no data, before anybody's working folder is considered.

    Args:
        environment: where folders of Jupyter and of the desktop may be named.
        site_folders: where this Python's packages lie.
        own: what else is ours: spool folder, database.
    """
    found = [*_SYSTEM, *site_folders, *own, str(places.data_folder())]
    for prefix in (sys.prefix, sys.base_prefix, sys.exec_prefix):
        found += [prefix, *(os.path.join(prefix, part) for part in _OF_PREFIX)]
    found.append(os.path.dirname(os.__file__))
    home = os.path.expanduser("~")
    found += [os.path.join(home, part) for part in _IN_HOME]
    for name in _FOLDER_VARIABLES:
        found += _named_folder(environment.get(name), home)
    data_home = environment.get("XDG_DATA_HOME")
    if data_home:
        found += [os.path.join(data_home, part) for part in ("jupyter", "fonts")]
    return found


def _named_folder(folder: str | None, home: str) -> list[str]:
    """Return what to ignore for a folder that a variable names.

    Where that is the home folder or the temporary one (``MPLCONFIGDIR=/tmp`` is a habit in
    containers), only what caches make in it.
    """
    if not folder:
        return []
    wide = (home, tempfile.gettempdir())
    if any(is_under(os.path.realpath(place), os.path.realpath(folder)) for place in wide):
        return [os.path.join(folder, part) for part in _CACHES]
    return [folder]


def ignored_prefixes(prefixes: Iterable[str], working_folder: str) -> tuple[str, ...]:
    """Return ``prefixes`` without what would hide the folder that somebody works in.

    A prefix that is the working folder is left out; of one that holds it, only what lies beside
    the way down to it stays.

    Args:
        prefixes: absolute folders; links in them are resolved too, both spellings count.
        working_folder: absolute.
    """
    both: dict[str, None] = {}
    for prefix in prefixes:
        if os.path.isabs(prefix):
            both.setdefault(os.path.normpath(prefix))
            both.setdefault(os.path.realpath(prefix))
    both.pop(os.sep, None)
    folders = {os.path.normpath(working_folder), os.path.realpath(working_folder)}
    kept: dict[str, None] = {}
    for prefix in both:
        inside = [folder for folder in folders if is_under(folder, prefix)]
        if not inside:
            kept.setdefault(prefix)
            continue
        for folder in inside:
            for beside in _beside(prefix, folder):
                kept.setdefault(beside)
    return tuple(kept)


def _beside(prefix: str, folder: str) -> list[str]:
    """Return what lies in ``prefix`` beside the way down to ``folder``."""
    found: list[str] = []
    place = prefix
    for part in os.path.relpath(folder, prefix).split(os.sep):
        if part == os.curdir:
            break
        try:
            names = os.listdir(place)
        except OSError:
            break
        found += [os.path.join(place, name) for name in names[:_LONGEST_LISTING] if name != part]
        place = os.path.join(place, part)
    return found


def is_under(path: str, folder: str) -> bool:
    """Tell whether ``path`` is ``folder`` or lies in it, by their text alone."""
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def is_data(path: str, ignored: Iterable[str]) -> bool:
    """Tell whether the file at an absolute ``path`` belongs to a run's record.

    Args:
        path: absolute; links are not resolved.
        ignored: what :func:`ignored_prefixes` gave in the kernel.
    """
    if _NOT_DATA.search(path):
        return False
    return not any(is_under(path, prefix) for prefix in ignored)


class Ignored:
    """``is_data`` for many paths: answers by the folder, remembered.

    Args:
        prefixes: what :func:`ignored_prefixes` gave.
    """

    def __init__(self, prefixes: Iterable[str]) -> None:
        self.prefixes = tuple(prefixes)
        self._all = frozenset(self.prefixes)
        self._folders: dict[str, bool] = {}

    def is_data(self, path: str) -> bool:
        """Tell whether the file at an absolute ``path`` belongs to a run's record."""
        folder = os.path.dirname(path)
        hidden = self._folders.get(folder)
        if hidden is None:
            if len(self._folders) > 10_000:
                self._folders.clear()
            hidden = any(is_under(folder, prefix) for prefix in self.prefixes)
            self._folders[folder] = hidden
        return not hidden and path not in self._all and _NOT_DATA.search(path) is None
