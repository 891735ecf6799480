"""The fresh folder that a reproduction works in: the recorded inputs and nothing else."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InvalidInput, ReproduceError
from ..ids import HASH_PREFIX
from ..probe import places
from .inputs import open_at_once

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ..store.content import Content
    from .inputs import Input

_CHUNK = 1024 * 1024
_SPARE_BYTES = 64 * 1024 * 1024


def make_folder(folder: Path) -> Path:
    """Make a new folder for the user alone and return its real path.

    An existing folder is taken when it is empty.

    Raises:
        InvalidInput: it holds something, is no folder, or can't be made.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if places.data_folder() in folder.parents:
            places.make_private(folder)
        if any(folder.iterdir()):
            raise InvalidInput(
                f"the folder {folder} is not empty", hint="Name one that is new or empty."
            )
    except OSError as error:
        raise InvalidInput(
            f"the folder {folder} can't be used: {error.strerror}", hint="Name another one."
        ) from error
    return folder.resolve()


def fill(
    root: Path,
    content: Content,
    inputs: Iterable[Input],
    *,
    folders: Iterable[str] = (),
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Put inputs into a workspace, each as a normal file whose bytes are checked on the way.

    Args:
        root: the workspace's real path, made by :func:`make_folder`.
        content: the kept bytes.
        inputs: what to put where.
        folders: further folders, relative, that have to exist.
        progress: told how many inputs are done, and of how many.

    Raises:
        ReproduceError: the disk has no room, a path leads outside, or bytes are damaged.
    """
    files = list(inputs)
    _check_room(root, sum(one.size for one in files))
    try:
        for folder in folders:
            _inside(root, folder).mkdir(parents=True, exist_ok=True)
        for done, one in enumerate(files):
            if progress is not None:
                progress(done, len(files))
            _copy(_inside(root, one.path), content, one)
    except OSError as error:
        raise ReproduceError(
            f"the inputs can't be written to {root}: {error.strerror}",
            hint="Choose another folder with --into FOLDER.",
        ) from error


def _check_room(root: Path, needed: int) -> None:
    free = shutil.disk_usage(root).free
    if free < needed + _SPARE_BYTES:
        raise ReproduceError(
            f"the inputs take {needed / 1e6:.0f} MB and {free / 1e6:.0f} MB are free at {root}",
            hint="Choose another folder with --into FOLDER.",
        )


def _inside(root: Path, relative: str) -> Path:
    """Return where a relative path lies in the workspace, with its real parent checked."""
    target = root / os.path.normpath(relative)
    parent = target.parent.resolve()
    if Path(relative).is_absolute() or (parent != root and root not in parent.parents):
        raise ReproduceError(f"the path {relative} leads outside the folder {root}")
    return target


def _copy(target: Path, content: Content, one: Input) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.is_symlink() or target.exists():
        raise ReproduceError(f"two inputs have the same name {target} here")
    if one.kept:
        content.copy_to(one.hash, target)
        return
    from blake3 import blake3

    hasher = blake3()
    # "x" never writes through a link that somebody put there meanwhile.
    with open_at_once(one.original) as source, target.open("xb") as copy:
        if not stat.S_ISREG(os.fstat(source.fileno()).st_mode):
            raise ReproduceError(f"{one.original} is no regular file any more")
        while chunk := source.read(_CHUNK):
            hasher.update(chunk)
            copy.write(chunk)
    if HASH_PREFIX + hasher.hexdigest() != one.hash:
        raise ReproduceError(
            f"somebody changed {one.original} while it was copied", hint="Try again."
        )
