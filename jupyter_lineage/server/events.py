"""Telling the panel that something changed, and nothing more than that.

Every subscriber of Jupyter's event bus sees every event, so there are no paths, names or values in
ours: the panel asks the REST routes, which know who may see what.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from tornado.ioloop import PeriodicCallback

from ..errors import LineageError
from ..store import open_reader
from ..store.changes import ChangeWatch
from ..store.queries import change_number

if TYPE_CHECKING:
    from pathlib import Path

CHANGED = "https://events.jupyter-lineage.org/changed/v1"
"""Id of the event's schema."""

CHANGED_SCHEMA: dict[str, Any] = {
    "$id": CHANGED,
    "version": "1",
    "title": "The record changed",
    "description": "Something was recorded. Ask the REST routes under /lineage/api/ what it was.",
    "type": "object",
    "properties": {
        "change": {
            "type": "integer",
            "title": "Change number",
            "description": "Grows with every change; the runs route tells the same number.",
        }
    },
    "required": ["change"],
    "additionalProperties": False,
}

_LOOK_MILLISECONDS = 300


class ChangeEvents:
    """Looks at the database while the server runs and emits an event for each change.

    Args:
        database: path of the database, which need not exist yet.
        logger: the server's event logger (``jupyter_events.EventLogger``).
    """

    def __init__(self, database: Path, logger: Any) -> None:
        self._database = database
        self._logger = logger
        self._watch = ChangeWatch(database)
        self._look = PeriodicCallback(self._emit_if_changed, _LOOK_MILLISECONDS)
        logger.register_event_schema(CHANGED_SCHEMA)

    def start(self) -> None:
        """Begin to look; needs a running event loop."""
        self._look.start()

    def stop(self) -> None:
        """Look no more and close the database."""
        self._look.stop()
        self._watch.close()

    async def _emit_if_changed(self) -> None:
        if not self._watch.changed():
            return
        try:
            number = await asyncio.to_thread(_change_number, self._database)
        except LineageError:
            return  # gone or damaged meanwhile: the routes say it in words
        self._logger.emit(schema_id=CHANGED, data={"change": number})


def _change_number(database: Path) -> int:
    with open_reader(database) as store:
        return change_number(store)
