from __future__ import annotations

import json
import os
import shutil
import subprocess

import pytest

from .kernels import of, spools


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
    kernel.run("%unload_ext jupyter_lineage")
    assert "not found" in kernel.text("%track")
    kernel.run("hidden_name = 2; open('hidden.txt', 'w').close()")
    kernel.run("%load_ext jupyter_lineage")
    kernel.run("b = 3")
    found = kernel.wait_for("outputs", 2)
    raw = json.dumps(found)
    assert "hidden_name" not in raw
    assert "hidden.txt" not in raw
    assert [r["on"] for r in of(found, "recording")] == [False, True]
    assert len({r["run"] for r in of(found, "cell")}) == 1


def test_nothing_is_recorded_when_disabled(start):
    kernel = start(JUPYTER_LINEAGE_DISABLE="1")
    assert kernel.text("print(1)") == "1\n"
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


def test_no_child_is_left_for_the_users_wait(start):
    kernel = start()
    code = (
        "import os\ntry: print(os.waitpid(-1, os.WNOHANG))\nexcept ChildProcessError: print('no')"
    )
    assert kernel.text(code) == "no\n"


def test_plain_ipython_records_cells_without_outputs(tmp_path):
    import sys

    from .kernels import environment, records

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
