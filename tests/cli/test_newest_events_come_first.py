"""Reading commands let the recorder catch up shortly, and say what is missing if it does not."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(("behind", "said"), [(0, ""), (1, "1 event is"), (7, "7 events are")])
def test_events_that_are_still_behind_are_counted_on_stderr(
    lineage, history, monkeypatch, behind, said
):
    monkeypatch.setattr("jupyter_lineage.recorder.client.wake_and_wait", lambda *_, **__: behind)
    reply = lineage("log", "--json")
    assert reply.status == 0
    assert len(reply.json["runs"]) == 4
    assert reply.err == (f"jupyter lineage: {said} still being stored\n" if said else "")


def test_what_is_stored_is_read_where_the_spools_can_not_be(lineage, history, monkeypatch):
    def forbidden(*_, **__):
        raise PermissionError(13, "Permission denied", "/spool")

    monkeypatch.setattr("jupyter_lineage.recorder.client.wake_and_wait", forbidden)
    reply = lineage("log")
    assert reply.status == 0
    assert "the newest events may be missing" in reply.err
