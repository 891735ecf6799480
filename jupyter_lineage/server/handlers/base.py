"""What every handler shares: rights, reading the store off the event loop, errors in words."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from jupyter_server.base.handlers import APIHandler
from tornado.web import HTTPError

from ...errors import (
    InvalidInput,
    LineageError,
    NotFound,
    RecorderError,
    ReproduceError,
    ReproduceRefused,
    StoreError,
)
from ...store import open_reader

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ...store import Store
    from ..jobs import Jobs

SETTING = "jupyter_lineage"
"""Where the web application's settings hold our :class:`Services`."""

_STATUS_OF: tuple[tuple[type[LineageError], int], ...] = (
    (NotFound, 404),
    (InvalidInput, 400),
    (ReproduceError, 409),
    (StoreError, 503),
    (RecorderError, 503),
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What handlers work with, made once in ``app``.

    Args:
        database: path of the SQLite database, which need not exist yet.
        jobs: the reproductions started from here.
    """

    database: Path
    jobs: Jobs


class LineageHandler(APIHandler):
    """Base of all our handlers: authenticated by Jupyter Server, authorised as ``lineage``."""

    auth_resource = "lineage"
    # A panel that looks for news is no sign of a person at work: idle servers may still be culled.
    _track_activity = False

    @property
    def services(self) -> Services:
        """Return what ``app`` wired."""
        services: Services = self.settings[SETTING]
        return services

    async def read(self, question: Callable[[Store], T]) -> T:
        """Return the answer of ``question``, asked in a thread with a connection of its own."""
        database = self.services.database

        def ask() -> T:
            with open_reader(database) as store:
                return question(store)

        return await asyncio.to_thread(ask)

    def reply(self, document: dict[str, Any], *, status: int = 200) -> None:
        """Send ``document`` as JSON, marked with the contract's version."""
        self.set_status(status)
        self.set_header("Cache-Control", "no-store")
        # ASCII: lone surrogates of file names that are no UTF-8 have no other way to travel.
        self.finish(json.dumps({"schema": 1, **document}))

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """Log a fault of ours with its traceback; an error in words is the reader's business."""
        if not isinstance(value, LineageError):
            super().log_exception(typ, value, tb)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Turn any error into the contract's words: the one place where this is decided."""
        error = kwargs.get("exc_info", (None, None, None))[1]
        document: dict[str, Any] = {"error": "the server made a mistake", "hint": ""}
        if isinstance(error, LineageError):
            status_code = status_of(error)
            document = {"error": str(error), "hint": error.hint}
            if isinstance(error, ReproduceRefused):
                document["paths"] = list(error.paths)
        elif isinstance(error, HTTPError):
            document["error"] = error.log_message or error.reason or f"HTTP {status_code}"
        else:
            document["hint"] = "The server's log says more."
        self.set_header("Content-Type", "application/json")
        self.reply(document, status=status_code)


def status_of(error: LineageError) -> int:
    """Return the HTTP status that stands for one of our errors."""
    return next((status for kind, status in _STATUS_OF if isinstance(error, kind)), 500)
