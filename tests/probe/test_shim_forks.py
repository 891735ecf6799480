"""Forks, closed descriptors, full disks: no line in the user's files, none lost, none doubled."""

from __future__ import annotations

import json
import sys

import pytest

from .shim_harness import PROCESS, Watched, native_library, watched

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the shim is for Linux")
__all__ = ["watched"]

VFORK = """
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>
int vfork_open(const char *path) {
    int status;
    pid_t child = vfork();
    if (child == 0) { close(open(path, O_RDONLY)); _exit(0); }
    waitpid(child, &status, 0);
    return status;
}
"""


def test_a_forked_child_has_a_spool_and_a_process_of_its_own(watched: Watched) -> None:
    watched.see(
        "open('before', 'w').close()\n"
        "ids = []\n"
        "os.register_at_fork(after_in_child=lambda: ids.append(shim.process_id()))\n"
        "pid = os.fork()\n"
        "if pid == 0:\n"
        "    open('before').close(); open('before').close(); open('child', 'w').close()\n"
        "    assert ids == [shim.process_id()] != [os.environ['TEST_PROCESS']]\n"
        "    if os.fork() == 0:\n"
        "        open('grandchild', 'w').close(); os._exit(0)\n"
        "    os.wait()\n"
        "    os._exit(0)\n"
        "assert os.wait()[1] == 0\n"
        "assert shim.process_id() == os.environ['TEST_PROCESS']\n"
        "open('after', 'w').close()\n"
    )
    headers = {r["spool_id"]: r for r in watched.records() if r["type"] == "process"}
    owners = {r["p"]: headers[r["spool_id"]] for r in watched.files("open") if r["p"] != "before"}
    assert len(headers) == 3
    assert owners["after"]["process"] == PROCESS
    child, grandchild = owners["child"], owners["grandchild"]
    assert child["parent_process"] == PROCESS
    assert child["forked"] is True
    assert child["alive"] is None
    assert child["run"] == owners["after"]["run"]
    assert grandchild["parent_process"] == child["process"]
    assert len({header["pid"] for header in headers.values()}) == 3
    in_child = [
        r for r in watched.files() if r["p"] == "before" and r["spool_id"] == child["spool"]
    ]
    assert [(r["op"], r.get("count")) for r in in_child] == [("open", None), ("repeat", 1)]


def test_a_child_that_opens_nothing_makes_no_spool(watched: Watched) -> None:
    watched.see("if os.fork() == 0: os._exit(0)\nassert os.wait()[1] == 0")
    assert len(list(watched.spool.iterdir())) == 1


@pytest.mark.parametrize("folder_too", [False, True])
def test_a_spool_that_is_removed_again_and_again_is_begun_again(
    watched: Watched, folder_too: bool
) -> None:
    watched.see(
        "spool = os.environ['TEST_SPOOL']\n"
        "shim.set_ignored([spool])\n"
        "descriptors = len(os.listdir('/proc/self/fd'))\n"
        "for i in range(30):\n"
        "    for name in os.listdir(spool): os.unlink(f'{spool}/{name}')\n"
        f"    if {folder_too}: os.rmdir(spool); os.mkdir(spool, 0o700)\n"
        "    open(f'file{i}', 'w').close()\n"
        "open('last', 'w').close()\n"
        "assert shim.lost() == 0, shim.lost()\n"
        "assert len(os.listdir('/proc/self/fd')) <= descriptors + 8\n"
    )
    assert [r["p"] for r in watched.files("open")] == ["file29", "last"]


def test_threads_that_meet_a_removed_spool_at_once_lose_and_double_nothing(
    watched: Watched,
) -> None:
    watched.see(
        "import threading\n"
        "spool, kept = os.environ['TEST_SPOOL'], os.environ['TEST_SPOOL'] + '-kept'\n"
        "os.mkdir(kept); shim.set_ignored([spool, kept])\n"
        "def work(number):\n"
        "    shim.cell_slot().value = 1\n"
        "    for i in range(400): open(f'file{number}-{i}', 'w').close()\n"
        "threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]\n"
        "for thread in threads: thread.start()\n"
        "while any(thread.is_alive() for thread in threads):\n"
        "    for name in os.listdir(spool):\n"
        "        os.link(f'{spool}/{name}', f'{kept}/{name}'); os.unlink(f'{spool}/{name}')\n"
        "for name in os.listdir(spool): os.link(f'{spool}/{name}', f'{kept}/{name}')\n"
        "assert shim.lost() == 0, shim.lost()\n"
    )
    watched.spool = watched.spool.with_name(f"{watched.spool.name}-kept")
    expected = sorted(f"file{n}-{i}" for n in range(4) for i in range(400))
    assert sorted(r["p"] for r in watched.files("open") if r["p"][:4] == "file") == expected
    by_spool: dict[str, list[int]] = {}
    for record in watched.records():
        by_spool.setdefault(record["spool_id"], []).append(record["n"])
    assert all(len(numbers) == len(set(numbers)) for numbers in by_spool.values())
    assert all(min(numbers) == 1 for numbers in by_spool.values())


@pytest.mark.parametrize("forked", [False, True])
def test_a_program_that_closes_descriptors_gets_no_line_of_ours(
    watched: Watched, forked: bool
) -> None:
    watched.see(
        "import resource\n"
        f"if {forked} and os.fork():\n"
        "    sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))\n"
        "open('warm', 'w').close()\n"
        "os.closerange(3, 4096)\n"
        "csv = os.open('table.csv', os.O_RDWR | os.O_CREAT)\n"
        "for number in range(495, 540): os.dup2(csv, number)\n"
        "for i in range(20):\n"
        "    os.write(csv, b'1,2\\n')\n"
        "    open(f'file{i}', 'w').close()\n"
        "sys.stdout.flush(); os._exit(0)\n"
    )
    assert (watched.data / "table.csv").read_bytes() == b"1,2\n" * 20
    names = [r["p"] for r in watched.files("open")]
    assert sorted(names) == sorted(["warm", "table.csv", *(f"file{i}" for i in range(20))])


def test_a_fork_pool_loses_and_doubles_nothing(watched: Watched) -> None:
    watched.see(
        "import multiprocessing\n"
        "def work(name):\n"
        "    with open(name, 'w') as f: f.write(name)\n"
        "names = [f'{w}-{i}' for w in range(4) for i in range(100)]\n"
        "with multiprocessing.get_context('fork').Pool(4) as pool: pool.map(work, names, 5)\n"
    )
    found = [r["p"] for r in watched.files("open") if "-" in r["p"]]
    assert sorted(found) == sorted(f"{w}-{i}" for w in range(4) for i in range(100))


def test_forks_while_other_threads_open_files(watched: Watched) -> None:
    watched.see(
        "import threading\n"
        "stop = threading.Event()\n"
        "def busy(n):\n"
        "    i = 0\n"
        "    while not stop.is_set() and i < 2000:\n"
        "        open(f'parent{n}-{i}', 'w').close(); i += 1\n"
        "threads = [threading.Thread(target=busy, args=(n,)) for n in range(3)]\n"
        "[t.start() for t in threads]\n"
        "for k in range(25):\n"
        "    if os.fork() == 0:\n"
        "        os.close(os.open(f'child{k}', os.O_CREAT | os.O_WRONLY)); os._exit(0)\n"
        "    assert os.wait()[1] == 0\n"
        "stop.set(); [t.join() for t in threads]\n"
    )
    names = sorted(r["p"] for r in watched.files("open"))
    assert names == sorted(path.name for path in watched.data.iterdir())


def test_a_child_that_shares_our_memory_changes_nothing(watched: Watched) -> None:
    watched.see(
        "import ctypes\n"
        f"native = ctypes.CDLL({str(native_library(VFORK))!r})\n"
        "for name in 'ab': open(name, 'w').close()\n"
        "assert native.vfork_open(b'a') == 0\n"
        "open('b').close(); open('a').close()\n"
    )
    found = watched.files("open")
    assert [r["p"] for r in found] == ["a", "b", "b", "a"]
    assert [r["n"] for r in found] == list(range(found[0]["n"], found[0]["n"] + 4))
    assert len(list(watched.spool.iterdir())) == 1


def test_a_full_disk_leaves_a_gap_and_a_readable_next_record(watched: Watched) -> None:
    done = watched.run(
        "import glob, resource\n"
        "spool, = glob.glob(os.environ['TEST_SPOOL'] + '/*')\n"
        "open('a', 'w').close()\n"
        "size = os.stat(spool).st_size\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, resource.RLIM_INFINITY))\n"
        "for name in 'bcd': open(name, 'w').close()\n"
        "assert shim.lost() == 3, shim.lost()\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)\n"
        "open('e', 'w').close(); open('f', 'w').close()\n"
    )
    assert done.returncode == 0, done.stderr
    (spool,) = watched.spool.glob("*.spool")
    lines = [line for line in spool.read_text().split("\n") if line]
    records = [json.loads(line) for line in lines if line.endswith("}")]
    torn = len(lines) - len(records)
    assert torn == 1
    assert [r.get("p", "").rpartition("/")[2] for r in records[1:]] == ["a", "e", "", "f"]
    gap = records[3]
    assert (gap["type"], gap["count"]) == ("gap", 3)


def test_a_spool_that_was_taken_away_is_followed_by_a_new_one(watched: Watched) -> None:
    watched.see(
        "import glob\n"
        "spool, = glob.glob(os.environ['TEST_SPOOL'] + '/*')\n"
        "open('a', 'w').close()\n"
        "os.unlink(spool)\n"
        "open('b', 'w').close()\n"
    )
    header, *_ = watched.records()
    assert (header["type"], header["process"], header["forked"]) == ("process", PROCESS, False)
    assert [r["p"] for r in watched.files("open")] == ["b"]


def test_a_spool_folder_that_is_gone_is_counted_and_harms_nothing(watched: Watched) -> None:
    done = watched.run(
        "import subprocess\n"
        "subprocess.run(['rm', '-r', os.environ['TEST_SPOOL']], check=True)\n"
        "for name in 'abc': open(name, 'w').write(name)\n"
        "assert shim.lost() >= 3\n"
    )
    assert done.returncode == 0, done.stderr
    assert (watched.data / "c").read_text() == "c"
