"""What the shim writes: which calls, which paths, which execution, how often."""

from __future__ import annotations

import os
import sys

import pytest

from .shim_harness import PROCESS, RUN, Watched, facts, native_library, watched

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the shim is for Linux")
__all__ = ["watched"]

NATIVE = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>
static void *in_thread(void *path) { close(open(path, O_RDONLY)); return 0; }
void thread_open(char *path) {
    pthread_t t; pthread_create(&t, 0, in_thread, path); pthread_join(t, 0);
}
int errno_after(const char *path, int before) {
    errno = before; int fd = open(path, O_RDONLY); int after = errno; close(fd); return after;
}
int bad_pointer(void) { errno = 0; return open((const char *)8, O_RDONLY) == -1 ? errno : 0; }
void syscall_open(const char *path) { close((int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY)); }
long six_arguments(void) {
    return syscall(SYS_mmap, 0L, 4096L, 3L, 0x22L, -1L, 0L) > 0;
}
void looked_up_open(const char *path) {
    int (*f)(const char *, int, ...) = dlsym(RTLD_DEFAULT, "open64"); close(f(path, O_RDONLY));
}
int next_is_libc(void) { return dlsym(RTLD_NEXT, "open") == dlsym(RTLD_NEXT, "open64"); }
void stdio(const char *path) {
    FILE *f = fopen(path, "a+"); f = freopen(path, "r", f); fclose(f);
}
int temporary(char *template) { int fd = mkostemp(template, O_CLOEXEC); close(fd); return fd >= 0; }
"""


def with_native(code: str) -> str:
    return f"import ctypes\nnative = ctypes.CDLL({str(native_library(NATIVE))!r})\n{code}"


def test_the_first_record_says_whose_spool_it_is(watched: Watched) -> None:
    records = watched.see("open('x', 'w').close()")
    header = records[0]
    assert {key: header[key] for key in ("v", "n", "type", "writer", "forked")} == {
        "v": 1,
        "n": 1,
        "type": "process",
        "writer": "shim",
        "forked": False,
    }
    assert (header["process"], header["run"]) == (PROCESS, RUN)
    assert header["alive"] == f"{PROCESS}.alive"
    assert header["parent_process"] is None
    assert header["spool"] == header["spool_id"]
    assert [record["n"] for record in records] == list(range(1, len(records) + 1))
    assert all(os.stat(file).st_mode & 0o777 == 0o600 for file in watched.spool.iterdir())


def test_an_open_carries_path_flags_stat_and_execution(watched: Watched) -> None:
    watched.see("slot.value = 7\nopen('x', 'w').write('abc')\nopen(os.getcwd() + '/x').read()")
    written, read = watched.files("open")
    assert (written["p"], written["absolute"], written["c"]) == ("x", False, 7)
    assert written["flags"] & (os.O_ACCMODE | os.O_TRUNC) == os.O_WRONLY | os.O_TRUNC
    found = os.stat(watched.data / "x")
    assert (read["absolute"], read["thread"], read["via"]) == (True, "python", "native")
    assert read["stat"] == [
        found.st_dev,
        found.st_ino,
        3,
        found.st_mtime_ns,
        found.st_ctime_ns,
    ]


def test_only_successes_and_only_regular_files_are_written(watched: Watched) -> None:
    watched.see(
        "os.mkdir('folder'); os.mkfifo('pipe')\n"
        "os.close(os.open('folder', os.O_RDONLY))\n"
        "os.close(os.open('pipe', os.O_RDWR))\n"
        "open('/dev/null').close()\n"
        "import socket; s = socket.socket(socket.AF_UNIX); s.bind('socket')\n"
        "try: open('absent')\n"
        "except FileNotFoundError: pass\n"
    )
    assert [(record["op"], record["p"]) for record in watched.files()] == [("mkdir", "folder")]


def test_names_are_written_with_what_happened_to_them(watched: Watched) -> None:
    watched.see(
        "open('a', 'w').write('abcdef')\n"
        "os.rename('a', 'b'); os.replace('b', 'c'); os.link('c', 'd'); os.symlink('d', 'e')\n"
        "os.truncate('e', 2); os.mkdir('f'); os.rename('f', 'g'); os.rmdir('g')\n"
        "os.unlink('c'); os.mkdir('h'); os.symlink('../d', 'h/up')\n"
        "fd = os.open('h', os.O_RDONLY); os.remove('up', dir_fd=fd)\n"
        "os.rename('d', 'i', dst_dir_fd=fd)\n"
    )
    seen = [
        (record["op"], record["p"], record.get("q"), bool(record.get("directory")))
        for record in watched.files()
        if record["op"] != "open"
    ]
    assert seen == [
        ("rename", "a", "b", False),
        ("rename", "b", "c", False),
        ("link", "c", "d", False),
        ("symlink", "d", "e", False),
        ("truncate", "e", None, False),
        ("mkdir", "f", None, True),
        ("rename", "f", "g", True),
        ("remove", "g", None, True),
        ("remove", "c", None, False),
        ("mkdir", "h", None, True),
        ("symlink", "d", "h/up", False),
        ("remove", "h/up", None, False),
        ("rename", "d", "h/i", False),
    ]
    by_op = {record["op"]: record for record in watched.files()}
    assert by_op["truncate"]["stat"][2] == 2
    assert by_op["remove"]["stat"] is None


def test_odd_names_are_written_so_that_they_come_back(watched: Watched) -> None:
    names = ["a b", "ä", 'q"uote', "back\\slash", "100%", "line\nbreak", "\udcff\udcfe", "x" * 255]
    watched.see(f"for name in {names!r}:\n    open(name, 'w').close()")
    assert [record["p"] for record in watched.files("open")] == names
    assert all(
        spool.read_bytes().isascii() and b" " not in spool.read_bytes()
        for spool in watched.spool.glob("*.spool")
    )


def test_dots_are_taken_out_where_that_changes_nothing(watched: Watched) -> None:
    watched.see(
        "os.makedirs('one/deep'); os.symlink('one/deep', 'short')\n"
        "open('x', 'w').close(); open('one/x', 'w').close()\n"
        "open('one/../x'); open('.//one/./x'); open('short/../x')\n"
    )
    assert [record["p"] for record in watched.files("open")][2:] == ["x", "one/x", "short/../x"]


def test_ignored_paths_are_not_written_and_their_neighbours_are(watched: Watched) -> None:
    watched.see(
        "here = os.getcwd()\n"
        "for name in ('skip', 'skipped'): os.mkdir(name)\n"
        "shim.set_ignored([here + '/skip/', here + '/file', here + '/file'])\n"
        "for name in ('skip/x', 'skipped/x', 'file', 'file2'): open(name, 'w').close()\n"
        "os.rename('skip/x', 'out'); os.rename('out', 'skip/x'); os.rename('skip/x', 'skip/y')\n"
        "open('skipped/../skip/y')\n"
    )
    assert [(r["op"], r["p"], r.get("q")) for r in watched.files() if r["op"] != "mkdir"] == [
        ("open", "skipped/x", None),
        ("open", "file2", None),
        ("rename", "skip/x", "out"),
        ("rename", "out", "skip/x"),
    ]


def test_repeats_are_counted_and_a_new_version_is_written(watched: Watched) -> None:
    watched.see(
        "open('x', 'w').write('1'); open('y', 'w').write('1')\n"
        "for _ in range(50): open('x').close()\n"
        "open('x', 'a').write('2')\n"
        "for _ in range(20): open('x').close()\n"
        "open('y').close()\n"
        "shim.cell_end(1)\n"
        "slot.value = 2\n"
        "open('x').close()\n"
        "shim.cell_end(2)\n"
    )
    reads = [r for r in watched.files() if r["p"] == "x" and r["flags"] & os.O_ACCMODE == 0]
    assert [(r["op"], r["c"], r.get("count")) for r in reads] == [
        ("open", 1, None),
        ("open", 1, None),
        ("repeat", 1, 68),
        ("open", 2, None),
    ]
    assert (reads[0]["stat"][2], reads[1]["stat"][2]) == (1, 2)
    assert [r["op"] for r in watched.files() if r["p"] == "y"] == ["open", "open"]


def test_ten_thousand_files_are_all_written_and_no_repeat_is_lost(watched: Watched) -> None:
    watched.see(
        "os.mkdir('many')\n"
        "for i in range(10_000): open(f'many/{i}', 'w').close()\n"
        "for _ in range(3):\n"
        "    for i in range(10_000): os.close(os.open(f'many/{i}', os.O_RDONLY))\n"
        "shim.cell_end(1)\n"
    )
    reads = [r for r in watched.files("open", "repeat") if r["flags"] & os.O_ACCMODE == 0]
    assert {r["p"] for r in reads if r["op"] == "open"} == {f"many/{i}" for i in range(10_000)}
    assert sum(r.get("count", 1) for r in reads) == 30_000


def test_threads_write_whole_lines_and_exact_counts(watched: Watched) -> None:
    records = watched.see(
        "import threading\n"
        "open('same', 'w').close()\n"
        "def work(number):\n"
        "    shim.cell_slot().value = number\n"
        "    for i in range(200):\n"
        "        open(f'{number}-{i}', 'w').close()\n"
        "        open('same').close()\n"
        "threads = [threading.Thread(target=work, args=(n,)) for n in range(10, 18)]\n"
        "[t.start() for t in threads]; [t.join() for t in threads]\n"
        "shim.cell_end(1)\n"
    )
    own = [r for r in watched.files("open") if "-" in r["p"]]
    assert sorted(r["p"] for r in own) == sorted(
        f"{n}-{i}" for n in range(10, 18) for i in range(200)
    )
    assert all(r["p"].startswith(f"{r['c']}-") for r in own)
    same = [r for r in watched.files("open", "repeat") if r["p"] == "same" and r["c"] >= 10]
    assert sum(r.get("count", 1) for r in same) == 1600
    assert {r["c"] for r in same} == set(range(10, 18))
    assert sorted(r["n"] for r in records) == list(range(1, len(records) + 1))


def test_a_native_thread_is_given_the_only_active_execution(watched: Watched) -> None:
    watched.see(
        with_native(
            "open('x', 'w').close(); open('y', 'w').close()\n"
            "native.thread_open(b'x')\n"
            "shim.set_active(0)\n"
            "native.thread_open(b'y')\n"
        )
    )
    found = [(r["p"], r["c"], r["thread"]) for r in watched.files("open")][2:]
    assert found == [("x", 1, "native"), ("y", 0, "native")]


def test_the_execution_follows_a_context_variable(watched: Watched) -> None:
    watched.see(
        "import asyncio, contextvars, threading\n"
        "number = contextvars.ContextVar('number')\n"
        "shim.follow(number)\n"
        "async def work(n):\n"
        "    number.set(n)\n"
        "    for i in range(3):\n"
        "        await asyncio.sleep(0)\n"
        "        open(f'{n}-{i}', 'w').close()\n"
        "async def all(): await asyncio.gather(*(work(n) for n in (3, 4, 5)))\n"
        "asyncio.run(all())\n"
        "context = contextvars.copy_context()\n"
        "context.run(number.set, 9)\n"
        "t = threading.Thread(target=context.run, args=(open, '9-x', 'w')); t.start(); t.join()\n"
        "t = threading.Thread(target=open, args=('1-y', 'w')); t.start(); t.join()\n"
    )
    found = watched.files("open")
    assert len(found) == 11
    assert all(r["p"].startswith(f"{r['c']}-") for r in found)
    assert [r["thread"] for r in found if r["p"] == "1-y"] == ["native"]


def test_libraries_loaded_late_and_every_way_to_call_are_seen(watched: Watched) -> None:
    watched.see(
        with_native(
            "for name in 'abcd': open(name, 'w').close()\n"
            "native.syscall_open(b'a'); native.looked_up_open(b'b'); native.stdio(b'c')\n"
            "template = ctypes.create_string_buffer(b'tmpXXXXXX')\n"
            "assert native.temporary(template) and native.six_arguments()\n"
            "assert native.next_is_libc()\n"
            "os.rename(template.value, b'made')\n"
        )
    )
    assert facts(watched.files()) >= {("a", "read"), ("b", "read"), ("c", "both"), ("c", "read")}
    assert [r["q"] for r in watched.files("rename")] == ["made"]
    assert [r["p"] for r in watched.files("open") if r["p"].startswith("tmp")] == [
        watched.files("rename")[0]["p"]
    ]


def test_errno_and_modes_are_as_without_us(watched: Watched) -> None:
    watched.see(
        with_native(
            "import errno\n"
            "os.umask(0)\n"
            "os.close(os.open('x', os.O_CREAT | os.O_WRONLY, 0o640))\n"
            "assert os.stat('x').st_mode & 0o777 == 0o640\n"
            "assert native.errno_after(b'x', 77) == 77\n"
            "assert native.errno_after(b'absent', 77) == errno.ENOENT\n"
            "assert native.bad_pointer() == errno.EFAULT\n"
        )
    )


def test_an_interposer_that_was_preloaded_keeps_working(watched: Watched) -> None:
    interposer = native_library(
        "#define _GNU_SOURCE\n#include <dlfcn.h>\n#include <stdarg.h>\n#include <fcntl.h>\n"
        "int calls;\n"
        "int open64(const char *p, int f, ...) { int m; va_list a; va_start(a, f);"
        " m = va_arg(a, int); va_end(a); calls++;"
        ' int (*next)(const char *, int, ...) = dlsym(RTLD_NEXT, "open64");'
        " return next(p, f, m); }\n"
    )
    watched.see(
        "import ctypes\n"
        f"calls = ctypes.c_int.in_dll(ctypes.CDLL({str(interposer)!r}), 'calls')\n"
        "before = calls.value\n"
        "open('x', 'w').close()\n"
        "assert calls.value == before + 1\n",
        LD_PRELOAD=str(interposer),
    )
    assert [r["p"] for r in watched.files()] == ["x"]


def test_recording_can_be_switched_off_and_on(watched: Watched) -> None:
    watched.see(
        "shim.set_recording(False); open('a', 'w').close()\n"
        "shim.set_recording(True); open('b', 'w').close()\n"
    )
    assert [r["p"] for r in watched.files()] == ["b"]


def test_a_second_load_gives_the_same_helper(watched: Watched) -> None:
    watched.see("assert _loader.load(os.environ['TEST_SPOOL'], uuid7(), uuid7()) is shim")
    assert len(list(watched.spool.iterdir())) == 1
