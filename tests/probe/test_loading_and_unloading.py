from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time

import nbformat
import pytest

from jupyter_lineage.probe import identity

from .kernels import STARTUP, environment, of, records, spools


def test_loading_again_after_the_startup_file_changes_nothing(start):
    kernel = start()
    text = kernel.text("%load_ext jupyter_lineage")
    assert "Error" not in text
    assert text.count("\n") <= 2
    kernel.run("x = 1")
    found = kernel.wait_for("outputs", 2)
    assert len(of(found, "cell")) == 2
    assert len(of(found, "cell_end")) == 2
    assert len([p for p in of(found, "process") if p["_writer"] == "probe"]) == 1


def test_loading_late_says_what_is_unseen(start):
    kernel = start(startup=False)
    kernel.run("a = 1")
    assert not spools(kernel.home)
    text = kernel.text("%load_ext jupyter_lineage")
    assert text == (
        "jupyter_lineage records from the next cell on; 2 executions up to here are unseen.\n"
    )
    kernel.run("b = 2")
    found = kernel.wait_for("outputs")
    assert [r["source"] for r in of(found, "cell")] == ["b = 2"]
    (process,) = [r for r in of(found, "process") if r["_writer"] == "probe"]
    assert process["unseen"] == 2


def test_unloading_stops_and_loading_goes_on_in_the_same_run(start):
    kernel = start()
    kernel.run("a = 1")
    assert kernel.text("%unload_ext jupyter_lineage") == ""
    assert "not found" in kernel.text("%track")
    kernel.run("hidden_name = 2; open('hidden.txt', 'w').close()")
    text = kernel.text("%load_ext jupyter_lineage")
    assert text == (
        "jupyter_lineage records from the next cell on; 3 executions up to here are unseen.\n"
    )
    kernel.run("b = 3")
    found = kernel.wait_for("outputs", 2)
    raw = json.dumps(found)
    assert "hidden_name" not in raw
    assert "hidden.txt" not in raw
    assert [(r["on"], r.get("unseen")) for r in of(found, "recording")] == [
        (False, None),
        (True, 3),
    ]
    assert len({r["run"] for r in of(found, "cell")}) == 1


def test_the_cell_that_unloads_ends_and_so_does_the_run(start):
    kernel = start()
    kernel.run("a = 1\n%unload_ext jupyter_lineage\nhidden_name = 2")
    kernel.run("c = 3")
    found = kernel.stop()
    (cell,), (end,) = of(found, "cell"), of(found, "cell_end")
    assert (end["exec"], end["status"]) == (cell["exec"], "completed")
    (off,) = of(found, "recording")
    assert (off["on"], off["exec"], off["reason"]) == (False, cell["exec"], "%unload_ext")
    assert [r["reason"] for r in of(found, "end")] == ["shutdown"]


def test_unloading_and_loading_in_one_cell_leaves_nothing_out(start):
    kernel = start()
    assert kernel.text("%unload_ext jupyter_lineage\n%load_ext jupyter_lineage") == ""
    kernel.run("b = 3")
    found = kernel.wait_for("outputs", 2)
    assert [len(of(found, kind)) for kind in ("cell", "cell_end", "outputs")] == [2, 2, 2]


GUARDED = {"run_kind": "reproduction", "programs": True}


def reproduction(start, tmp_path):
    folder = tmp_path / "work"
    return start(hand_over=json.dumps({**GUARDED, "guard": str(folder)}))


@pytest.mark.parametrize("off", ["%track off", "%unload_ext jupyter_lineage"])
def test_a_reproduction_goes_on_and_says_what_the_original_said(start, tmp_path, off):
    original = start(tmp_path / "original")
    said = original.text(off)
    again = reproduction(start, tmp_path)
    assert again.text(off) == said
    again.run("x = 1")
    assert "Noted: lr=0.1" in again.text("%track param lr=0.1")
    assert "already loaded" in again.text("%load_ext jupyter_lineage")
    found = again.wait_for("outputs", 4)
    assert len(of(found, "cell")) == 4
    assert [end["names"].keys() for end in of(found, "cell_end")][1] == {"x"}
    assert not of(found, "recording")


def test_a_reproduction_says_in_the_same_cell_that_recording_is_off(start, tmp_path):
    cell = "%track off\n%track off\n%track param lr=0.1\n%track on\n%track on"
    original = start(tmp_path / "original").text(cell)
    assert "was off already" in original
    assert reproduction(start, tmp_path).text(cell) == original


def test_nothing_is_recorded_when_disabled(start):
    kernel = start(JUPYTER_LINEAGE_DISABLE="1")
    assert kernel.text("print(1)") == "1\n"
    for _ in range(2):
        assert kernel.text("%load_ext jupyter_lineage") == (
            "jupyter_lineage records nothing: JUPYTER_LINEAGE_DISABLE switches it off.\n"
        )
    assert not spools(kernel.home)
    assert "jupyter_lineage" not in kernel.errors.read_text()


@pytest.mark.skipif(shutil.which("setpriv") is None and os.geteuid() == 0, reason="root writes")
def test_a_data_folder_that_can_not_be_written_leaves_the_notebook_alone(start, tmp_path):
    # A file in the folder's place refuses everybody, root too.
    (tmp_path / "data").write_text("")
    kernel = start()
    assert kernel.text("print(1)") == "1\n"
    reply, messages = kernel.run("x = 2\nx")
    assert reply["status"] == "ok"
    assert [m["msg_type"] for m in messages] == ["execute_input", "execute_result"]
    assert kernel.errors.read_text().count("jupyter_lineage is not recording") == 1


def test_a_folder_that_goes_away_while_recording_leaves_the_notebook_alone(start):
    kernel = start()
    kernel.run("x = 1")
    shutil.rmtree(kernel.home / "data" / "jupyter-lineage" / "spool")
    for _ in range(3):
        assert kernel.text("print(x)") == "1\n"
    assert "recorded" in kernel.text("%track")


def test_the_first_time_is_said_once_on_the_terminal(start, tmp_path):
    first = start()
    assert first.text("print(1)") == "1\n"
    first.kill()
    said = first.errors.read_text()
    assert said.count("jupyter_lineage records what notebooks") == 1
    assert str(tmp_path / "lineage.db") in said
    assert "JUPYTER_LINEAGE_DISABLE=1" in said
    second = start()
    second.run("1")
    assert second.errors.read_text().count("jupyter_lineage records what notebooks") == 1


def test_a_hand_over_names_the_run_and_is_gone_afterwards(start):
    run = "01890000-0000-7000-8000-000000000001"
    given = {
        "run": run,
        "run_kind": "reproduction",
        "run_parent": "01890000-0000-7000-8000-000000000002",
        "run_name": "again",
        "notebook": "/somewhere/a.ipynb",
    }
    kernel = start(hand_over=json.dumps(given))
    kernel.run("1")
    found = kernel.records()
    (process,) = [r for r in of(found, "process") if r["_writer"] == "probe"]
    assert {k: process[k] for k in given} == given
    assert process["notebook_source"] == "hand-over"
    assert {r["run"] for r in of(found, "cell")} == {run}
    assert not list((kernel.home / "runtime").glob("*.lineage.json"))


def test_the_notebook_is_known_from_the_server(start):
    kernel = start(JPY_SESSION_NAME="/home/someone/notes.ipynb")
    kernel.run("1")
    (process,) = [r for r in of(kernel.records(), "process") if r["_writer"] == "probe"]
    assert process["notebook"] == "/home/someone/notes.ipynb"
    assert process["notebook_source"] == "JPY_SESSION_NAME"


def execute(home, command, variables=None):
    """Run a program that executes a notebook in a kernel of its own, recorded."""
    folder = home / "ipython" / "profile_default" / "startup"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(STARTUP, folder)
    done = subprocess.run(
        command,
        cwd=home,
        env=environment(home, **(variables or {})),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return records(home)


def notebook_at(path, *sources):
    path.parent.mkdir(parents=True, exist_ok=True)
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=metadata), path)


EXECUTE = [sys.executable, "-m", "jupyter", "execute"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_the_notebook_is_known_from_the_program_that_runs_it(tmp_path):
    notebook_at(tmp_path / "folder" / "a b.ipynb", "1")
    found = execute(tmp_path, [*EXECUTE, "folder/a b.ipynb"])
    (process,) = [r for r in of(found, "process") if r["_writer"] == "probe"]
    assert process["notebook"] == str(tmp_path / "folder" / "a b.ipynb")
    assert process["notebook_source"] == "parent-argv"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["x.py", "a.ipynb"], "a.ipynb"),
        (["x.py", "a.ipynb", "./a.ipynb"], "a.ipynb"),
        (["x.py", "a.ipynb", "b.ipynb"], None),
        (["x.py", "missing.ipynb"], None),
        (["papermill", "a.ipynb", "b.ipynb"], "a.ipynb"),
        (["jupyter-lab", "a.ipynb"], None),
        (["x.py", "a.ipynb", "--output", "b.ipynb"], "a.ipynb"),
        (["x.py", "--output", "b.ipynb", "a.ipynb"], "a.ipynb"),
        (["x.py", "-o", "b.ipynb", "a.ipynb"], "a.ipynb"),
        (["x.py", "--output=b.ipynb", "a.ipynb"], "a.ipynb"),
        (["x.py"], None),
    ],
)
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_which_argument_of_a_program_names_the_notebook(tmp_path, arguments, expected):
    for name in ("a.ipynb", "b.ipynb"):
        (tmp_path / name).touch()
    sleeper = tmp_path / arguments[0]
    sleeper.write_text("import sys; print(flush=True); sys.stdin.read()")
    with subprocess.Popen(
        [sys.executable, *arguments],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment(tmp_path),
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        found = identity.notebook_of_program(process.pid)
        process.communicate()
    assert found == (None if expected is None else str(tmp_path / expected))


def test_a_kernel_that_is_killed_after_a_request_to_shut_down_has_ended(tmp_path):
    pytest.importorskip("joblib")
    # joblib's workers keep Python's own end waiting, and the client kills the kernel meanwhile.
    notebook_at(
        tmp_path / "a.ipynb",
        "import atexit, time; atexit.register(time.sleep, 60)\n"
        "from joblib import Parallel, delayed\n"
        "sum(Parallel(n_jobs=2)(delayed(abs)(i) for i in range(9)))",
        "open('late.txt', 'w').close()",
    )
    found = execute(tmp_path, [*EXECUTE, "a.ipynb"])
    kernel = next(r["_pid"] for r in found if r["type"] == "cell")
    own = [r for r in found if r["_pid"] == kernel and r["_writer"] == "probe"]
    assert [r["type"] for r in own if r["type"] in ("cell_end", "outputs", "end")] == [
        *("cell_end", "outputs", "cell_end", "outputs", "end")
    ]
    assert any(str(r.get("path", "")).endswith("late.txt") for r in of(found, "file"))


def test_a_cell_that_runs_when_the_kernel_is_asked_to_end_is_recorded_first(start):
    kernel = start()
    kernel.send("import time\ntry: time.sleep(60)\nexcept KeyboardInterrupt: x = 1")
    kernel.wait_for("cell")
    time.sleep(0.5)
    kernel.client.shutdown(restart=True)
    time.sleep(0.5)
    assert not of(kernel.records(), "end")
    kernel.manager.interrupt_kernel()
    found = kernel.wait_for("end")
    assert [r["type"] for r in found if r["type"] in ("cell_end", "outputs", "end")] == [
        *("cell_end", "outputs", "end")
    ]
    assert of(found, "end")[0]["reason"] == "restart"


def test_no_child_is_left_for_the_users_wait(start):
    kernel = start()
    code = (
        "import os\ntry: print(os.waitpid(-1, os.WNOHANG))\nexcept ChildProcessError: print('no')"
    )
    assert kernel.text(code) == "no\n"


def test_plain_ipython_records_cells_without_outputs(tmp_path):
    code = "%load_ext jupyter_lineage\nx = 1\n1/0\n"
    bare = (
        "from IPython.core import shellapp; shellapp.ENV_CONFIG_DIRS[:] = [];"
        "import IPython; IPython.start_ipython()"
    )
    done = subprocess.run(
        [sys.executable, "-c", bare, "--no-banner", "--simple-prompt", "--no-confirm-exit"],
        input=code + "exit\n",
        text=True,
        capture_output=True,
        env=environment(tmp_path),
        cwd=tmp_path,
    )
    assert "ZeroDivisionError" in done.stdout
    found = records(tmp_path)
    assert [(r["source"], r["count"]) for r in of(found, "cell")][:2] == [("x = 1", 2), ("1/0", 3)]
    ends = of(found, "cell_end")
    assert [r["status"] for r in ends][:2] == ["completed", "failed"]
    assert ends[1]["error"] == {"name": "ZeroDivisionError", "value": "division by zero"}
    assert not of(found, "outputs")
    assert of(found, "end")


def test_track_in_a_kernel_that_is_not_recorded_says_so_and_breaks_nothing(start):
    kernel = start(JUPYTER_LINEAGE_DISABLE="1")
    assert "Nothing is recorded here" in kernel.text("%track param lr=0.1")
    said = kernel.text("%%track sweep\nvalue = 6 * 7\nprint(value)")
    assert "42\n" in said
    reply, _ = kernel.run("%%track bad\nraise KeyError('k')")
    assert reply["ename"] == "KeyError"
