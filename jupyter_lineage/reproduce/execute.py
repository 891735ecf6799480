"""Runs the planned cells in a fresh kernel: recorded, guarded, and always shut down.

No cell runs before the kernel has said that our guard is in place.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import sys
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ReproduceError
from . import fence

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from jupyter_client.blocking.client import BlockingKernelClient
    from jupyter_client.manager import KernelManager

    from .plan import Step

_START_SECONDS = 60
_POLL_SECONDS = 0.5
_LOAD = "get_ipython().run_line_magic('load_ext', 'jupyter_lineage')"
_GUARDED = "__import__('jupyter_lineage.probe.guard', fromlist=['installed']).installed()"


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """How a reproduction's kernel is started."""

    python: str
    workspace: Path
    temporary: Path
    """A folder for temporary files and for what the kernel says on its terminal."""
    changeable: Sequence[str] | None
    """Folders that the kernel and what it starts may change; None where nothing can hold them."""
    apart: Collection[str]
    """What it has for itself, as :func:`.apart.given` tells."""
    variables: Mapping[str, str]
    hand_over: Mapping[str, Any]
    """What the probe is told: the fields of ``docs/reference/spool.md``."""


def run_cells(
    launch: Launch,
    steps: list[Step],
    *,
    seconds: float | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> str | None:
    """Run cells one after another in a kernel of their own.

    Args:
        launch: how to start it.
        steps: those to run; skipped ones are passed over.
        seconds: a time limit for all cells together.
        progress: told how many cells are done, and of how many.

    Returns:
        None when all cells have run, else why those after the last one have not.

    Raises:
        ReproduceError: the kernel does not start, or does not load our probe and guard.
    """
    todo = [step for step in steps if step.source is not None]
    deadline = None if seconds is None else time.monotonic() + seconds
    with started_kernel(launch) as (manager, client):
        for done, step in enumerate(todo):
            if progress is not None:
                progress(done, len(todo))
            broken = _run(manager, client, step, deadline)
            if broken is not None:
                return broken
        if progress is not None:
            progress(len(todo), len(todo))
    return None


@contextlib.contextmanager
def started_kernel(launch: Launch) -> Iterator[tuple[KernelManager, BlockingKernelClient]]:
    """Start a guarded, recording kernel for the block, and shut it down whatever happens there.

    Raises:
        ReproduceError: it does not start, or does not load our probe and guard.
    """
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import KernelManager
    from jupyter_core.paths import jupyter_runtime_dir

    runtime = Path(jupyter_runtime_dir())
    runtime.mkdir(mode=0o700, parents=True, exist_ok=True)
    connection = runtime / f"kernel-{uuid.uuid4()}.json"
    manager = KernelManager(connection_file=str(connection))
    # The local provisioner by name: a server's default one would add a bootstrap of its own.
    manager._kernel_spec = KernelSpec(
        argv=_command(launch),
        display_name="Python 3",
        language="python",
        metadata={"kernel_provisioner": {"provisioner_name": "local-provisioner"}},
    )
    hand_over = connection.with_suffix(".lineage.json")
    terminal = launch.temporary / "terminal.txt"
    client = None
    orderly = False
    try:
        _write_private(hand_over, json.dumps(dict(launch.hand_over)))
        _start(manager, launch, terminal)
        client = manager.blocking_client()
        client.start_channels()
        _wait_until_ready(manager, client, terminal)
        _check_guard(client)
        yield manager, client
        orderly = True
    finally:
        if client is not None:
            client.stop_channels()
        if manager.has_kernel:
            manager.shutdown_kernel(now=not orderly)
        hand_over.unlink(missing_ok=True)
        connection.unlink(missing_ok=True)


def _write_private(path: Path, text: str) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    with os.fdopen(os.open(path, flags, 0o600), "w", encoding="utf-8") as stream:
        stream.write(text)


def _command(launch: Launch) -> list[str]:
    kernel = [launch.python, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    if launch.changeable is None:
        return kernel
    held = fence.arguments(launch.changeable, apart=launch.apart)
    return [sys.executable, *held, *kernel]


def _start(manager: KernelManager, launch: Launch, terminal: Path) -> None:
    try:
        with terminal.open("wb") as output:
            manager.start_kernel(
                cwd=str(launch.workspace), env=dict(launch.variables), stdout=output, stderr=output
            )
    except (OSError, RuntimeError) as error:
        raise ReproduceError(
            f"the kernel can't be started with {launch.python}: {error}",
            hint="`jupyter lineage doctor` looks at what it needs.",
        ) from error


def _wait_until_ready(manager: KernelManager, client: BlockingKernelClient, terminal: Path) -> None:
    try:
        client.wait_for_ready(timeout=_START_SECONDS)
    except RuntimeError as error:
        state = "does not answer" if manager.is_alive() else "died while it started"
        said = terminal.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        last = said[-1][:200] if said else str(error)
        raise ReproduceError(f"the reproduction's kernel {state}: {last}") from error


def _check_guard(client: BlockingKernelClient) -> None:
    """Make sure that the probe and its guard are there before any cell runs.

    Raises:
        ReproduceError: they are not.
    """
    if _asks(client, "") or _asks(client, _LOAD):
        return
    raise ReproduceError(
        "the reproduction's kernel does not load jupyter_lineage, so nothing would guard it",
        hint="Install jupyter_lineage in the environment of that Python, and look at "
        "`jupyter lineage doctor`.",
    )


def _asks(client: BlockingKernelClient, code: str) -> bool:
    """Run code silently and ask the kernel whether it is guarded."""
    message = client.execute(
        code, silent=True, store_history=False, user_expressions={"guarded": _GUARDED}
    )
    give_up = time.monotonic() + _START_SECONDS
    while time.monotonic() < give_up:
        try:
            reply = client.get_shell_msg(timeout=_POLL_SECONDS)
        except queue.Empty:
            continue
        if reply["parent_header"].get("msg_id") == message:
            said = reply["content"].get("user_expressions", {}).get("guarded", {})
            return bool(said.get("data", {}).get("text/plain") == "True")
    return False


def _run(
    manager: KernelManager, client: BlockingKernelClient, step: Step, deadline: float | None
) -> str | None:
    """Run one cell to its end; return why no further one can run, None when they can."""
    number = step.cell.number
    message = client.execute(
        step.source, store_history=True, allow_stdin=False, stop_on_error=False
    )
    while True:
        if deadline is not None and time.monotonic() > deadline:
            manager.shutdown_kernel(now=True)
            return f"the time limit was reached in cell {number}"
        try:
            said = client.get_iopub_msg(timeout=_POLL_SECONDS)
        except queue.Empty:
            if not manager.is_alive():
                return f"the kernel died in cell {number}"
            continue
        idle = said["msg_type"] == "status" and said["content"]["execution_state"] == "idle"
        if idle and said["parent_header"].get("msg_id") == message:
            break
    # The reply was sent before "idle"; taking it keeps the channel empty.
    with contextlib.suppress(queue.Empty):
        client.get_shell_msg(timeout=_POLL_SECONDS)
    return None
