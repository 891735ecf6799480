"""A commit of another process becomes one event with a number and nothing else."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

from jupyter_lineage.server.events import CHANGED
from jupyter_lineage.store import Store
from tests.builders import make_run

from .conftest import TOKEN, Server

WAIT_SECONDS = 20


async def changes_while(server: Server, act: Any) -> list[dict[str, Any]]:
    """Return our events from ``act`` until the list of runs has the number that one told."""
    address = server.url.replace("http", "ws") + "api/events/subscribe"
    request = HTTPRequest(address, headers={"Authorization": f"token {TOKEN}"})
    connection = await websocket_connect(request)
    act()
    wanted = server.get("runs")["change"]
    seen: list[dict[str, Any]] = []
    while not seen or seen[-1]["change"] < wanted:
        message = await asyncio.wait_for(connection.read_message(), WAIT_SECONDS)
        assert message is not None
        event = json.loads(message)
        if event.pop("schema_id") == CHANGED:
            seen.append({name: value for name, value in event.items() if "__" not in name})
    connection.close()
    return seen


def test_a_commit_is_announced_with_its_number_alone(server: Server, store: Store) -> None:
    make_run(store)
    seen = asyncio.run(
        changes_while(server, lambda: make_run(store, notebook="/secret/name.ipynb"))
    )
    assert all(set(event) == {"change"} for event in seen)
    numbers = [event["change"] for event in seen]
    assert numbers == sorted(numbers)
