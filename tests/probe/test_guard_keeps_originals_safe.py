from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from .kernels import Kernel, of

LEVELS: dict[str, dict[str, Any]] = {"shim": {}, "audit hook": {"JUPYTER_LINEAGE_SHIM": "0"}}


@pytest.fixture(scope="module", params=list(LEVELS))
def guarded(request, tmp_path_factory):
    home = tmp_path_factory.mktemp("guarded")
    (home / "work").mkdir()
    originals = home / "originals"
    originals.mkdir()
    for name in ("a.txt", "b.txt"):
        (originals / name).write_text("original")
    given = {"run_kind": "reproduction", "guard": str(home / "work")}
    kernel = Kernel(home, hand_over=json.dumps(given), **LEVELS[request.param])
    kernel.run(f"import os, shutil\nout = {str(originals)!r}")
    yield kernel
    kernel.kill()


def original(kernel) -> list[tuple[str, str]]:
    folder = kernel.home / "originals"
    return sorted((p.name, p.read_text()) for p in folder.iterdir())


FORBIDDEN = [
    "open(out + '/a.txt', 'w')",
    "open(out + '/a.txt', 'r+')",
    "open(out + '/a.txt', 'ab')",
    "open(out + '/new.txt', 'x')",
    "os.open(out + '/a.txt', os.O_WRONLY)",
    "os.open(out + '/a.txt', os.O_RDWR | os.O_TRUNC)",
    "os.remove(out + '/a.txt')",
    "os.rename(out + '/a.txt', 'stolen.txt')",
    "os.replace(open('mine.txt', 'w').name, out + '/a.txt')",
    "os.mkdir(out + '/folder')",
    "os.makedirs(out + '/x/y')",
    "shutil.rmtree(out)",
    "shutil.copy(out + '/a.txt', out + '/b.txt')",
    "shutil.move(out + '/a.txt', '.')",
    "os.truncate(out + '/a.txt', 0)",
    "os.link(out + '/a.txt', 'second-name.txt')",
    "os.symlink('/tmp', out + '/link')",
    "os.chmod(out + '/a.txt', 0)",
    "os.utime(out + '/a.txt', (0, 0))",
    "os.chdir(out); open('a.txt', 'w')",
    "os.chdir(out); os.remove('a.txt')",
    "open('../originals/a.txt', 'w')",
    "from pathlib import Path; Path(out, 'a.txt').write_text('x')",
    "import pandas; pandas.DataFrame({'a': [1]}).to_csv(out + '/a.txt')",
]


@pytest.mark.parametrize("code", FORBIDDEN)
def test_changing_what_is_outside_is_refused(guarded, code):
    before = original(guarded)
    reply, _ = guarded.run(code)
    guarded.run(f"os.chdir({str(guarded.work)!r})")
    assert reply["status"] == "error"
    assert reply["ename"] in ("PermissionError", "Error"), reply
    assert original(guarded) == before


def test_the_shared_memory_of_others_stays_as_it_is(start, tmp_path):
    (tmp_path / "work").mkdir()
    theirs = [Path(f"/dev/shm/{name}_{os.getpid()}") for name in ("psm_test", "other_test")]
    try:
        for path in theirs:
            path.write_text("theirs")
        kernel = start(hand_over=json.dumps({"guard": str(tmp_path / "work")}))
        kernel.run("import os")
        for path in theirs:
            for code in (f"open('{path}', 'w')", f"os.remove('{path}')", f"os.chmod('{path}', 0)"):
                assert kernel.run(code)[0]["ename"] == "PermissionError", code
            assert path.read_text() == "theirs"
        assert kernel.run("open('/dev/shm/anything', 'w')")[0]["ename"] == "PermissionError"
    finally:
        for path in theirs:
            path.unlink(missing_ok=True)


@pytest.mark.parametrize("device", ["/dev/kmsg", "/dev/tty1", "/dev/vda", "/dev/ttyS0"])
def test_only_devices_that_keep_nothing_are_written(guarded, device):
    if not os.path.exists(device):
        pytest.skip("this system has no such device")
    assert guarded.run(f"os.open('{device}', os.O_WRONLY)")[0]["ename"] == "PermissionError"


def test_the_refusal_says_why(guarded):
    reply, _ = guarded.run("open(out + '/a.txt', 'w')")
    assert "a reproduction changes nothing outside of its own folder" in reply["evalue"]
    assert str(guarded.work) in reply["evalue"]


def test_a_link_inside_does_not_lead_outside(guarded):
    guarded.run("os.symlink(out, 'door')")
    for code in ("open('door/a.txt', 'w')", "os.remove('door/a.txt')"):
        assert guarded.run(code)[0]["ename"] == "PermissionError"
    guarded.run("os.symlink(out + '/a.txt', 'direct')")
    assert guarded.run("open('direct', 'w')")[0]["ename"] == "PermissionError"
    assert guarded.run("os.remove('direct'); os.remove('door')")[0]["status"] == "ok"


ALLOWED = [
    "open(out + '/a.txt').read()",
    "open('x.txt', 'w').close(); os.rename('x.txt', 'y.txt'); os.remove('y.txt')",
    "os.makedirs('deep/er'); shutil.rmtree('deep')",
    "open('/dev/null', 'w').write('x')",
    "import tempfile; tempfile.NamedTemporaryFile().write(b'x')",
    "import tempfile; open(os.path.join(tempfile.mkdtemp(), 'x'), 'w').close()",
    "import sqlite3; c = sqlite3.connect('mine.db'); c.execute('create table t (a)'); c.close()",
    "import multiprocessing; multiprocessing.Queue().put(1)",
]


ALLOWED += [
    "from multiprocessing import shared_memory as s; m = s.SharedMemory(create=True, size=9);"
    " open('/dev/shm/' + m.name, 'r+b').close(); m.unlink()",
    "made = '/dev/shm/joblib_memmapping_folder_x'; os.mkdir(made); shutil.rmtree(made)",
]


@pytest.mark.parametrize("code", ALLOWED)
def test_what_a_run_needs_stays_allowed(guarded, code):
    reply, _ = guarded.run(code)
    assert reply["status"] == "ok", reply


def test_plots_and_parquet_still_work(guarded):
    code = (
        "import matplotlib; matplotlib.use('agg')\nimport matplotlib.pyplot as plt, pandas as pd\n"
        "plt.plot([1, 2]); plt.savefig('fig.png')\npd.DataFrame({'a': [1]}).to_parquet('a.parquet')"
    )
    assert guarded.run(code)[0]["status"] == "ok"
    assert (guarded.work / "fig.png").exists()


def test_native_code_is_refused_too_where_the_shim_is_loaded(guarded):
    (process,) = [r for r in of(guarded.records(), "process") if "shim" in r]
    if process["shim"] != "loaded":
        pytest.skip("no shim: native code is not held, and the run says python-only")
    reply, _ = guarded.run(
        "import pandas as pd; pd.DataFrame({'a': [1]}).to_parquet(out + '/a.parquet')"
    )
    assert reply["status"] == "error"
    assert not (guarded.home / "originals" / "a.parquet").exists()


def test_a_guarded_kernel_records_as_any_other(guarded):
    # The last cell's end is written after its answer.
    found = guarded.wait_for("cell_end", len(of(guarded.records(), "cell")))
    (process,) = [r for r in of(found, "process") if "guard" in r]
    assert process["guard"] == str(guarded.work)
    assert len(of(found, "cell")) == len(of(found, "cell_end"))
    assert not of(found, "gap")


def test_the_guard_holds_even_where_nothing_can_be_recorded(start, tmp_path):
    (tmp_path / "data").write_text("")  # no folder can be made here
    (tmp_path / "work").mkdir()
    target = tmp_path / "original.txt"
    target.write_text("original")
    kernel = start(hand_over=json.dumps({"guard": str(tmp_path / "work")}))
    assert kernel.run(f"open({str(target)!r}, 'w')")[0]["ename"] == "PermissionError"
    assert target.read_text() == "original"


def test_the_temporary_folder_is_gone_afterwards(start, tmp_path):
    (tmp_path / "work").mkdir()
    kernel = start(hand_over=json.dumps({"guard": str(tmp_path / "work")}))
    folder = kernel.text("import tempfile; print(tempfile.gettempdir())").strip()
    assert os.path.isdir(folder)
    kernel.stop()
    assert not os.path.exists(folder)


@pytest.mark.parametrize("level", LEVELS)
def test_no_program_is_started_where_nothing_would_hold_it(start, tmp_path, level):
    (tmp_path / "work").mkdir()
    given = {"guard": str(tmp_path / "work"), "programs": False}
    kernel = start(hand_over=json.dumps(given), **LEVELS[level])
    kernel.run("import os, subprocess")
    worker = "import multiprocessing as m; m.get_context('spawn').Process(target=int).start()"
    run = "subprocess.run(['touch', 'made'])"
    for code in ("os.system('touch made')", run, "!touch made", worker):
        reply, messages = kernel.run(code)
        assert reply["status"] == "error" or "Permission" in str(messages), (code, reply)
    assert not (tmp_path / "work" / "made").exists()
    assert "starts no other programs here" in kernel.run("os.system('true')")[0]["evalue"]


@pytest.mark.parametrize("level", LEVELS)
def test_a_folders_descriptor_leads_nowhere_outside(start, tmp_path, level):
    (tmp_path / "work").mkdir()
    target = tmp_path / "original.txt"
    target.write_text("original")
    given = {"guard": str(tmp_path / "work"), "programs": False}
    kernel = start(hand_over=json.dumps(given), **LEVELS[level])
    kernel.run(f"import os\nfolder = os.open({str(tmp_path)!r}, os.O_RDONLY)")
    code = "os.open('original.txt', os.O_WRONLY | os.O_TRUNC, dir_fd=folder)"
    assert kernel.run(code)[0]["ename"] == "PermissionError"
    assert target.read_text() == "original"
