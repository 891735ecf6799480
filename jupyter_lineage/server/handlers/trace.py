"""Where something came from, and what it fed."""

from __future__ import annotations

from jupyter_server.auth.decorator import authorized
from tornado.web import authenticated

from ...errors import InvalidInput
from ...lineage.trace import trace
from .base import LineageHandler


class TraceHandler(LineageHandler):
    """``GET trace?what=…&down=0``: the lineage of a path, hash or run as nodes and edges."""

    @authenticated
    @authorized
    async def get(self) -> None:
        """Reply with the graph."""
        what = self.get_query_argument("what", "")
        down = self.get_query_argument("down", "0")
        if not what:
            raise InvalidInput("what is missing", hint="Give a path, blake3:… or a run's id.")
        if down not in ("0", "1"):
            raise InvalidInput(f"down is {down!r}", hint="Give 0 or 1.")
        self.reply(await self.read(lambda store: trace(store, what, down=down == "1")))
