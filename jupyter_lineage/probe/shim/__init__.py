"""The file shim: a compiled helper that sees the file accesses Python's own hooks do not.

It rewrites the import slots of the libraries that are loaded (see ``patch.c``), so that a Parquet
file opened by Arrow's C++ is seen as well as one opened by Python. It carries no Python ABI, is
loaded through :mod:`ctypes` and writes ``file`` records into a spool of its own, in the format of
``docs/reference/spool.md``.

:func:`load` answers with a :class:`Shim`, or with one line that says why there is none; the run's
capture level is ``python-only`` then. Nothing here raises in normal use.
"""

from __future__ import annotations

import ctypes
import faulthandler
import hashlib
import os
import signal
import sys
import time
from typing import TYPE_CHECKING, Any

from .. import places

if TYPE_CHECKING:
    from collections.abc import Iterable
    from contextvars import ContextVar

LIBRARY = "lineage_shim.so"
"""File name of the compiled helper, beside this module."""

VERSION = b"4"
"""What ``lh_version`` of a helper that fits this loader says."""

_loaded: Shim | None = None


class Shim:
    """The loaded helper of this process. Made by :func:`load`, never by hand.

    There is one per process; a forked child inherits it, and its records go into a new spool with
    a new process id there (see :meth:`process_id`).

    Attributes:
        crash_guard: whether a crash of this process will switch the helper off for the next one.
    """

    def __init__(self, library: ctypes.CDLL, held: ctypes.PyDLL) -> None:
        self._library = library
        self._held = held
        self._active = ctypes.c_longlong.in_dll(library, "lh_active")
        self._recording = ctypes.c_int.in_dll(library, "lh_recording")
        self._followed: ContextVar[int] | None = None
        self.crash_guard = False

    def cell_slot(self) -> ctypes.c_longlong:
        """Return the calling thread's execution number; set its ``.value`` (about 50 ns).

        ``0`` is "between cells", ``-1`` (what every thread starts with) "never set": the records
        of such a thread say ``"thread": "native"`` and carry the value of :meth:`set_active`.
        The object points into the thread's own memory: keep it in a ``threading.local``, never
        use it from another thread or after its thread has ended.
        """
        address = self._held.lh_cell_slot()
        return ctypes.c_longlong.from_address(address)

    def set_active(self, c: int) -> None:
        """Say which execution native threads work for: the only active one, 0 if none or many."""
        self._active.value = c

    def follow(self, variable: ContextVar[int]) -> None:
        """Let the calling thread's slot follow ``variable`` from now on, in every thread.

        Just before Python itself opens, renames or removes a file (at its audit event) the value
        that ``variable`` has in the current context is copied into the thread's slot, in C and
        without running Python code. Where it has no value there the slot is left alone.
        """
        if not isinstance(ctypes.pythonapi, ctypes.PyDLL) or self._followed is variable:
            return
        self._followed = variable
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(variable))  # the C side keeps it for good
        self._held.lh_follow(ctypes.c_void_p(id(variable)))

    def cell_end(self, c: int) -> None:
        """Write the counts of repeated opens and forget them; call it when execution ``c`` ends.

        Executions that still run are not disturbed: their next open of a path is written as a
        new ``open`` record, so ``open`` records and ``repeat`` counts always add up.
        """
        self._library.lh_cell_end(ctypes.c_longlong(c))

    def set_ignored(self, prefixes: Iterable[str | bytes]) -> None:
        """Never write paths at or under ``prefixes``; replaces what was set before.

        Compared by whole components after a path has been made absolute and ``.``, ``..`` and
        double slashes have been taken out by their text. Each must be absolute.
        """
        packed = _pack(prefixes)
        self._library.lh_set_ignored(packed, ctypes.c_size_t(len(packed)))

    def set_guard(self, prefixes: Iterable[str | bytes] | None) -> None:
        """Refuse to change anything outside ``prefixes`` (``EACCES``); ``None`` takes it off.

        Each refusal is written as a record of type ``refused``. Links are resolved, in the
        prefixes too. Pipes, ``/proc`` and what libraries name in ``/dev/shm`` stay allowed.
        """
        if prefixes is None:
            self._library.lh_set_guard(None, ctypes.c_size_t(0))
            return
        packed = _pack(os.path.realpath(os.fsencode(prefix)) for prefix in prefixes)
        self._library.lh_set_guard(packed, ctypes.c_size_t(len(packed)))

    def set_recording(self, on: bool) -> None:
        """Switch the writing of file records off or on again; the guard is not touched."""
        self._recording.value = 1 if on else 0

    def rescan(self) -> int:
        """Look for libraries that were loaded since the last look; return the slots rewritten.

        Happens by itself after every import of an extension module, at every ``dlsym`` and at
        the end of an execution. Does nothing in a forked child, where only ``dlsym`` may look.
        """
        return int(self._library.lh_rescan())

    def process_id(self) -> str:
        """Return this process's id: the one given to :func:`load`, in a forked child a new one.

        The child's id is there as soon as ``os.fork`` has returned, thus in
        ``os.register_at_fork(after_in_child=…)`` too: use it for the child's other spools.
        """
        return bytes(self._held.lh_process_id()).decode("ascii")

    def lost(self) -> int:
        """Return how many records could not be written so far (full disk), in this process."""
        return int(self._held.lh_lost())


def load(
    spool_folder: str | os.PathLike[str],
    process_id: str,
    run: str,
    *,
    alive: str | None = None,
    library: str | os.PathLike[str] | None = None,
) -> Shim | str:
    """Load the helper into this process, begin its spool and rewrite what is loaded so far.

    Args:
        spool_folder: where the spool goes; it must exist (``places.spool_folder``).
        process_id: UUIDv7 of this process, the same as in the probe's own spool.
        run: UUIDv7 of the run.
        alive: file name of the liveness lock; ``<process_id>.alive`` if not given.
        library: another file than the one that lies beside this module.

    Returns:
        The helper, the same one again when it is loaded already, or one line that says why there
        is none.
    """
    global _loaded
    if _loaded is not None:
        return _loaded
    path = os.fspath(library or os.path.join(os.path.dirname(os.path.abspath(__file__)), LIBRARY))
    marker = crash_marker()
    reason = _why_not(path, marker)
    if reason:
        return reason
    markable = _marker_folder()  # before anything is recorded
    try:
        shim = Shim(_typed(ctypes.CDLL(path)), _typed(ctypes.PyDLL(path)))
        reason = _install(shim, spool_folder, (process_id, run, alive or f"{process_id}.alive"))
    except (OSError, AttributeError, ValueError) as error:
        reason = f"the compiled helper can't be loaded: {error}"
    if reason:
        return reason
    shim.crash_guard = markable and _arm_crash_guard(shim, marker)
    _loaded = shim
    return shim


def crash_marker() -> str:
    """Return the file that a crash leaves behind: one for each Python environment of the user."""
    environment = os.fsencode(os.path.realpath(sys.prefix))
    key = hashlib.sha256(environment).hexdigest()[:12]
    return str(places.data_folder() / "shim" / f"{key}.crashed")


def _why_not(path: str, marker: str) -> str:
    """Return why the helper may not be loaded, or an empty text; clears the marker when asked."""
    chosen = os.environ.get(places.ENVIRONMENT_PREFIX + "SHIM", "").strip().lower()
    if not sys.platform.startswith("linux"):
        return "not Linux"
    if chosen in ("0", "false", "no", "off"):
        return f"switched off by {places.ENVIRONMENT_PREFIX}SHIM={chosen}"
    if not os.path.exists(path):
        return "no compiled helper"
    if chosen:
        _remove(marker)
        return ""
    try:
        crashed_at = os.stat(marker).st_mtime
    except OSError:
        return ""
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(crashed_at))
    return (
        f"switched off after a crash of {when}; {places.ENVIRONMENT_PREFIX}SHIM=1 turns it on again"
    )


def _pack(prefixes: Iterable[str | bytes]) -> bytes:
    """Return ``prefixes`` as the C side takes them: normalised, each ended by a NUL."""
    parts = [os.path.normpath(os.fsencode(prefix)).strip(b"/") for prefix in prefixes]
    return b"".join(b"/" + part + b"\0" if part else b"\0" for part in parts)


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        return


def _typed(library: Any) -> Any:
    """Declare the results that are no ``int``; returns ``library``."""
    library.lh_cell_slot.restype = ctypes.c_void_p
    library.lh_process_id.restype = ctypes.c_char_p
    library.lh_version.restype = ctypes.c_char_p
    library.lh_lost.restype = ctypes.c_longlong
    return library


def _install(shim: Shim, spool_folder: str | os.PathLike[str], header: tuple[str, str, str]) -> str:
    """Begin the spool, patch what is loaded, add the audit hook; return a reason or nothing."""
    library = shim._library
    version = library.lh_version()
    if version != VERSION:
        return f"the compiled helper is of version {version!r}, not {VERSION!r}: build it again"
    problem = library.lh_install(
        os.fsencode(os.path.abspath(spool_folder)), *(text.encode("ascii") for text in header)
    )
    if problem:
        return f"the compiled helper can't write its spool: {os.strerror(problem)}"
    python = ctypes.pythonapi
    shim._held.lh_python(
        *(
            ctypes.cast(getattr(python, name), ctypes.c_void_p)
            for name in (
                "PyContextVar_Get",
                "PyLong_AsLongLong",
                "Py_DecRef",
                "PyErr_Clear",
                "PyGILState_GetThisThreadState",
                "PyInterpreterState_Get",
                "PyTuple_GetItem",
                "PyUnicode_AsUTF8AndSize",
            )
        )
    )
    try:
        python.PySys_AddAuditHook(ctypes.cast(library.lh_audit_hook, ctypes.c_void_p), None)
    except Exception:  # noqa: BLE001 - another hook may refuse ours with any error
        return ""  # only `follow` does not work then
    return ""


def _marker_folder() -> bool:
    """Make the folder for markers; tell whether it is there."""
    try:
        places.make_private(places.data_folder())
        places.make_private(places.data_folder() / "shim")
    except OSError:
        return False
    return True


def _arm_crash_guard(shim: Shim, marker: str) -> bool:
    """Let a crash leave ``marker`` behind; tell whether it will.

    Handlers go where nobody has one, and on top of Python's own ``faulthandler``, which they hand
    over to unchanged. Whoever else handles these signals is left alone.
    """
    in_python = None
    if faulthandler.is_enabled():
        in_python = ctypes.cast(ctypes.pythonapi.PySys_AddAuditHook, ctypes.c_void_p)
    armed = True
    for number in (signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT):
        # A handler that the program set from Python may go on after the signal: no crash.
        # None: set by C code, as faulthandler's is; the C side looks whose it is.
        free = signal.getsignal(number) in (signal.SIG_DFL, None)
        armed &= free and not shim._library.lh_crash_guard(
            os.fsencode(marker), int(number), in_python
        )
    return armed
