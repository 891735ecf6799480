"""No database, a damaged one, a newer one: one line and what to do, never a traceback."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from jupyter_lineage.store import open_writer
from tests.builders import make_run

from .conftest import running_server


def test_without_a_database_the_list_is_empty_and_the_first_run_appears(tmp_path: Path) -> None:
    with running_server(tmp_path) as server:
        assert server.get("runs") == {"schema": 1, "runs": [], "next": None, "change": 0}
        assert server.get("status?kernel_id=k")["state"] == "not-recorded"
        assert server.ask("lineage/api/runs/abcd").status == 404
        with open_writer(server.database) as store:
            run = make_run(store, kernel_id="k", status="running")
        assert [told["id"] for told in server.get("runs")["runs"]] == [run]
        assert server.get("status?kernel_id=k")["first_time"] is True
        with sqlite3.connect(server.database) as database:
            database.execute(
                "INSERT INTO _sqlite_migrations (migration_set, name, applied_at)"
                " VALUES ('jupyter_lineage', 'm999_from_the_future', '')"
            )
        database.close()
        newer = server.ask("lineage/api/runs")
        assert newer.status == 503
        assert "newer version" in newer.body["error"]
        assert newer.body["hint"]
        for leftover in server.database.parent.glob("lineage.db*"):
            leftover.rmdir() if leftover.is_dir() else leftover.unlink()
        server.database.write_bytes(b"no database at all, but long enough to be looked at" * 100)
        damaged = server.ask("lineage/api/runs")
        assert damaged.status == 503
        assert "damaged" in damaged.body["error"]
        state = server.get("status?kernel_id=k")
        assert "damaged" in state["warning"]
        assert state["recording"] is False
