"""The server extension: wiring and the route table, nothing else."""

from __future__ import annotations

from jupyter_server.extension.application import ExtensionApp
from traitlets import Bool

from .events import ChangeEvents
from .handlers.base import SETTING, Services
from .handlers.reproduce import JobHandler, ReproduceHandler
from .handlers.runs import OutputsHandler, RunHandler, RunsHandler
from .handlers.status import StatusHandler
from .handlers.trace import TraceHandler
from .jobs import Jobs
from .recording import database_path

_RUN = r"runs/(?P<run>[^/]+)"

ROUTES = [
    (r"runs", RunsHandler),
    (_RUN, RunHandler),
    (_RUN + r"/executions/(?P<number>[0-9]+)/outputs", OutputsHandler),
    (_RUN + r"/reproduce", ReproduceHandler),
    (r"jobs/(?P<job>[^/]+)", JobHandler),
    (r"trace", TraceHandler),
    (r"status", StatusHandler),
]
"""Routes under ``/lineage/api/`` and who answers them; docs/reference/rest.md describes each."""


class LineageExtension(ExtensionApp):
    """``jupyter_lineage`` in Jupyter Server."""

    name = "jupyter_lineage"
    default_url = "/lab"
    load_other_extensions = True

    open_panel = Bool(False, help="Show the list of runs as soon as JupyterLab is open.").tag(
        config=True
    )

    def initialize_settings(self) -> None:
        """Make the services once and hand them to the handlers."""
        database = database_path()
        self._jobs = Jobs(database)
        self._events = ChangeEvents(database, self.serverapp.event_logger)
        self.settings[SETTING] = Services(database=database, jobs=self._jobs)
        self._events.start()
        if self.open_panel:
            page = self.serverapp.web_app.settings.setdefault("page_config_data", {})
            page["lineageOpenPanel"] = "true"

    def initialize_handlers(self) -> None:
        """Put the route table under ``/lineage/api/``."""
        self.handlers.extend((rf"/lineage/api/{route}", handler) for route, handler in ROUTES)

    async def stop_extension(self) -> None:
        """End the watch and every reproduction that runs."""
        self._events.stop()
        await self._jobs.stop()
