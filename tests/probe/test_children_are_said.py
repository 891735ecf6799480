"""A cell that starts another program says so: what the program reads or writes is not seen."""

from __future__ import annotations

from typing import Any

import pytest

from .kernels import Kernel, of

LEVELS: dict[str, dict[str, Any]] = {"shim": {}, "audit hook": {"JUPYTER_LINEAGE_SHIM": "0"}}

STARTING = {
    "shell": "!true",
    "shell with its output": "x = !true",
    "os.system": "import os; os.system('true')",
    "subprocess": "import subprocess; subprocess.run(['true'])",
    "posix_spawn": "import os; os.waitpid(os.posix_spawn('/bin/true', ['true'], {}), 0)",
    "spawn": "import os; os.spawnv(os.P_WAIT, '/bin/true', ['true'])",
    "in a thread": "import threading, os\nt = threading.Thread(target=os.system, args=('true',))\n"
    "t.start(); t.join()",
}
QUIET = {
    "nothing": "1",
    "a fork": "import os\npid = os.fork()\nif not pid: os._exit(0)\nos.waitpid(pid, 0)",
    "multiprocessing's fork": "import multiprocessing\n"
    "p = multiprocessing.get_context('fork').Process(target=int)\np.start(); p.join()",
}


@pytest.fixture(scope="module", params=list(LEVELS))
def kernel(request, tmp_path_factory):
    kernel = Kernel(tmp_path_factory.mktemp("children"), **LEVELS[request.param])
    kernel.run("import subprocess, threading, multiprocessing, os")
    yield kernel
    kernel.kill()


def executions(found: list[dict[str, Any]]) -> set[str]:
    """Return the ids of the cells that have a ``child`` record of either writer."""
    numbers = {cell["c"]: cell["exec"] for cell in of(found, "cell")}
    return {one.get("exec") or numbers[one["c"]] for one in of(found, "child")}


@pytest.mark.parametrize("code", STARTING.values(), ids=STARTING)
def test_a_cell_that_starts_a_program_is_noted(kernel, code):
    kernel.run(code)
    found = kernel.records()
    assert of(found, "cell")[-1]["exec"] in executions(found)


NAMED = {
    "import subprocess; subprocess.run(['true'])": "true",
    "subprocess.run(['/bin/true', '--secret=1'])": "true",
    "os.waitpid(os.posix_spawn('/bin/true', ['x'], {}), 0)": "true",
    "subprocess.run(['./true.sh'], check=False) if os.path.exists('./true.sh') else 0": None,
    "os.system('true')": None,
}


@pytest.mark.parametrize("code", NAMED, ids=range(len(NAMED)))
def test_the_program_is_named_where_it_is_one_of_the_system(kernel, code):
    kernel.run("open('true.sh', 'w').write('#!/bin/sh\\n'); os.chmod('true.sh', 0o755)")
    kernel.run(code)
    found = kernel.records()
    last = of(found, "cell")[-1]
    mine = (last["exec"], last["c"])
    named = [r.get("program") for r in of(found, "child") if (r.get("exec") or r["c"]) in mine]
    assert NAMED[code] in named


@pytest.mark.parametrize("code", QUIET.values(), ids=QUIET)
def test_a_fork_is_no_other_program(kernel, code):
    kernel.run(code)
    found = kernel.records()
    assert of(found, "cell")[-1]["exec"] not in executions(found)


def test_a_hundred_programs_of_a_cell_are_one_record(kernel):
    kernel.run("for i in range(100): os.system('true')")
    found = kernel.records()
    last = of(found, "cell")[-1]
    mine = (last["exec"], last["c"])
    assert len([r for r in of(found, "child") if (r.get("exec") or r["c"]) in mine]) == 1


def test_the_recorder_that_we_start_is_no_program_of_the_cell(start):
    kernel = start(JUPYTER_LINEAGE_RECORDER="1", JUPYTER_LINEAGE_RECORDER_IDLE_SECONDS="1")
    kernel.run("1")
    assert not of(kernel.wait_for("cell_end"), "child")
