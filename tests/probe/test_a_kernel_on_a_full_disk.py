"""A kernel that starts on a full disk: said in its note, recorded from when there is room on."""

from __future__ import annotations

import subprocess

import pytest

from jupyter_lineage.probe import unrecorded

from .kernels import of


@pytest.fixture
def disk(tmp_path, monkeypatch):
    """Everything of ours on a tiny file system, where a kernel ran before."""
    data = tmp_path / "data"
    data.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=600k", "none", str(data)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("this system lets nobody mount")
    monkeypatch.setenv("XDG_DATA_HOME", str(data))
    yield data
    subprocess.run(["umount", "-l", str(data)], check=True)


def fill(disk):
    with (disk / "filler").open("wb", buffering=0) as filler:
        try:
            while True:
                filler.write(b"x" * 4096)
        except OSError:
            return


def make_room(disk):
    (disk / "filler").unlink()


def test_what_could_not_be_recorded_is_noted_and_the_rest_recorded(disk, start, tmp_path):
    first = start()
    first.run("1")
    first.stop()
    for spool in disk.glob("jupyter-lineage/spool/*/*/*.spool"):
        spool.unlink()
    assert unrecorded.notes() == []
    fill(disk)
    kernel = start()
    assert kernel.text("print('as ever')") == "as ever\n"
    kernel.run("2")
    (note,) = unrecorded.notes()
    assert (note["reason"], note["pid"]) == ("the disk is full", kernel.pid)
    missed = note["cells"]
    assert missed >= 2
    make_room(disk)
    kernel.run("seen = 3")
    assert unrecorded.notes() == []
    assert "Recording is on" in kernel.text("%track")
    records = kernel.stop()
    (process,) = [one for one in of(records, "process") if one["writer"] == "probe"]
    assert process["run"] == note["run"]
    assert (process["unseen"], process["unseen_reason"]) == (missed, "the disk is full")
    assert [cell["source"] for cell in of(records, "cell")] == ["seen = 3", "%track"]
    assert of(records, "end")


def test_a_kernel_that_never_had_room_says_that_it_ended(disk, start):
    start().stop()
    fill(disk)
    kernel = start()
    kernel.run("1")
    kernel.stop()
    (note,) = unrecorded.notes()
    assert note["ended"] >= note["at"]


def test_a_kernel_whose_disk_fills_up_says_that_it_ended(disk, start):
    kernel = start()
    kernel.run("1")
    fill(disk)
    kernel.run("x = '" + "y" * 20_000 + "'")
    kernel.stop()
    (note,) = unrecorded.notes()
    assert note["lost"] >= 1
    assert note["ended"] >= note["at"]
    assert "cells" not in note


def test_taking_recording_out_ends_the_waiting_for_room(disk, start):
    start().stop()
    fill(disk)
    kernel = start()
    kernel.run("%unload_ext jupyter_lineage")
    make_room(disk)
    kernel.run("unseen = 1")
    assert of(kernel.stop(), "cell") == []
