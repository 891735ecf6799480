"""Waking the recorder: a datagram if it listens, a new background process if nobody does."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import time
from pathlib import Path

from . import context, places

SOCKET = "recorder.sock"
LOCK = "recorder.lock"
LOG = "recorder.log"
RECORDER_VERSION = "0.1.0.2"
"""By which recorders are compared: the package's version, and how many steps the schema has."""

_ROOT = Path(__file__).resolve().parents[2]
_PAUSE = 5.0
_KEPT_VARIABLES = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TMPDIR", "TZ")
_last_start = -_PAUSE
_compared: set[str] = set()
"""Folders whose recorder was compared with ours: it is asked to make way once, not at each cell."""


def wake(folder: str) -> bool:
    """Send the wake-up datagram to the recorder of ``folder``; tell whether somebody got it."""
    if not hasattr(socket, "AF_UNIX"):
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.setblocking(False)
        try:
            _send(sender, folder)
        except BlockingIOError:
            return True  # its queue is full of wake-ups, so it is about to look
        except OSError:
            return False
    return True


def _send(sender: socket.socket, folder: str) -> None:
    address = os.path.join(folder, SOCKET)
    if len(os.fsencode(address)) < 104:
        sender.sendto(b"w", address)
        return
    # A socket's address holds about 100 bytes; a deep folder is reached through its descriptor.
    directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        sender.sendto(b"w", f"/proc/self/fd/{directory}/{SOCKET}")
    finally:
        os.close(directory)


def notify(folder: str, database: Path) -> None:
    """Wake the recorder of ``folder``, or start one for ``database``; quiet when neither works.

    An older one than ours would not understand all that we write: a new one makes it give way.
    """
    if not wake(folder) or (folder not in _compared and is_older(folder)):
        start_recorder(database)
    _compared.add(folder)


def version_key(version: str) -> tuple[int, ...]:
    """Return what versions are compared by.

    >>> version_key("0.10.0") > version_key("0.9.1")
    True
    """
    parts = []
    for part in version.split("."):
        digits = ""
        for character in part:
            if not character.isdigit():
                break
            digits += character
        parts.append(int(digits or 0))
    return tuple(parts)


def is_older(folder: str, version: str = RECORDER_VERSION) -> bool:
    """Tell whether the recorder that last held the lock in ``folder`` is older than ``version``."""
    try:
        with open(os.path.join(folder, LOCK), encoding="ascii") as stream:
            holder = json.load(stream)
        return version_key(str(holder["version"])) < version_key(version)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def start_recorder(database: Path) -> bool:
    """Start the recorder for ``database`` in the background, at most once in 5 s.

    It is no child of ours (a shell in between ends at once), so the user's ``os.wait`` never meets
    it and a kernel that ends its children at shutdown leaves it alone.

    Returns:
        Whether one was started. False too when this environment does not have what it needs, as
        with a kernel of an environment of its own, whose recorder the server starts.
    """
    global _last_start
    now = time.monotonic()
    if now - _last_start < _PAUSE:
        return False
    _last_start = now
    if not _may_start():
        return False
    folder = str(places.spool_folder(database))
    command = [sys.executable, "-m", "jupyter_lineage.recorder", "--database", str(database)]
    execution = context.current.get()
    context.enter(None)  # it is no program that the cell starts
    try:
        _spawn(command, folder)
    except OSError:
        return False
    finally:
        context.enter(execution)
    return True


def _may_start() -> bool:
    if os.environ.get(places.ENVIRONMENT_PREFIX + "RECORDER", "") == "0" or not sys.executable:
        return False
    from importlib.util import find_spec

    try:
        has_needs = all(find_spec(name) is not None for name in ("blake3", "sqlite_utils"))
    except (ImportError, ValueError):
        return False
    return has_needs and _ROOT.joinpath("jupyter_lineage", "recorder", "__main__.py").is_file()


def _environment() -> dict[str, str]:
    """Return what the recorder gets of our environment: nothing that could change how it runs."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in _KEPT_VARIABLES or name.startswith(("XDG_", places.ENVIRONMENT_PREFIX))
    }
    if _ROOT.name not in ("site-packages", "dist-packages"):
        kept["PYTHONPATH"] = str(_ROOT)  # a checkout that is on the path by hand only
    return kept


def _spawn(command: list[str], folder: str) -> None:
    log = os.path.join(folder, LOG)
    if sys.platform == "win32" or not os.path.exists("/bin/sh"):
        _spawn_plainly(command, folder, log)
        return
    # The folder is ours alone, so that nothing there can stand in for a module of the recorder.
    script = 'cd "$1" && shift && "$@" &'
    writing = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, log, writing, 0o600),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    try:
        child = os.posix_spawn(
            "/bin/sh",
            ["/bin/sh", "-c", script, "sh", folder, *command],
            _environment(),
            file_actions=actions,
            setsid=True,
            setsigdef=[signal.SIGINT, signal.SIGPIPE, signal.SIGTERM],
            setsigmask=[],
        )
    except NotImplementedError:
        _spawn_plainly(command, folder, log)
        return
    try:
        os.waitpid(child, 0)
    except ChildProcessError:
        return  # the user's own os.wait was faster


def _spawn_plainly(command: list[str], folder: str, log: str) -> None:
    import subprocess

    with open(log, "ab") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    # It outlives us on purpose; without this the object's end would warn about that.
    process.returncode = 0
