"""Running a recorded run again: start it, see how far it is."""

from __future__ import annotations

from jupyter_server.auth.decorator import authorized
from tornado.web import authenticated

from ...reproduce.plan import refuse_if_unsafe
from ...store import queries
from .base import LineageHandler


class ReproduceHandler(LineageHandler):
    """``POST runs/<run id>/reproduce``: 202 and a job, or 409 with the paths in the way."""

    _track_activity = True

    @authenticated
    @authorized
    async def post(self, run: str) -> None:
        """Check that the run may be reproduced here, then start a job for it."""
        run_id = await self.read(lambda store: queries.find_run(store, run))
        await self.read(lambda store: refuse_if_unsafe(store, run_id))
        self.reply({"job": self.services.jobs.start(run_id)}, status=202)


class JobHandler(LineageHandler):
    """``GET jobs/<job id>``: phase, progress and at the end the verdict."""

    @authenticated
    @authorized
    async def get(self, job: str) -> None:
        """Reply with the job's state."""
        self.reply(self.services.jobs.get(job).document())
