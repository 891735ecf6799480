"""Who and where this process is: the facts of the spool's first record."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from .redact import mask, mask_arguments
from .variables import VARIABLES

_LARGEST_HAND_OVER = 64 * 1024
VSCODE_NOTEBOOK = "__vsc_ipynb_file__"
"""The name that VS Code sets in the user's namespace, with its first hidden execution."""


def connection_file(shell: Any) -> str | None:
    """Return the path of the kernel's connection file; None in plain IPython."""
    application = getattr(getattr(shell, "kernel", None), "parent", None)
    path = getattr(application, "abs_connection_file", None)
    return path if isinstance(path, str) and path else None


def take_hand_over(connection: str | None) -> dict[str, Any]:
    """Read and remove the file that a program of ours left for this kernel.

    Returns:
        Its fields; empty where there is none or it can't be read.
    """
    if connection is None:
        return {}
    path = connection.removesuffix(".json") + ".lineage.json"
    try:
        with open(path, "rb") as stream:
            content = stream.read(_LARGEST_HAND_OVER)
        os.unlink(path)
        found = json.loads(content)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def kernel_id(connection: str | None) -> str | None:
    """Return the kernel's id by its connection file's name, ``kernel-<id>.json``."""
    name = os.path.basename(connection or "")
    if name.startswith("kernel-") and name.endswith(".json"):
        return name[len("kernel-") : -len(".json")]
    return None


def notebook(hand_over: dict[str, Any], namespace: dict[str, Any]) -> tuple[str | None, str | None]:
    """Return the notebook's path and where it is known from; None twice where it is not known."""
    given = hand_over.get("notebook")
    if given:
        return str(given), "hand-over"
    session = os.environ.get("JPY_SESSION_NAME")
    if session:
        return session, "JPY_SESSION_NAME"
    editor = namespace.get(VSCODE_NOTEBOOK)
    if type(editor) is str:
        return editor, VSCODE_NOTEBOOK
    for name in ("PAPERMILL_INPUT_PATH", "PAPERMILL_OUTPUT_PATH"):
        if os.environ.get(name):
            return os.environ[name], name
    named = notebook_of_program(os.getppid())
    return (named, "parent-argv") if named is not None else (None, None)


_SERVERS = ("lab", "labhub", "notebook", "server", "nbclassic", "singleuser")
"""Programs whose kernels are of any notebook, whatever they were asked to open first."""


_OUTPUT = ("--output", "-o")
"""Options of programs that run a notebook, whose value is where the result goes."""


def notebook_of_program(pid: int) -> str | None:
    """Return the one notebook that a process was asked to run, by its command line (Linux).

    Papermill is asked for two: the one it runs comes first.
    """
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as stream:
            arguments = [os.fsdecode(part) for part in stream.read().split(b"\0")]
        folder = os.readlink(f"/proc/{pid}/cwd")
    except OSError:
        return None
    program = {os.path.basename(part).removesuffix(".py") for part in arguments[:3]}
    if any(f"jupyter-{name}" in program or f"jupyter{name}" in program for name in _SERVERS):
        return None
    options = ["", *arguments]
    named = [
        part for option, part in zip(options, arguments, strict=False) if option not in _OUTPUT
    ]
    paths = [os.path.normpath(os.path.join(folder, part)) for part in named]
    found = [path for path in dict.fromkeys(paths) if path.endswith(".ipynb")]
    found = [path for path in found if os.path.isfile(path)]
    return found[0] if len(found) == 1 or (found and "papermill" in program) else None


def user() -> tuple[str | None, str | None]:
    """Return the user's name and where it is known from."""
    hub = os.environ.get("JUPYTERHUB_USER")
    if hub:
        return hub, "jupyterhub"
    import getpass

    try:
        return getpass.getuser(), "os"
    except (OSError, KeyError, ImportError):
        return None, None


def site_folders() -> list[str]:
    """Return where this Python's distributions lie: the folders to look for ``*.dist-info`` in."""
    import site

    found = [path for path in sys.path if os.path.basename(path) in _SITE_NAMES]
    for path in site.getsitepackages():
        if path not in found and os.path.isdir(path):
            found.append(path)
    return found


_SITE_NAMES = ("site-packages", "dist-packages")


def variables() -> dict[str, str]:
    """Return the environment variables that may change a result, of a fixed list, masked."""
    return {name: mask(os.environ[name])[0] for name in VARIABLES if name in os.environ}


def facts(connection: str | None) -> dict[str, Any]:
    """Return the fields of the ``process`` record that need no hand-over and no namespace."""
    name, source = user()
    return {
        "argv": mask_arguments(sys.orig_argv[:64]),
        "executable": sys.executable,
        "version": sys.version.split()[0],
        "implementation": sys.implementation.name,
        "prefix": sys.prefix,
        "base_prefix": sys.base_prefix,
        "site_dirs": site_folders(),
        "platform": _platform(),
        "cwd": working_folder(),
        "kernel_id": kernel_id(connection),
        "user": name,
        "user_source": source,
        "host": _host(),
        "hashseed": os.environ.get("PYTHONHASHSEED"),
        "variables": variables(),
    }


def _platform() -> str:
    import sysconfig

    return sysconfig.get_platform()


def _host() -> str:
    import socket

    return socket.gethostname()


def working_folder() -> str | None:
    """Return the working folder; None where it was removed."""
    try:
        return os.getcwd()
    except OSError:
        return None
