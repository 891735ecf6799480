from __future__ import annotations

import signal
import time

import pytest

from jupyter_lineage.probe.hooks import MOST_FAILURES
from jupyter_lineage.probe.interrupts import Interrupts

from .kernels import of

BREAK = "import jupyter_lineage.probe.namespace as n\nn.{name} = None"


@pytest.mark.parametrize("name", ["snapshot", "changes"])
def test_five_failures_in_a_row_switch_recording_off(start, name):
    kernel = start()
    kernel.run(BREAK.format(name=name))
    for number in range(MOST_FAILURES + 2):
        reply, messages = kernel.run(f"x = {number}\nx")
        assert reply["status"] == "ok"
        assert [m["msg_type"] for m in messages] == ["execute_input", "execute_result"]
    found = kernel.records()
    (gap,) = of(found, "gap")
    assert "switched itself off" in gap["reason"]
    assert "NoneType" in gap["detail"]
    assert len(of(found, "cell")) <= MOST_FAILURES + 1
    assert "Recording is off" in kernel.text("%track")
    (log,) = kernel.home.glob("data/jupyter-lineage/spool/*/*/recorder.log")
    assert log.read_text().count("switched itself off") == 1


def test_failures_with_successes_between_do_not(start):
    kernel = start()
    kernel.run("import jupyter_lineage.probe.namespace as n\ngood = n.snapshot")
    for _ in range(MOST_FAILURES + 2):
        kernel.run("n.snapshot = None")
        kernel.run("n.snapshot = good")
        kernel.run("pass")
    assert not of(kernel.records(), "gap")
    assert "Recording is on" in kernel.text("%track")


def test_an_output_that_can_not_be_looked_at_is_still_shown(start):
    kernel = start()
    kernel.run("import jupyter_lineage.probe.outputs as o\no.Collector.add = None")
    assert kernel.text("print('shown')") == "shown\n"


@pytest.fixture
def python_handler():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_an_interrupt_during_our_code_reaches_the_cell(python_handler):
    finished = []
    with Interrupts(deliver=True):
        signal.raise_signal(signal.SIGINT)
        finished.append(True)
    assert finished
    with pytest.raises(KeyboardInterrupt):
        time.sleep(10)


@pytest.mark.parametrize("handler", [signal.default_int_handler, signal.SIG_IGN])
def test_an_interrupt_after_the_last_cell_is_dropped(python_handler, handler):
    signal.signal(signal.SIGINT, handler)
    with Interrupts(deliver=False):
        signal.raise_signal(signal.SIGINT)
    time.sleep(0.2)
    assert signal.getsignal(signal.SIGINT) is handler
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with Interrupts(deliver=True):
        pass
    time.sleep(0.1)


def test_an_interrupt_after_a_cell_reaches_one_that_waits(python_handler):
    with Interrupts(deliver=False):
        signal.raise_signal(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # as the kernel does between cells
    with Interrupts(deliver=False):
        pass
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with Interrupts(deliver=True):
        pass
    with pytest.raises(KeyboardInterrupt):
        time.sleep(10)


SLOW = """
import time, jupyter_lineage.probe.digest as d
def slow(value, budget, real=d.digest):
    while type(value) is list:
        time.sleep(0.01)
    return real(value, budget)
d.digest = slow
"""


def test_a_kernel_that_ends_while_a_value_is_looked_at_keeps_how_the_cell_ended(start):
    kernel = start()
    kernel.run(SLOW)
    kernel.run("value = [1]")
    found = kernel.stop()
    (cell,) = [c for c in of(found, "cell") if c["source"] == "value = [1]"]
    (end,) = [e for e in of(found, "cell_end") if e["exec"] == cell["exec"]]
    assert (end["status"], end["error"]) == ("completed", None)
    assert end["names"]["value"]["digest"] is None
    assert "ended" in end["names"]["value"]["reason"]
    (last,) = of(found, "end")
    assert last["ns"] > end["ns"]
