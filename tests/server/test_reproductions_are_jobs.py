"""Reproductions as jobs: progress, verdict, failure, one by one, none outlives the server."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from jupyter_lineage.errors import NotFound
from jupyter_lineage.server.jobs import Jobs

PROGRESS = """
import json, sys
print(json.dumps({'phase': 'cells', 'done': 1, 'total': 3}), file=sys.stderr, flush=True)
"""
WAIT_SECONDS = 20


def jobs_running(code: str) -> Jobs:
    return Jobs(Path("unused.db"), lambda run: [sys.executable, "-c", code, run])


async def ended(jobs: Jobs, job: str) -> dict[str, Any]:
    return await until(jobs, job, lambda told: told["state"] != "running")


async def until(jobs: Jobs, job: str, holds: Any) -> dict[str, Any]:
    for _ in range(WAIT_SECONDS * 50):
        told = jobs.get(job).document()
        if holds(told):
            return told
        await asyncio.sleep(0.02)
    raise AssertionError(f"waited in vain: {told}")


@pytest.mark.parametrize("status", [0, 1])
def test_a_verdict_is_a_result_whatever_it_says(status: int) -> None:
    async def scenario() -> None:
        code = PROGRESS + f"print(json.dumps({{'verdict': sys.argv[1]}})); sys.exit({status})"
        jobs = jobs_running(code)
        told = await ended(jobs, jobs.start("the run"))
        assert told["state"] == "done"
        assert told["result"] == {"verdict": "the run"}
        assert (told["phase"], told["done"], told["total"]) == ("cells", 1, 3)

    asyncio.run(scenario())


def test_a_failure_is_told_in_the_commands_last_words() -> None:
    async def scenario() -> None:
        jobs = jobs_running("import sys\nsys.exit('the input raw.csv is gone')")
        told = await ended(jobs, jobs.start("r"))
        assert (told["state"], told["error"]) == ("failed", "the input raw.csv is gone")

    asyncio.run(scenario())


def test_a_command_that_is_killed_or_cannot_start_has_failed() -> None:
    async def scenario() -> None:
        killed = jobs_running("import os\nos.kill(os.getpid(), 9)")
        assert (await ended(killed, killed.start("r")))["state"] == "failed"
        missing = Jobs(Path("unused.db"), lambda run: ["/no/such/program", run])
        assert "can't be started" in (await ended(missing, missing.start("r")))["error"]

    asyncio.run(scenario())


def test_several_at_once_run_one_after_another(tmp_path: Path) -> None:
    async def scenario() -> None:
        code = (
            "import os, sys, time\n"
            f"mine = os.open({str(tmp_path / 'lock')!r}, os.O_CREAT | os.O_EXCL)\n"
            f"time.sleep(0.2)\nos.unlink({str(tmp_path / 'lock')!r})\nprint('{{}}')"
        )
        jobs = jobs_running(code)
        started = [jobs.start(str(number)) for number in range(3)]
        await asyncio.sleep(0)
        assert jobs.get(started[2]).document()["phase"] == "queued"
        assert [(await ended(jobs, job))["state"] for job in started] == ["done"] * 3

    asyncio.run(scenario())


def test_nothing_outlives_the_server(tmp_path: Path) -> None:
    async def scenario() -> None:
        code = (
            "import json, os, signal, subprocess, sys, time\n"
            "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
            "print(json.dumps({'phase': 'cells', 'done': child.pid, 'total': os.getpid()}),"
            " file=sys.stderr, flush=True)\ntime.sleep(600)"
        )
        jobs = jobs_running(code)
        first, waiting = jobs.start("r"), jobs.start("s")
        told = await until(jobs, first, lambda told: told["total"] > 0)
        await jobs.stop()
        assert jobs.get(first).document()["state"] == "failed"
        assert "shutting down" in (jobs.get(waiting).document()["error"] or "")
        for pid in (told["done"], told["total"]):
            await gone(pid)

    asyncio.run(scenario())


async def gone(pid: int) -> None:
    for _ in range(WAIT_SECONDS * 50):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return
        if state == "Z":
            return
        await asyncio.sleep(0.02)
    os.kill(pid, 9)
    raise AssertionError(f"process {pid} outlived its job")


def test_lines_that_only_look_like_progress_are_words() -> None:
    async def scenario() -> None:
        for line in ("[1]", "3", json.dumps({"phase": "x", "done": [1]}), "null", "{"):
            jobs = jobs_running(f"import sys\nprint({line!r}, file=sys.stderr)\nsys.exit(2)")
            assert (await ended(jobs, jobs.start("r")))["error"] == line

    asyncio.run(scenario())


def test_an_unknown_job_is_not_found() -> None:
    with pytest.raises(NotFound):
        Jobs(Path("unused.db")).get("nothing")
