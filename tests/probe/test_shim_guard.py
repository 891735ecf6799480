"""The guard of a reproduction's kernel: nothing outside its folder is changed, by any way in."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from .shim_harness import Watched, native_library, watched

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the shim is for Linux")
__all__ = ["watched"]

PREPARE = """
import errno, ctypes
outside = os.path.realpath("../outside")
inside = os.getcwd()
shim.set_guard([inside, "/dev/null"])
def refused(call, *arguments, **more):
    try:
        call(*arguments, **more)
    except OSError as error:
        assert error.errno == errno.EACCES, error
    else:
        raise AssertionError((call, arguments))
"""

NATIVE = """
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
struct how { uint64_t flags, mode, resolve; };
int by_stdio(const char *p) { FILE *f = fopen(p, "w"); if (!f) return errno; fclose(f); return 0; }
int by_number(const char *p) {
    return syscall(SYS_openat, AT_FDCWD, p, O_WRONLY | O_CREAT, 0600) < 0 ? errno : 0;
}
int by_how(const char *p) {
    struct how how = {O_WRONLY | O_CREAT, 0600, 0};
    return syscall(437, AT_FDCWD, p, &how, sizeof how) < 0 ? errno : 0;
}
int by_template(char *p) { return mkstemp(p) < 0 ? errno : 0; }
int by_folder(char *p) { return mkdtemp(p) == 0 ? errno : 0; }
int by_creat(const char *p) { return creat(p, 0600) < 0 ? errno : 0; }
int __xmknod(int, const char *, mode_t, dev_t *);
int by_old_mknod(const char *p) {
    dev_t none = 0;
    return __xmknod(1, p, S_IFIFO | 0600, &none) < 0 ? errno : 0;
}
int by_mknod_number(const char *p) {
    return syscall(SYS_mknodat, AT_FDCWD, p, S_IFIFO | 0600, 0) < 0 ? errno : 0;
}
"""


@pytest.fixture
def originals(watched: Watched) -> Path:
    folder = watched.data.parent / "outside"
    (folder / "sub").mkdir(parents=True)
    (folder / "data.csv").write_text("1,2\n")
    return folder


def snapshot(folder: Path) -> dict[str, tuple[int, int, str]]:
    return {
        str(path.relative_to(folder)): (
            path.lstat().st_mode,
            path.lstat().st_mtime_ns,
            path.read_text() if path.is_file() else "",
        )
        for path in sorted([folder, *folder.rglob("*")])
    }


def test_no_call_changes_anything_outside(watched: Watched, originals: Path) -> None:
    before = snapshot(originals)
    records = watched.see(
        PREPARE + f"native = ctypes.CDLL({str(native_library(NATIVE))!r})\n"
        "os.symlink(outside, 'door'); os.symlink(outside + '/data.csv', 'link')\n"
        "os.symlink(outside + '/new', 'dangling'); open('own', 'w').write('x')\n"
        "data = outside + '/data.csv'\n"
        "for path in (data, 'link', 'dangling', 'door/new', 'door/data.csv', '../outside/new',\n"
        "             'door/../new', outside + '/sub/new'):\n"
        "    for mode in ('w', 'a', 'x', 'r+'):\n"
        "        if mode == 'r+' and not os.path.exists(path): continue\n"
        "        if mode == 'x' and os.path.lexists(path): continue\n"
        "        refused(open, path, mode)\n"
        "refused(os.truncate, data, 0); refused(os.truncate, 'link', 0)\n"
        "refused(os.open, data, os.O_RDONLY | os.O_TRUNC)\n"
        "refused(os.open, outside, os.O_TMPFILE | os.O_RDWR)\n"
        "refused(os.unlink, data); refused(os.rmdir, outside + '/sub')\n"
        "refused(os.rename, data, 'mine'); refused(os.rename, 'own', outside + '/new')\n"
        "refused(os.replace, 'own', 'door/data.csv'); refused(os.link, data, 'hard')\n"
        "refused(os.link, 'own', outside + '/hard'); refused(os.symlink, 'x', outside + '/s')\n"
        "refused(os.mkdir, outside + '/folder'); refused(os.mkdir, 'door/folder/')\n"
        "refused(os.chmod, data, 0o600); refused(os.utime, data)\n"
        "refused(os.mkfifo, outside + '/p')\n"
        "fd = os.open(outside, os.O_RDONLY)\n"
        "refused(os.open, 'new', os.O_WRONLY | os.O_CREAT, dir_fd=fd)\n"
        "refused(os.unlink, 'data.csv', dir_fd=fd)\n"
        "for name in ('by_stdio', 'by_number', 'by_how', 'by_creat'):\n"
        "    assert getattr(native, name)(data.encode()) == errno.EACCES, name\n"
        "for name in ('by_template', 'by_folder'):\n"
        "    path = ctypes.create_string_buffer(outside.encode() + b'/tXXXXXX')\n"
        "    assert getattr(native, name)(path) == errno.EACCES, name\n"
    )
    assert snapshot(originals) == before
    refusals = [record for record in records if record["type"] == "refused"]
    assert {record["op"] for record in refusals} >= {
        *("open", "truncate", "remove", "rename", "link", "symlink", "mkdir", "chmod"),
    }
    assert not any(record["p"].startswith(f"{watched.data}/") for record in refusals)


def test_no_pipe_device_or_socket_is_made_outside(watched: Watched, originals: Path) -> None:
    before = snapshot(originals)
    records = watched.see(
        PREPARE + f"native = ctypes.CDLL({str(native_library(NATIVE))!r})\n"
        "import socket, stat\n"
        "os.symlink(outside, 'door')\n"
        "fd = os.open(outside, os.O_RDONLY)\n"
        "for path in (outside + '/new', '../outside/new', 'door/new'):\n"
        "    refused(os.mkfifo, path); refused(os.mknod, path)\n"
        "    refused(os.mknod, path, stat.S_IFIFO | 0o600)\n"
        "    refused(os.mknod, path, stat.S_IFCHR | 0o600, os.makedev(1, 3))\n"
        "    with socket.socket(socket.AF_UNIX) as one: refused(one.bind, path)\n"
        "    for name in ('by_old_mknod', 'by_mknod_number'):\n"
        "        assert getattr(native, name)(path.encode()) == errno.EACCES, name\n"
        "refused(os.mkfifo, 'new', dir_fd=fd); refused(os.mknod, 'new', dir_fd=fd)\n"
    )
    assert snapshot(originals) == before
    refusals = [record["op"] for record in records if record["type"] == "refused"]
    assert {"mkfifo", "mkfifoat", "mknod", "mknodat", "__xmknod", "bind"} >= set(refusals)
    assert refusals.count("bind") == 3


def test_pipes_and_sockets_are_made_inside(watched: Watched, originals: Path) -> None:
    watched.see(
        PREPARE + "import socket\n"
        "os.mkfifo('pipe'); os.mknod('file'); os.mkfifo('pipe2', dir_fd=os.open('.', 0))\n"
        "with socket.socket(socket.AF_UNIX) as one: one.bind('socket')\n"
        "with socket.socket(socket.AF_UNIX) as one: one.bind(inside + '/socket2')\n"
        "with socket.socket(socket.AF_UNIX) as one: one.bind(b'\\0lineage-test')\n"
        "with socket.socket() as one: one.bind(('127.0.0.1', 0))\n"
    )
    assert not [r for r in watched.records() if r["type"] == "refused"]
    made = {"pipe", "pipe2", "file", "socket", "socket2"}
    assert made <= {path.name for path in watched.data.iterdir()}


def test_work_inside_and_reading_anywhere_go_on(watched: Watched, originals: Path) -> None:
    watched.see(
        PREPARE + "import tempfile, shutil\n"
        "assert open(outside + '/data.csv').read() == '1,2\\n'\n"
        "os.makedirs('a/b'); open('a/b/c', 'w').write('x'); os.symlink('a/b/c', 'l')\n"
        "open('l', 'a').write('y'); os.rename('a/b/c', 'd'); os.link('d', 'e'); os.unlink('e')\n"
        "os.symlink('d', 'm'); os.unlink('m'); os.chmod('d', 0o600); os.utime('d')\n"
        "shutil.copy2(outside + '/data.csv', 'copy'); shutil.rmtree('a')\n"
        "tempfile.tempdir = inside; tempfile.NamedTemporaryFile().close()\n"
        "tempfile.TemporaryFile().close()\n"
        "open('/dev/null', 'w').write('x')\n"
        "shared = f'/dev/shm/psm_{os.getpid()}'\n"
        "open(shared, 'w').close(); os.unlink(shared)\n"
        "r, w = os.pipe(); os.fdopen(os.open(f'/proc/self/fd/{w}', os.O_WRONLY), 'w').close()\n"
        "m = os.memfd_create('m'); open(f'/proc/self/fd/{m}', 'w').close()\n"
        "os.makedirs(outside, exist_ok=True)\n"
    )
    assert not [r for r in watched.records() if r["type"] == "refused"]


def test_what_could_not_be_done_anyway_fails_as_ever(watched: Watched, originals: Path) -> None:
    watched.see(
        PREPARE + "def fails(error, call, *arguments):\n"
        "    try: call(*arguments)\n"
        "    except OSError as found: assert found.errno == error, (call, found)\n"
        "    else: raise AssertionError(call)\n"
        "fails(errno.ENOENT, open, outside + '/none/x', 'w')\n"
        "fails(errno.ENOENT, os.unlink, outside + '/none')\n"
        "fails(errno.ENOENT, os.rename, outside + '/none', outside + '/other')\n"
        "fails(errno.EEXIST, os.mkdir, outside + '/sub')\n"
        "fails(errno.EEXIST, open, outside + '/data.csv', 'x')\n"
        "fails(errno.ENOENT, open, outside + '/none', 'r+')\n"
    )


def test_the_guard_holds_in_forks_and_can_be_taken_off(watched: Watched, originals: Path) -> None:
    watched.see(
        PREPARE + "if os.fork() == 0:\n"
        "    refused(open, outside + '/new', 'w'); os._exit(0)\n"
        "assert os.wait()[1] == 0\n"
        "shim.set_recording(False); refused(open, outside + '/new', 'w')\n"
        "shim.set_guard(None); open(outside + '/new', 'w').close()\n"
    )
    assert (originals / "new").exists()
