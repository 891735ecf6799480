from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from jupyter_lineage.probe import alive
from jupyter_lineage.probe.spool import SUFFIX, Spool
from jupyter_lineage.probe.spool_reader import Torn, read_spool

from .kernels import ROOT

# Python 3.12 and later warn of a fork beside threads, which is what is tried here.
pytestmark = pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")


def make(folder: Path) -> Spool:
    return Spool(str(folder), "run-1", {"run_kind": "session"}, process="process-1")


def read(path: str | Path) -> list[dict[str, Any]]:
    return [record for record, _ in read_spool(path) if not isinstance(record, Torn)]


def in_child(work) -> None:
    """Run ``work`` in a forked child and wait until it is gone."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0


def test_the_first_record_says_whose_spool_it_is(tmp_path):
    spool = make(tmp_path)
    assert spool.write("gap", {"reason": "none", "count": 0, "detail": ""}, execution="e")
    first, second = read(spool.path())
    assert first["type"] == "process"
    assert first["v"] == 1
    assert (first["n"], second["n"]) == (1, 2)
    assert first["spool"] == Path(spool.path()).name.removesuffix(SUFFIX)
    assert first["alive"] == "process-1.alive"
    assert first["run_kind"] == "session"
    assert first["forked"] is False
    assert second["exec"] == "e"
    assert os.stat(spool.path()).st_mode & 0o777 == 0o600


def test_each_record_is_one_line_with_a_newline_before_it(tmp_path):
    spool = make(tmp_path)
    spool.write("note", {"text": "a\nb\u2028\udcff"})
    raw = Path(spool.path()).read_bytes()
    assert raw.isascii()
    assert raw.count(b"\n") == 4
    assert read(spool.path())[1]["text"] == "a\nb\u2028\udcff"


def test_the_descriptor_is_high_and_not_inherited(tmp_path):
    spool = make(tmp_path)
    spool.begin()
    assert spool._descriptor > 500
    assert not os.get_inheritable(spool._descriptor)


def test_a_forked_child_that_closes_descriptors_gets_no_line_in_its_csv(tmp_path):
    spool = make(tmp_path)
    spool.begin()
    data = tmp_path / "data.csv"

    def work() -> None:
        descriptor = spool._descriptor
        os.closerange(3, 4096)
        opened = [os.open(data, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)]
        while opened[-1] < descriptor and len(opened) < 2000:
            opened.append(os.dup(opened[0]))
        os.write(opened[0], b"a,b\n1,2\n")
        spool.write("gap", {"reason": "from the child", "count": 1, "detail": ""})

    in_child(work)
    assert data.read_bytes() == b"a,b\n1,2\n"
    mine = read(spool.path())
    assert [record["type"] for record in mine] == ["process"]
    (other,) = [p for p in tmp_path.glob("*" + SUFFIX) if str(p) != spool.path()]
    header, gap = read(other)
    assert header["forked"] is True
    assert header["parent_process"] == "process-1"
    assert header["process"] != "process-1"
    assert header["alive"] is None
    assert gap["reason"] == "from the child"


def test_the_process_itself_closing_descriptors_loses_and_misplaces_nothing(tmp_path):
    program = f"""
import os, sys
sys.path.insert(0, {str(ROOT)!r})
from jupyter_lineage.probe.spool import Spool
spool = Spool({str(tmp_path)!r}, "run", {{}}, process="p")
spool.write("gap", {{"reason": "1"}})
high = spool._descriptor
os.closerange(3, 4096)
first = os.open({str(tmp_path / "data.csv")!r}, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
while os.dup(first) < high: pass
spool.write("gap", {{"reason": "2"}})
spool.write("gap", {{"reason": "3"}})
os.write(first, b"a")
"""
    subprocess.run([sys.executable, "-c", program], check=True)
    assert (tmp_path / "data.csv").read_bytes() == b"a"
    (path,) = tmp_path.glob("*" + SUFFIX)
    assert [r.get("reason") for r in read(path)] == [None, "1", "2", "3"]


def test_a_fork_pool_loses_and_doubles_nothing(tmp_path):
    spool = make(tmp_path)
    spool.begin()
    children = []
    for number in range(6):
        child = os.fork()
        if child == 0:
            for event in range(50):
                spool.write("item", {"key": f"{number}-{event}"})
            os._exit(0)
        children.append(child)
    for event in range(50):
        spool.write("item", {"key": f"parent-{event}"})
    for child in children:
        assert os.waitpid(child, 0)[1] == 0
    found, names = [], set()
    for path in tmp_path.glob("*" + SUFFIX):
        records = read(path)
        assert [record["n"] for record in records] == list(range(1, len(records) + 1))
        names |= {(path.name, record["n"]) for record in records}
        found += [record["key"] for record in records if record["type"] == "item"]
    assert len(found) == len(set(found)) == 7 * 50
    assert len(names) == 7 * 51


def test_threads_write_whole_lines(tmp_path):
    spool = make(tmp_path)

    def work(name: int) -> None:
        for event in range(200):
            spool.write("item", {"key": f"{name}-{event}", "text": "x" * 300})

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    records = read(spool.path())
    assert [record["n"] for record in records] == list(range(1, 802))


def test_a_forked_child_that_outlives_its_parent_does_not_hold_the_liveness_lock(tmp_path):
    lock = tmp_path / "p.alive"
    program = f"""
import os, sys, time
sys.path.insert(0, {str(ROOT)!r})
from jupyter_lineage.probe import alive
alive.hold({str(lock)!r})
child = os.fork()
if child == 0:
    os.close(1)
    time.sleep(60)
    os._exit(0)
print(child, flush=True)
sys.stdin.read(1)
os._exit(0)
"""
    parent = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert parent.stdout is not None
    assert parent.stdin is not None
    child = int(parent.stdout.readline())
    try:
        assert alive.is_held(str(lock))
        parent.stdin.close()
        parent.wait()
        os.kill(child, 0)
        assert not alive.is_held(str(lock))
    finally:
        os.kill(child, signal.SIGKILL)
        parent.stdout.close()


def test_a_lock_that_nobody_made_is_not_held(tmp_path):
    assert not alive.is_held(str(tmp_path / "none.alive"))


def limited(folder: Path, limit: int, then: str) -> list[Any]:
    """Write under a real limit on the file's size, which cuts a write short as a full disk does."""
    program = f"""
import resource, sys
sys.path.insert(0, {str(ROOT)!r})
from jupyter_lineage.probe.spool import Spool
spool = Spool({str(folder)!r}, "run", {{}}, process="p")
spool.begin()
resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, resource.RLIM_INFINITY))
results = [spool.write("item", {{"key": n, "text": "x" * 100}}) for n in range(20)]
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
{then}
print(sum(results))
"""
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
    (path,) = folder.glob("*" + SUFFIX)
    return [int(done.stdout), list(read_spool(path))]


def test_a_short_write_on_a_full_disk_leaves_the_next_record_readable(tmp_path):
    after = 'spool.write("item", {"key": "after"}); spool.write("item", {"key": "last"})'
    written, found = limited(tmp_path, 1500, after)
    assert 0 < written < 20
    records = [record for record, _ in found]
    torn = [record for record in records if isinstance(record, Torn)]
    assert len(torn) == 1
    whole = [record for record in records if not isinstance(record, Torn)]
    gap = next(record for record in whole if record["type"] == "gap")
    assert gap["count"] == 20 - written
    assert "bytes were written" in gap["detail"] or "EFBIG" in gap["detail"]
    assert [record["key"] for record in whole if record["type"] == "item"] == [
        *range(written),
        "after",
        "last",
    ]
    numbers = [record["n"] for record in whole]
    assert numbers == sorted(set(numbers))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk")
def test_a_really_full_disk_is_survived_and_said(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("this system lets nobody mount")
    spool = make(disk)
    try:
        spool.begin()
        filler = disk / "filler"
        results = [spool.write("item", {"key": n, "text": "x" * 5000}) for n in range(30)]
        assert not results[-1]
        spool_size = os.stat(spool.path()).st_size
        filler.write_bytes(b"")
        assert spool.lost == results.count(False)
        os.truncate(spool.path(), 4096)  # room again, as if another file had gone
        assert spool_size > 4096
        assert spool.write("item", {"key": "after"})
        records = read(spool.path())
        assert records[-1]["key"] == "after"
        assert records[-2]["type"] == "gap"
        assert records[-2]["count"] == results.count(False)
    finally:
        spool.close()
        subprocess.run(["umount", str(disk)], check=True)


def test_a_folder_that_is_gone_costs_records_and_nothing_else(tmp_path):
    folder = tmp_path / "spool"
    folder.mkdir()
    spool = make(folder)
    folder.rmdir()
    assert not spool.write("item", {"key": 1})
    folder.mkdir()
    assert spool.write("item", {"key": 2})
    kinds = [record["type"] for record in read(spool.path())]
    assert kinds == ["process", "gap", "item"]


def test_a_spool_that_was_removed_is_begun_anew_under_a_new_id(tmp_path):
    spool = make(tmp_path)
    spool.begin()
    first = spool.path()
    os.unlink(first)
    assert spool.write("item", {"key": 1})
    assert spool.path() != first
    assert [record["type"] for record in read(spool.path())] == ["process", "item"]


def test_the_reader_leaves_what_is_still_being_written(tmp_path):
    path = tmp_path / ("a" + SUFFIX)
    line = json.dumps({"v": 1, "n": 1, "type": "process"}).encode()
    path.write_bytes(b"\n" + line + b"\n\n" + line[:10])
    found = list(read_spool(path))
    assert len(found) == 1
    offset = found[-1][1]
    with path.open("ab") as stream:
        stream.write(line[10:] + b"\n")
    ((record, last),) = read_spool(path, offset)
    assert not isinstance(record, Torn)
    assert last == path.stat().st_size


def test_the_reader_stops_at_a_version_it_does_not_know(tmp_path):
    path = tmp_path / ("a" + SUFFIX)
    lines = [{"v": 1, "n": 1}, {"v": 2, "n": 2}, {"v": 1, "n": 3}]
    path.write_text("".join(f"\n{json.dumps(line)}\n" for line in lines))
    assert [record["n"] for record in read(path)] == [1]


@pytest.mark.parametrize("line", [b"[1]", b'"x"', b"{", b'{"n": 1}', b"\xff\xfe", b"[" * 5000])
def test_a_line_that_is_no_record_is_torn(tmp_path, line):
    path = tmp_path / ("a" + SUFFIX)
    path.write_bytes(b"\n" + line + b'\n\n{"v": 1, "n": 2}\n')
    first, second = [record for record, _ in read_spool(path)]
    assert isinstance(first, Torn)
    assert second == {"v": 1, "n": 2}


def test_the_reader_decodes_the_shims_paths(tmp_path):
    path = tmp_path / ("a" + SUFFIX)
    path.write_text('\n{"v": 1, "n": 1, "p": "/tmp/a%20%FF%25", "q": "/b"}\n')
    (record,) = read(path)
    assert os.fsencode(record["path"]) == b"/tmp/a \xff%"
    assert record["path2"] == "/b"


def test_a_low_limit_on_open_files_is_no_obstacle(tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        spool = make(tmp_path)
        assert spool.write("item", {"key": 1})
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert 100 < spool._descriptor < 256
