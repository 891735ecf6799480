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
    "multiprocessing's spawn": "import time\n"
    "p = multiprocessing.get_context('spawn').Process(target=time.sleep, args=(0,))\n"
    "p.start(); p.join()",
    "multiprocessing's forkserver": "import time\n"
    "p = multiprocessing.get_context('forkserver').Process(target=time.sleep, args=(0,))\n"
    "p.start(); p.join()",
    "joblib's loky": "import joblib\n"
    "joblib.Parallel(n_jobs=2)(joblib.delayed(abs)(i) for i in range(2))",
}
QUIET = {
    "nothing": "1",
    "a fork": "import os\npid = os.fork()\nif not pid: os._exit(0)\nos.waitpid(pid, 0)",
    "multiprocessing's fork": "import multiprocessing\n"
    "p = multiprocessing.get_context('fork').Process(target=int)\np.start(); p.join()",
    "a resource tracker": "from multiprocessing import resource_tracker, shared_memory\n"
    "m = shared_memory.SharedMemory(create=True, size=8); m.close(); m.unlink()\n"
    "assert resource_tracker._resource_tracker._pid",
    "a program that is not there": "try: subprocess.run(['no-such-program'])\n"
    "except FileNotFoundError: pass",
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
    "subprocess.run(['./true.sh'])": None,
    "os.system('true')": None,
}


def programs(kernel: Kernel, code: str) -> list[str | None]:
    """Run a cell and return the programs that it is said to have started."""
    kernel.run(code)
    found = kernel.records()
    last = of(found, "cell")[-1]
    mine = (last["exec"], last["c"])
    return [r.get("program") for r in of(found, "child") if (r.get("exec") or r["c"]) in mine]


@pytest.mark.parametrize("code", NAMED, ids=range(len(NAMED)))
def test_the_program_is_named_where_it_is_one_of_the_system(kernel, code):
    kernel.run("open('true.sh', 'w').write('#!/bin/sh\\n'); os.chmod('true.sh', 0o755)")
    assert programs(kernel, code) == [NAMED[code]]


OWN_FIRST = "\n".join(
    [
        "os.makedirs('bin', exist_ok=True)",
        "open('bin/id', 'w').write('#!/bin/sh\\n'); os.chmod('bin/id', 0o755)",
        "path = os.getcwd() + '/bin:' + os.environ['PATH']",
    ]
)
RELATIVE = "subprocess.run(['id'], env={'PATH': 'bin:/usr/bin:/bin'})"


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("subprocess.run(['id'], env={'PATH': path})", [None]),
        (RELATIVE, [None]),
        ("subprocess.run(['/usr/../' + os.getcwd() + '/bin/id'])", [None]),
        ("subprocess.run(['id'])", ["id"]),
        ("subprocess.run(['id'], env={'PATH': '/nowhere:/usr/bin:/bin'})", ["id"]),
        ("os.waitpid(os.posix_spawnp('id', ['id'], {}), 0)", [None]),
    ],
)
def test_a_program_that_only_has_the_name_of_one_of_the_system_is_not_named(kernel, code, names):
    kernel.run(OWN_FIRST)
    assert programs(kernel, code) == names


def test_what_starts_a_program_returns_and_raises_as_before(kernel):
    code = "import _posixsubprocess, inspect\n{}"
    assert "FileNotFoundError" in kernel.text("subprocess.run(['no-such-program'])")
    assert "ValueError" in kernel.text("subprocess.run(['true'], env={'a=b': 'c'})")
    assert "TypeError" in kernel.text(code.format("_posixsubprocess.fork_exec()"))
    assert "TypeError" in kernel.text(code.format("_posixsubprocess.fork_exec(1, 2, 3, 4, 5)"))
    assert kernel.text("subprocess.run(['echo', 'a'], capture_output=True).stdout") == "b'a\\n'"


def test_unloading_puts_the_original_back(start):
    kernel = start()
    code = "import _posixsubprocess; print(type(_posixsubprocess.fork_exec).__name__)"
    assert kernel.text(code) == "function\n"
    kernel.run("%unload_ext jupyter_lineage")
    assert kernel.text(code) == "builtin_function_or_method\n"
    kernel.run("%load_ext jupyter_lineage")
    assert kernel.text(code) == "function\n"


@pytest.mark.parametrize("code", QUIET.values(), ids=QUIET)
def test_a_fork_is_no_other_program(kernel, code):
    kernel.run(code)
    found = kernel.records()
    assert of(found, "cell")[-1]["exec"] not in executions(found)


def test_a_hundred_programs_of_a_cell_are_one_record(kernel):
    assert len(programs(kernel, "for i in range(100): os.system('true')")) == 1
    assert programs(kernel, "for i in range(100): subprocess.run(['true'])") == ["true"]


def test_the_recorder_that_we_start_is_no_program_of_the_cell(start):
    kernel = start(JUPYTER_LINEAGE_RECORDER="1", JUPYTER_LINEAGE_RECORDER_IDLE_SECONDS="1")
    kernel.run("1")
    assert not of(kernel.wait_for("cell_end"), "child")
