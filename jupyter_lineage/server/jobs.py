"""Reproductions started from the panel: one subprocess each, one at a time.

The work is the command line's (``jupyter lineage reproduce``); here is only who waits, how far
it is, and that nothing outlives the server.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import NotFound
from ..ids import uuid7

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_REMEMBERED = 100
_GRACE_SECONDS = 5.0
_LONGEST_LINE = 64 * 1024 * 1024  # the verdict of a long run comes as one line


@dataclass(slots=True, kw_only=True)
class Job:
    """One reproduction and how far it is."""

    id: str
    run: str
    state: str = "running"
    phase: str = "queued"
    done: int = 0
    total: int = 0
    result: dict[str, Any] | None = None
    error: str | None = None

    def document(self) -> dict[str, Any]:
        """Return the job as ``GET jobs/<job id>`` shows it."""
        names = ("state", "phase", "done", "total", "result", "error", "run")
        return {name: getattr(self, name) for name in names}

    def take_progress(self, line: str) -> bool:
        """Take a line of the command's standard error; False if it is no progress."""
        try:
            progress = json.loads(line)
            phase = str(progress["phase"])
            done, total = int(progress.get("done") or 0), int(progress.get("total") or 0)
        except (ValueError, TypeError, KeyError, AttributeError):
            return False
        self.phase, self.done, self.total = phase, done, total
        return True

    def finish(self, status: int, output: str, words: str) -> None:
        """Take the command's end: exit status 0 or 1 is a verdict, anything else a failure."""
        try:
            self.result = json.loads(output) if status in (0, 1) else None
        except ValueError:
            self.result = None
        self.state = "done" if self.result is not None else "failed"
        if self.result is None:
            self.error = words or f"the reproduction ended with status {status} and said nothing"


class Jobs:
    """The queue of reproductions.

    Args:
        database: the database that the runs are in.
        command: makes the command for a run; the default is this package's own.
    """

    def __init__(self, database: Path, command: Callable[[str], list[str]] | None = None) -> None:
        self._database = database
        self._command = command or _reproduce
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._turn = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, run: str) -> str:
        """Queue the reproduction of ``run`` (a full id) and return the job's id."""
        job = Job(id=str(uuid7()), run=run)
        self._jobs[job.id] = job
        self._forget_old()
        task = asyncio.get_running_loop().create_task(self._work(job))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return job.id

    def get(self, job: str) -> Job:
        """Return a job.

        Raises:
            NotFound: there is none of that id; jobs are forgotten when the server stops.
        """
        try:
            return self._jobs[job]
        except KeyError:
            raise NotFound(
                f"there is no job {job}", hint="Jobs end with the server; start it again."
            ) from None

    async def stop(self) -> None:
        """End what runs, wait until it has ended, and start nothing more."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _forget_old(self) -> None:
        ended = [name for name, job in self._jobs.items() if job.state != "running"]
        for name in ended[: max(0, len(self._jobs) - _REMEMBERED)]:
            del self._jobs[name]

    async def _work(self, job: Job) -> None:
        try:
            async with self._turn:
                await self._run(job)
        except asyncio.CancelledError:
            job.state, job.error = "failed", "stopped: the server is shutting down"
            raise
        except OSError as error:
            job.state, job.error = "failed", f"the reproduction can't be started: {error}"

    async def _run(self, job: Job) -> None:
        job.phase = "plan"
        process = await asyncio.create_subprocess_exec(
            *self._command(job.run),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "JUPYTER_LINEAGE_DATABASE": str(self._database)},
            limit=_LONGEST_LINE,
            # A group of its own: what the command started can be ended with it.
            start_new_session=True,
        )
        try:
            output, words = await asyncio.gather(_all(process.stdout), _words(job, process.stderr))
            job.finish(await process.wait(), output, words)
        finally:
            if process.returncode is None:
                await _end(process)


def _reproduce(run: str) -> list[str]:
    return [sys.executable, "-m", "jupyter_lineage", "reproduce", run, "--json", "--progress"]


async def _all(stream: asyncio.StreamReader | None) -> str:
    return (await stream.read()).decode("utf-8", "replace") if stream else ""


async def _words(job: Job, stream: asyncio.StreamReader | None) -> str:
    """Take progress as it comes and return the last line that was none: the error in words."""
    last = ""
    while stream and (line := await stream.readline()):
        text = line.decode("utf-8", "replace").strip()
        if text and not job.take_progress(text):
            last = text
    return last


async def _end(process: asyncio.subprocess.Process) -> None:
    """End a process and its group: asked first, then killed."""
    for ask in (signal.SIGTERM, getattr(signal, "SIGKILL", signal.SIGTERM)):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if hasattr(os, "killpg"):
                os.killpg(process.pid, ask)
            else:
                process.terminate()
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(process.wait(), _GRACE_SECONDS)
            return
