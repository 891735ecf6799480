from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from jupyter_lineage.probe import places, wake

from .kernels import ROOT, environment


def test_nobody_listens(tmp_path):
    assert not wake.wake(str(tmp_path))


@pytest.mark.parametrize("depth", [1, 12])
def test_the_recorder_gets_a_datagram_however_deep_its_folder_is(tmp_path, depth):
    folder = tmp_path.joinpath(*["twelve-chars"] * depth)
    folder.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        directory = os.open(folder, os.O_RDONLY)
        receiver.bind(f"/proc/self/fd/{directory}/{wake.SOCKET}")
        os.close(directory)
        assert wake.wake(str(folder))
        receiver.settimeout(5)
        assert receiver.recv(10) == b"w"
        while wake.wake(str(folder)) and not _full(receiver):
            pass
        assert wake.wake(str(folder))


def _full(receiver: socket.socket) -> bool:
    _full.calls = getattr(_full, "calls", 0) + 1  # type: ignore[attr-defined]
    return bool(_full.calls % 600 == 0)  # type: ignore[attr-defined]


def test_a_started_recorder_is_no_child_and_gets_a_clean_environment(tmp_path, monkeypatch):
    """A stand-in for Python notes how it was called; the rest is as in a kernel."""
    stand_in = tmp_path / "python"
    note = tmp_path / "note.txt"
    stand_in.write_text(
        f'#!/bin/sh\n{{ pwd; env; ps -o sid= -p $$; echo $$; echo "$@"; }} > {note}.part\n'
        f"mv {note}.part {note}; exec sleep 30\n"
    )
    stand_in.chmod(0o755)
    for name, value in environment(tmp_path, JUPYTER_LINEAGE_RECORDER="1").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("LD_PRELOAD_NOT", "x")
    monkeypatch.setenv("PYTHONSTARTUP", "/nothing")
    monkeypatch.setattr(sys, "executable", str(stand_in))
    monkeypatch.setattr(wake, "_last_start", -100.0)
    monkeypatch.setattr(wake, "_may_start", lambda: True)
    database = tmp_path / "lineage.db"
    folder = places.spool_folder(database)
    folder.mkdir(parents=True)
    assert wake.start_recorder(database)
    assert not wake.start_recorder(database)  # at most once in 5 s
    for _ in range(500):
        if note.exists():
            break
        time.sleep(0.01)
    lines = note.read_text().splitlines()
    assert lines[0] == str(folder)
    assert lines[-1] == f"-m jupyter_lineage.recorder --database {database}"
    pid, session = int(lines[-2]), int(lines[-3])
    try:
        assert session != os.getsid(0)
        with pytest.raises(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
        names = {line.partition("=")[0] for line in lines[1:-3]}
        assert "PYTHONSTARTUP" not in names
        assert "LD_PRELOAD_NOT" not in names
        assert {"PATH", "HOME", "XDG_DATA_HOME", "JUPYTER_LINEAGE_DATABASE"} <= names
    finally:
        os.kill(pid, 9)


def test_importing_the_package_imports_nothing_heavy():
    program = (
        "import sys; before = set(sys.modules); import jupyter_lineage\n"
        "print(sorted(m for m in set(sys.modules) - before))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert "jupyter_lineage.probe" not in done.stdout
    assert "numpy" not in done.stdout


def test_the_probe_imports_the_standard_library_and_itself_only():
    program = (
        "import sys\nfrom jupyter_lineage.probe import extension, spool_reader, digest_library\n"
        "names = {m.partition('.')[0] for m in sys.modules} - set(sys.stdlib_module_names)\n"
        "ours = {m for m in sys.modules if m.startswith('jupyter_lineage.')}\n"
        "print(sorted(names), sorted(m for m in ours if not m.startswith('jupyter_lineage.probe')))"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.stdout.strip() == "['__main__', 'jupyter_lineage'] []"


def test_the_startup_file_is_short_and_leaves_no_name(shared):
    lines = Path(ROOT, "jupyter-config", "00-jupyter-lineage.py").read_text().splitlines()
    assert len(lines) <= 12
    names = shared.text("print([n for n in globals() if not n.startswith('_')])")
    assert "suppress" not in names
    assert "error" not in names
