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
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[1]
STARTUP = ROOT / "jupyter-config" / "00-jupyter-lineage.py"


class Twins:
    """The two environments, in a folder of their own that goes away with them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.python = {side: self._environment(side) for side in ("bare", "probed")}
        startup = folder / "probed" / "etc" / "ipython" / "startup"
        startup.mkdir(parents=True)
        shutil.copy(STARTUP, startup)
        self.variables = {
            **{
                name: value
                for name, value in os.environ.items()
                if name != "PYTHONDONTWRITEBYTECODE"
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

    def start(self, side: str) -> Kernel:
        """Start a kernel of one side and wait until it has answered."""
        return Kernel(self.python[side], self.variables, self.folder / "work")


class Kernel:
    """A running kernel; ``run`` executes code and returns what the code stored in ``answer``."""

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

    def stop(self) -> None:
        """End the kernel in order."""
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=False)
        self.manager.cleanup_resources()


@contextlib.contextmanager
def twins() -> Iterator[Twins]:
    """Make the two environments and remove them afterwards."""
    with tempfile.TemporaryDirectory(prefix="lineage-bench-") as folder:
        made = Twins(Path(folder))
        yield made
        _stop_recorder(made)


def _stop_recorder(made: Twins) -> None:
    """End the recorder that the probed kernels started, and wait until it has gone."""
    for lock in (made.folder / "data").glob("jupyter-lineage/spool/*/*/recorder.lock"):
        process = json.loads(lock.read_text())["pid"]
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGTERM)
            for _ in range(300):
                time.sleep(0.1)
                os.kill(process, 0)
