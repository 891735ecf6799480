"""Ctrl-C while our own code runs: held back, and given to the code that it was meant for."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # the public one turns results into enum members
import _thread
import math
import signal
import threading
import time
from typing import Any

_AT_ONCE = 0.1
"""Seconds after our own work within which a cell that begins was waiting for that work."""


class Interrupts:
    """Holds Ctrl-C back while our own code runs, so that it can't be torn in the middle.

    An interrupt that arrived meanwhile is delivered a moment later, to the user's code: to the cell
    that is still to run or, where one follows at once, to the next one. Otherwise nothing was left
    to interrupt, and it is dropped as the kernel drops it between cells. Only Python's own handler
    is replaced and the kernel's for the time between cells, and only in the main thread.

    Args:
        deliver: whether a cell is about to run.
    """

    _came_at = -math.inf
    """When our own work after a cell ended in which an interrupt came."""

    def __init__(self, *, deliver: bool) -> None:
        self._deliver = deliver
        self._came = False
        self._replaced: Any = None

    def __enter__(self) -> None:
        if threading.main_thread().ident == threading.get_ident():
            handler = _signal.getsignal(_signal.SIGINT)
            if handler is _signal.default_int_handler or handler == _signal.SIG_IGN:
                self._came = time.monotonic() - Interrupts._came_at < _AT_ONCE
                Interrupts._came_at = -math.inf
                _signal.signal(_signal.SIGINT, self._note)
                self._replaced = handler

    def __exit__(self, *_: object) -> None:
        if self._replaced is None:
            return
        _signal.signal(_signal.SIGINT, self._replaced)
        if self._came and self._deliver:
            threading.Timer(0.01, _interrupt).start()
        elif self._came:
            Interrupts._came_at = time.monotonic()

    def _note(self, *_: object) -> None:
        self._came = True


def _interrupt() -> None:
    if hasattr(signal, "pthread_kill"):
        # A real signal, which ends a sleep too; interrupt_main() would wait for it.
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
    else:
        _thread.interrupt_main()
