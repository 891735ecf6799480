"""Folders of a reproduction's own in place of the user's: caches, IPython's, Matplotlib's.

What a kernel writes there by the way (history, font lists, compiled code) would else change the
user's. Settings that shape results are copied into them, as they were in force in the run.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_LARGEST = 32 * 1024 * 1024


def private_folders(temporary: Path) -> dict[str, str]:
    """Make the folders and return the environment variables that name them.

    Args:
        temporary: the reproduction's temporary folder, which they lie in.
    """
    home = Path.home()
    caches = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")
    settings = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")
    ipython = Path(os.environ.get("IPYTHONDIR") or home / ".ipython")
    made = {
        "XDG_CACHE_HOME": temporary / "cache",
        "MPLCONFIGDIR": temporary / "matplotlib",
        "IPYTHONDIR": temporary / "ipython",
    }
    for folder in made.values():
        folder.mkdir(mode=0o700)
    given = os.environ.get("MPLCONFIGDIR")
    plots = Path(given) if given else settings / "matplotlib"
    fonts = Path(given) if given else caches / "matplotlib"
    _copy(plots, made["MPLCONFIGDIR"], ("matplotlibrc", "stylelib/*.mplstyle"))
    # Without it Matplotlib looks for fonts again, by a program and for about a second.
    _copy(fonts, made["MPLCONFIGDIR"], ("fontlist-*.json",))
    profile = ("ipython_config.*", "ipython_kernel_config.*", "startup/*.py", "startup/*.ipy")
    _copy(ipython / "profile_default", made["IPYTHONDIR"] / "profile_default", profile)
    return {name: str(folder) for name, folder in made.items()}


def _copy(source: Path, target: Path, patterns: Iterable[str]) -> None:
    """Copy regular files of moderate size; one that can't be read is as good as not there."""
    for pattern in patterns:
        for path in source.glob(pattern):
            with contextlib.suppress(OSError):
                if path.is_file() and path.stat().st_size <= _LARGEST:
                    copy = target / path.relative_to(source)
                    copy.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                    shutil.copyfile(path, copy)
