"""Two kernels that differ in one thing: one has the probe's startup file, the other has not.

Both are thin virtual environments that borrow this environment's packages through a ``.pth``
file, so that start-up, paths and packages are alike; only one gets ``etc/ipython/startup``.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
import venv
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Sides = tuple[list[float], list[float]]
"""Bare and recorded, in the order of the rounds."""

ROOT = Path(__file__).resolve().parents[1]
SIDES = ("bare", "recorded")
STARTUP = ROOT / "jupyter-config" / "00-jupyter-lineage.py"


# What the kernel itself needs for a cell, hooks included: its own clock around run_cell, so that
# messages and scheduling do not blur a difference of a fraction of a millisecond.
_TIMER = """
def _timed():
    import time
    from IPython import get_ipython
    shell = get_ipython()
    inner = type(shell).run_cell
    seconds = []
    def run_cell(source, *args, **kwargs):
        before = time.perf_counter()
        try:
            return inner(shell, source, *args, **kwargs)
        finally:
            if source:
                seconds.append(time.perf_counter() - before)
    shell.run_cell = run_cell
    return seconds
if "_cell_seconds" not in globals():
    _cell_seconds = _timed()
del _timed
"""


class Twins:
    """The two environments, ``bare`` and ``recorded``, in a folder that goes away with them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.python = {side: self._environment(side) for side in SIDES}
        startup = folder / "recorded" / "etc" / "ipython" / "startup"
        startup.mkdir(parents=True)
        shutil.copy(STARTUP, startup)
        self.variables = {
            **{
                name: value
                for name, value in os.environ.items()
                if name != "PYTHONDONTWRITEBYTECODE" and not name.startswith("JUPYTER_LINEAGE_")
            },
            "XDG_DATA_HOME": str(folder / "data"),
            "IPYTHONDIR": str(folder / "ipython"),
            "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        }
        (folder / "work").mkdir()

    def _environment(self, side: str) -> str:
        prefix = self.folder / side
        venv.create(prefix, symlinks=True)
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        packages = prefix / "lib" / version / "site-packages"
        lines = [sysconfig.get_paths()["purelib"], str(ROOT)]
        (packages / "borrowed.pth").write_text("\n".join(lines) + "\n")
        return str(prefix / "bin" / "python")

    def start(self, side: str, **variables: str) -> Kernel:
        """Start a kernel of one side and wait until it has answered."""
        return Kernel(self.python[side], self.variables | variables, self.folder / "work")

    @contextlib.contextmanager
    def both(self) -> Iterator[dict[str, Kernel]]:
        """Have a kernel of each side for the length of the block."""
        kernels = {side: self.start(side) for side in SIDES}
        try:
            yield kernels
        finally:
            for kernel in kernels.values():
                kernel.stop()

    def recorder(self, database: Path) -> int:
        """Return the process id of the recorder that serves a database, once it does."""

        def find() -> int:
            served = (one for one, command in self._recorders() if str(database) in command)
            return next(served, 0)

        return int(_until(find, "a recorder has started"))

    def stop_recorders(self) -> None:
        """End the recorders that the recorded kernels started, and wait until they have gone."""
        for process, _ in list(self._recorders()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGTERM)
        _until(lambda: not list(self._recorders()), "the recorders have gone")

    def take_in(self, database: Path) -> None:
        """Let a recorder take what the spools of a database still hold, and wait for it."""
        command = [sys.executable, "-m", "jupyter_lineage.recorder", "--once"]
        subprocess.run(
            [*command, "--database", str(database)], env=self.variables, cwd=ROOT, check=True
        )

    def _recorders(self) -> Iterator[tuple[int, str]]:
        for lock in (self.folder / "data").glob("jupyter-lineage/spool/*/*/recorder.lock"):
            with contextlib.suppress(OSError, ValueError, KeyError):
                process = json.loads(lock.read_text())["pid"]
                command = Path(f"/proc/{process}/cmdline").read_text()
                if "jupyter_lineage.recorder" in command:
                    yield process, command


class Kernel:
    """A running kernel that has answered once."""

    def __init__(self, python: str, variables: dict[str, str], folder: Path) -> None:
        from jupyter_client.kernelspec import KernelSpec
        from jupyter_client.manager import KernelManager

        self.manager = KernelManager()
        self.manager._kernel_spec = KernelSpec(
            argv=[python, "-m", "ipykernel_launcher", "-f", "{connection_file}"], language="python"
        )
        before = time.perf_counter()
        self.manager.start_kernel(env=variables, cwd=str(folder), stderr=subprocess.DEVNULL)
        self.client = self.manager.blocking_client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)
        self.run("1 + 1")
        self.start_seconds = time.perf_counter() - before

    def run(self, code: str) -> float:
        """Execute a cell; return the seconds from sending it to the kernel being idle again."""
        before = time.perf_counter()
        reply = self.client.execute_interactive(code, timeout=300, output_hook=lambda _: None)
        seconds = time.perf_counter() - before
        if reply["content"]["status"] != "ok":
            raise RuntimeError("\n".join(reply["content"].get("traceback", [])))
        return seconds

    def ask(self, expression: str) -> Any:
        """Return the value of an expression in the kernel, which must be a Python literal."""
        import ast

        message = self.client.execute(
            "", silent=True, user_expressions={"answer": expression}, store_history=False
        )
        while True:
            reply = self.client.get_shell_msg(timeout=60)
            if reply["parent_header"].get("msg_id") == message:
                answer = reply["content"]["user_expressions"]["answer"]
                return ast.literal_eval(answer["data"]["text/plain"])

    def time_cells(self) -> None:
        """Begin to note what the kernel itself needs for each cell, by its own clock."""
        self.run(_TIMER)

    def last_cell(self) -> float:
        """Return the seconds that the kernel itself needed for the last cell, hooks included."""
        return float(self.ask("_cell_seconds[-1]"))

    def stop(self) -> None:
        """End the kernel in order."""
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=False)
        self.manager.cleanup_resources()


def _until(condition: Callable[[], Any], what: str) -> Any:
    """Wait until a condition has a true value, and return that."""
    limit = time.monotonic() + 60
    while not (found := condition()):
        if time.monotonic() > limit:
            raise RuntimeError(f"waited for a minute, and not yet: {what}")
        time.sleep(0.05)
    return found


def alternate(run: Callable[[str], float], rounds: int) -> Sides:
    """Run both sides in turn, the first of a pair being now one, now the other.

    The first pair fills the caches and does not count.
    """
    found: dict[str, list[float]] = {side: [] for side in SIDES}
    for number in range(rounds + 1):
        for side in SIDES if number % 2 else reversed(SIDES):
            figure = run(side)
            if number:
                found[side].append(figure)
    return found["bare"], found["recorded"]


@contextlib.contextmanager
def twins() -> Iterator[Twins]:
    """Make the two environments and remove them afterwards."""
    with tempfile.TemporaryDirectory(prefix="lineage-bench-") as folder:
        made = Twins(Path(folder))
        try:
            yield made
        finally:
            made.stop_recorders()
