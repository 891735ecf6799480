"""Which execution a piece of code belongs to: a context variable, and threads that inherit it.

Only this one variable is carried into threads, never the whole context: ipykernel keeps the parent
of printed text in context variables too, and carrying those would move a thread's output to
another cell. Code of ``multiprocessing.pool.ThreadPool`` and of threads made by ``_thread`` alone
keeps what its thread was started with.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any


class Execution:
    """One execution of one cell, from the moment before it runs.

    Args:
        uid: its UUIDv7.
        number: its number in the process, from 1; what the shim calls ``c``.
        run: the run it belongs to.
        message: the id of the request that asked for it; empty without a kernel.
    """

    __slots__ = ("ended", "message", "number", "run", "uid")

    def __init__(self, uid: str, number: int, run: str, message: str) -> None:
        self.uid = uid
        self.number = number
        self.run = run
        self.message = message
        self.ended = False


current: ContextVar[Execution | None] = ContextVar("jupyter_lineage_execution", default=None)

number: ContextVar[int] = ContextVar("jupyter_lineage_number")
"""The same execution as its number, for the shim, which can read an integer without Python code."""

_on_thread: Callable[[], None] | None = None
"""Called where the thread's execution has just changed (keeps the shim's slot in step)."""


def enter(execution: Execution | None) -> None:
    """Make ``execution`` the one that the running code belongs to; None for "between cells"."""
    current.set(execution)
    number.set(0 if execution is None else execution.number)
    if _on_thread is not None:
        _on_thread()


def _starter(original: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap ``threading``'s private function that starts a thread of the system.

    ``Thread.start`` itself stays as it is, so its signature, pickling and tracebacks do too.
    """

    @functools.wraps(original)
    def start(function: Callable[..., Any], *rest: Any, **named: Any) -> Any:
        execution = current.get()
        if execution is None:
            return original(function, *rest, **named)

        def run(*args: Any, **kwargs: Any) -> Any:
            enter(execution)
            return function(*args, **kwargs)

        return original(run, *rest, **named)

    return start


def _item_init(original: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(original)
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        self.jupyter_lineage_execution = current.get()

    return __init__


def _item_run(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def run(self: Any, *args: Any, **kwargs: Any) -> Any:
        before = current.get()
        execution = getattr(self, "jupyter_lineage_execution", before)
        if execution is before:
            return original(self, *args, **kwargs)
        enter(execution)
        try:
            return original(self, *args, **kwargs)
        finally:
            enter(before)

    return run


_Patch = tuple[Any, str, Any, Any]
_patches: list[_Patch] = []


def _patch(owner: Any, name: str, wrap: Callable[..., Any]) -> None:
    original = vars(owner).get(name)
    if original is not None:
        wrapper = wrap(original)
        setattr(owner, name, wrapper)
        _patches.append((owner, name, original, wrapper))


def install(on_thread: Callable[[], None] | None = None) -> None:
    """Let threads and thread pools carry the execution on; a second call changes nothing.

    Args:
        on_thread: called in a thread after its execution changed.
    """
    global _on_thread
    _on_thread = on_thread
    if _patches:
        return
    from concurrent.futures import thread as pool

    # The name differs by version: the second one came with Python 3.13.
    _patch(threading, "_start_new_thread", _starter)
    _patch(threading, "_start_joinable_thread", _starter)
    item = getattr(pool, "_WorkItem", None)
    if item is not None:
        _patch(item, "__init__", _item_init)
        _patch(item, "run", _item_run)


def uninstall() -> None:
    """Put the originals back, except where somebody else has wrapped ours since."""
    global _on_thread
    _on_thread = None
    while _patches:
        owner, name, original, wrapper = _patches.pop()
        if vars(owner).get(name) is wrapper:
            setattr(owner, name, original)
