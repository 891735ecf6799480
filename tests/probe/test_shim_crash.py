"""A crash with the shim loaded switches it off for that environment; a kill does not."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from jupyter_client.manager import KernelManager

from .shim_harness import PRELUDE, Watched, watched

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the shim is for Linux")
__all__ = ["watched"]

CRASH = "import ctypes; ctypes.string_at(0)"
OFF = re.compile(
    r"switched off after a crash of \d{4}-\d\d-\d\d \d\d:\d\d; JUPYTER_LINEAGE_SHIM=1 .*"
)


@contextmanager
def kernel_with_shim(watched: Watched) -> Iterator[tuple[KernelManager, Path]]:
    """Start a real kernel that has loaded the shim; gives its standard error's file too."""
    log = watched.data / "stderr"
    manager = KernelManager(kernel_name="python3")
    manager.connection_file = str(watched.data / "connection.json")
    with log.open("wb") as stderr:
        manager.start_kernel(env=watched.environment, cwd=str(watched.data), stderr=stderr)
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=60)
        reply = client.execute_interactive(PRELUDE, timeout=60, output_hook=lambda message: None)
        assert reply["content"]["status"] == "ok", reply["content"]
        client.stop_channels()
        yield manager, log
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        manager.cleanup_resources()


def run_in(manager: KernelManager, code: str) -> None:
    """Send code that the kernel does not survive, and wait for its end."""
    client = manager.blocking_client()
    client.start_channels()
    client.execute(code)
    wait_for_end(manager)
    client.stop_channels()


def wait_for_end(manager: KernelManager) -> None:
    deadline = time.monotonic() + 60
    while manager.is_alive() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not manager.is_alive()


def reason(watched: Watched, **environment: str) -> str:
    """Return why the next process has no shim, or nothing."""
    done = watched.run("print('')", **environment)
    return done.stdout.strip()


def test_a_kernel_that_crashed_switches_it_off_until_asked_for(watched: Watched) -> None:
    with kernel_with_shim(watched) as (manager, log):
        run_in(manager, "import faulthandler; faulthandler.enable()\n" + CRASH)
        assert "Segmentation fault" in log.read_text()
    said = reason(watched)
    assert OFF.fullmatch(said)
    assert reason(watched) == said
    assert reason(watched, JUPYTER_LINEAGE_SHIM="1") == ""
    assert reason(watched) == ""


def test_a_kernel_that_was_killed_does_not(watched: Watched) -> None:
    with kernel_with_shim(watched) as (manager, _):
        assert manager.provisioner is not None
        os.kill(manager.provisioner.pid, signal.SIGKILL)
        wait_for_end(manager)
    assert reason(watched) == ""


@pytest.mark.parametrize(
    ("code", "died_by", "counts"),
    [
        (CRASH, signal.SIGSEGV, True),
        ("os.abort()", signal.SIGABRT, True),
        ("os.kill(os.getpid(), 7)", signal.SIGBUS, True),
        ("import faulthandler; faulthandler.enable(); " + CRASH, signal.SIGSEGV, True),
        (
            "if os.fork() == 0: os.abort()\nos.wait(); os.kill(os.getpid(), 9)",
            signal.SIGKILL,
            False,
        ),
        ("os.kill(os.getpid(), 15)", signal.SIGTERM, False),
        ("sys.exit(3)", 0, False),
    ],
)
def test_which_ends_count(watched: Watched, code: str, died_by: int, counts: bool) -> None:
    done = watched.run("assert shim.crash_guard\n" + code)
    assert done.returncode == (-died_by if died_by else 3), done.stderr
    assert ("Fatal Python error" in done.stderr) == ("faulthandler" in code)
    assert bool(reason(watched)) == counts


def test_a_faulthandler_that_was_on_before_still_tells_its_story(watched: Watched) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", PRELUDE + "assert shim.crash_guard\n" + CRASH],
        env=watched.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == -signal.SIGSEGV
    assert "Fatal Python error: Segmentation fault" in done.stderr
    assert "string_at" in done.stderr
    assert OFF.fullmatch(reason(watched))


def test_handlers_of_others_are_left_alone(watched: Watched) -> None:
    code = (
        "import signal\n"
        "caught = []\n"
        "signal.signal(signal.SIGABRT, lambda *_: caught.append(1))\n"
        + PRELUDE
        + "assert not shim.crash_guard\n"
        "os.kill(os.getpid(), signal.SIGABRT)\n"
        "assert caught == [1]\n"
    )
    other = subprocess.run(
        [sys.executable, "-c", code],
        env=watched.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert other.returncode == 0, other.stderr
    assert reason(watched) == ""


def test_it_is_switched_off_by_hand_and_says_what_is_missing(watched: Watched) -> None:
    assert reason(watched, JUPYTER_LINEAGE_SHIM="0") == "switched off by JUPYTER_LINEAGE_SHIM=0"
    assert reason(watched, TEST_LIBRARY="/nowhere/x.so") == "no compiled helper"
    (watched.data / "broken.so").write_bytes(b"no library")
    said = reason(watched, TEST_LIBRARY=str(watched.data / "broken.so"))
    assert said.startswith("the compiled helper can't be loaded: ")
    said = reason(watched, TEST_SPOOL="/nowhere/spool")
    assert said == "the compiled helper can't write its spool: No such file or directory"
