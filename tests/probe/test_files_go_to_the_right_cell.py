from __future__ import annotations

import os
from typing import Any

import pytest

from .kernels import Kernel, of

LEVELS: dict[str, dict[str, Any]] = {"shim": {}, "audit hook": {"JUPYTER_LINEAGE_SHIM": "0"}}


@pytest.fixture(scope="module", params=list(LEVELS))
def level(request, tmp_path_factory):
    kernel = Kernel(tmp_path_factory.mktemp("level"), **LEVELS[request.param])
    yield kernel
    kernel.kill()


def is_shim(kernel) -> bool:
    (process,) = [r for r in of(kernel.records(), "process") if "shim" in r]
    assert process["capture_level"] == ("full" if process["shim"] == "loaded" else "python-only")
    return bool(process["shim"] == "loaded")


def owners(kernel: Kernel, name: str) -> list[int]:
    """Return the numbers of the cells that touched files of this name, 0 for between cells."""
    found = kernel.records()
    numbers = {record["exec"]: record["c"] for record in of(found, "cell")}
    return [
        record["c"] if "c" in record else numbers.get(record.get("exec"), 0)
        for record in of(found, "file")
        if os.path.basename(record["path"]) == name and record["op"] != "repeat"
    ]


def number(kernel) -> int:
    return len(of(kernel.records(), "cell"))


def test_reads_and_writes_of_a_cell(level):
    level.run("open('a.txt', 'w').write('x')")
    level.run("open('a.txt').read()")
    now = number(level)
    assert owners(level, "a.txt") == [now - 1, now]
    write, read = [r for r in of(level.records(), "file") if r["path"].endswith("/a.txt")]
    assert write["path"] == str(level.work / "a.txt")
    assert write["absolute"] is False
    assert write["flags"] & (os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    assert read["flags"] & os.O_ACCMODE == os.O_RDONLY
    assert read["stat"][2] == 1


def test_a_failed_open_is_no_use(level):
    level.run("import os\nos.path.exists('no.txt')\ntry: open('no.txt')\nexcept OSError: pass")
    assert owners(level, "no.txt") == []


def test_machinery_is_no_data(level):
    level.run("import wave, sqlite3\nopen('/etc/hostname').read(); open('/proc/self/stat').read()")
    paths = [r["path"] for r in of(level.records(), "file")]
    assert not [p for p in paths if p.startswith(("/etc/", "/proc/", "/usr/")) or ".pyc" in p]
    assert not [p for p in paths if "/ipython/" in p or "lineage" in p or "/runtime/" in p]


def test_repeats_are_counted(level):
    level.run("for i in range(5): open('rep.txt', 'a').close()")
    found = [r for r in of(level.records(), "file") if r["path"].endswith("/rep.txt")]
    assert [r["op"] for r in found] == ["open", "repeat"]
    assert found[1]["count"] == 4


def test_renames_and_removals(level):
    level.run("import os\nopen('r1', 'w').close(); os.rename('r1', 'r2'); os.remove('r2')")
    found = [r for r in of(level.records(), "file") if r["path"].endswith(("/r1", "/r2"))]
    assert [r["op"] for r in found] == ["open", "rename", "remove"]
    assert found[1]["path2"] == str(level.work / "r2")


def test_a_name_that_is_not_unicode(level):
    level.run("open(b'\\xff\\xfe.bin', 'wb').write(b'1')")
    names = [os.fsencode(r["path"]) for r in of(level.records(), "file")]
    assert os.fsencode(str(level.work)) + b"/\xff\xfe.bin" in names


def test_a_thread_belongs_to_the_cell_that_started_it(level):
    level.run(
        "import threading, time\ngo = threading.Event()\n"
        "def late():\n    go.wait(); open('late.txt', 'w').close(); done.set()\n"
        "done = threading.Event()\nthreading.Thread(target=late).start()"
    )
    starter = number(level)
    level.run("go.set(); done.wait(10); open('mine.txt', 'w').close()")
    assert owners(level, "late.txt") == [starter]
    assert owners(level, "mine.txt") == [starter + 1]


def test_a_pool_belongs_to_the_cell_that_submits(level):
    level.run(
        "from concurrent.futures import ThreadPoolExecutor\npool = ThreadPoolExecutor(1)\n"
        "def touch(name): open(name, 'w').close()\npool.submit(touch, 'p1.txt').result()"
    )
    first = number(level)
    level.run("pool.submit(touch, 'p2.txt').result()")
    assert owners(level, "p1.txt") == [first]
    assert owners(level, "p2.txt") == [first + 1]


def test_a_task_belongs_to_the_cell_that_made_it(level):
    level.run(
        "import asyncio\nasync def later():\n    await asyncio.sleep(0.3)\n"
        "    open('task.txt', 'w').close()\ntask = asyncio.ensure_future(later())"
    )
    maker = number(level)
    level.run("await task\nopen('waiter.txt', 'w').close()")
    assert owners(level, "task.txt") == [maker]
    assert owners(level, "waiter.txt") == [maker + 1]


def test_forked_children_belong_to_their_cell(level):
    level.run(
        "import multiprocessing\ncontext = multiprocessing.get_context('fork')\n"
        "def child(n): open(f'fork{n}.txt', 'w').close()\n"
        "children = [context.Process(target=child, args=(n,)) for n in range(2)]\n"
        "[c.start() for c in children]; [c.join() for c in children]"
    )
    now = number(level)
    for n in range(2):
        assert owners(level, f"fork{n}.txt") == [now]
    forked = [r for r in of(level.records(), "process") if r["forked"]]
    assert forked
    assert {r["alive"] for r in forked} == {None}
    parents = {r["process"] for r in of(level.records(), "process") if not r["forked"]}
    assert {r["parent_process"] for r in forked} <= parents


def test_both_spools_of_a_fork_say_the_same_process(level):
    if not is_shim(level):
        pytest.skip("one spool only")
    level.run(
        "import os, sys\npid = os.fork()\nif pid == 0:\n    open('both.txt', 'w').close()\n"
        "    from jupyter_lineage.probe import spool\n"
        "    [s.write('gap', {'reason': 'x', 'count': 0, 'detail': ''}) for s in spool._live]\n"
        "    os._exit(0)\nos.waitpid(pid, 0)"
    )
    mine: dict[str, set[str]] = {}
    for record in of(level.records(), "process"):
        mine.setdefault(str(record["_pid"]), set()).add(record["process"])
    assert all(len(names) == 1 for names in mine.values())
