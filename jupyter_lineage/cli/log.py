"""``jupyter lineage log``: the runs, newest first."""

from __future__ import annotations

import argparse
from pathlib import PurePath
from typing import Any

from ..store.queries import list_runs, not_recorded
from . import output
from .reading import add_json, open_store

STATUSES = ("running", "completed", "failed", "interrupted", "died")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("--limit", type=_count, default=20, metavar="N", help="so many runs (20)")
    parser.add_argument("--notebook", metavar="TEXT", help="only paths that contain TEXT")
    parser.add_argument("--status", choices=STATUSES, help="only runs of this status")
    add_json(parser)


def _count(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= 1_000_000:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 to 1000000")
    return int(text)


def run(args: argparse.Namespace) -> int:
    """Print the runs."""
    with open_store() as store:
        runs = list_runs(store, limit=args.limit, notebook=args.notebook, status=args.status)
        blank = not_recorded(store, [run["id"] for run in runs])
    if args.json:
        output.print_json({"schema": 1, "runs": runs})
        return 0
    if not runs:
        print("No run matches." if args.notebook or args.status else "No run is recorded yet.")
        return 0
    rows = [
        ["RUN", "STATUS", "WHEN", "TOOK", "NOTEBOOK", "USER"],
        *(_row(run, blank) for run in runs),
    ]
    rows[0] = [output.style(heading, "faint") for heading in rows[0]]
    print(output.table(rows, stretch=4))
    return 0


def _row(run: dict[str, Any], blank: set[str]) -> list[str]:
    what = title(run) + (" (not recorded)" if run["id"] in blank else "")
    return [
        output.short_id(run["id"]),
        output.status_mark(run["status"]),
        output.ago(run["started_at"]),
        output.took(run["started_at"], run["ended_at"]),
        what,
        output.clean(run["user"] or "-"),
    ]


def title(run: dict[str, Any]) -> str:
    """Return what a person calls a run: its notebook, its name, and its kind if it is special."""
    notebook = PurePath(run["notebook"]).name if run["notebook"] else None
    parts = [part for part in (notebook, run["name"]) if part]
    text = " · ".join(map(output.clean, parts)) or "(no notebook)"
    return text if run["kind"] == "session" else f"{text} ({output.clean(run['kind'])})"
