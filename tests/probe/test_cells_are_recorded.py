from __future__ import annotations

import hashlib
import json
import os
import signal
import time
from typing import Any

from jupyter_lineage.probe.redact import LIMIT

from .kernels import Kernel, of


def last_cell(kernel: Kernel, code: str, **options: Any) -> tuple[Any, Any, Any]:
    """Run a cell; return its three records."""
    kernel.run(code, **options)
    for _ in range(500):  # the outputs are written just after the kernel said that it is idle
        found = kernel.records()
        cell = of(found, "cell")[-1]
        mine = [record for record in found if record.get("exec") == cell["exec"]]
        if of(mine, "outputs"):
            return cell, of(mine, "cell_end")[0], of(mine, "outputs")[0]
        time.sleep(0.02)
    raise AssertionError("the cell has no outputs record")


def test_an_ordinary_cell(shared):
    cell, end, outputs = last_cell(shared, "x = 1\nprint('hello')\nx + 1")
    assert cell["source"] == "x = 1\nprint('hello')\nx + 1"
    assert cell["size"] == len(cell["source"])
    assert cell["masked"] == 0
    assert "sha256" not in cell
    assert cell["cwd"] == str(shared.work)
    assert end["status"] == "completed"
    assert end["error"] is None
    assert end["seconds"] >= 0
    assert end["names"]["x"]["type"] == "int"
    assert end["names"]["x"]["digest"].startswith("sha256:")
    assert set(end["names"]) == {"x"}
    assert [output["output_type"] for output in outputs["outputs"]] == ["stream", "execute_result"]
    assert outputs["outputs"][0]["text"] == "hello\n"
    assert "execution_count" not in outputs["outputs"][1]
    assert outputs["count"] == 2


def test_the_process_record_tells_who_and_where(shared):
    (process,) = [
        record
        for record in of(shared.records(), "process")
        if record["_writer"] == "probe" and not record["forked"]
    ]
    assert process["pid"] == shared.pid
    assert process["run_kind"] == "session"
    assert process["kernel_id"] == "0123"
    assert process["notebook"] is None
    assert process["unseen"] == 0
    assert process["cwd"] == str(shared.work)
    assert process["capture_level"] in ("full", "python-only")
    assert (shared.home / "data").as_posix() not in json.dumps(process["argv"])


def test_the_execution_count_is_what_the_notebook_shows(shared):
    reply, _ = shared.run("1")
    cell, _, _ = last_cell(shared, "2")
    assert cell["count"] == reply["execution_count"] + 1
    cell, _, _ = last_cell(shared, "3", store_history=False)
    assert cell["count"] is None


def test_numbers_grow_by_one(shared):
    for _ in range(3):
        last_cell(shared, "pass")
    numbers = [record["c"] for record in of(shared.records(), "cell")]
    assert numbers == list(range(1, len(numbers) + 1))


def test_a_silent_request_is_no_cell(shared):
    before = len(of(shared.records(), "cell"))
    shared.run("silent_name = 1", silent=True)
    last_cell(shared, "pass")
    assert len(of(shared.records(), "cell")) == before + 1


def test_a_failing_cell_says_how(shared):
    _, end, outputs = last_cell(shared, "raise ValueError('no good')")
    assert end["status"] == "failed"
    assert end["error"] == {"name": "ValueError", "value": "no good"}
    assert outputs["outputs"][0]["ename"] == "ValueError"


def test_a_cell_that_is_no_python_fails(shared):
    _, end, _ = last_cell(shared, "for for")
    assert end["status"] == "failed"
    assert end["error"]["name"] == "SyntaxError"


def test_sys_exit_is_a_failed_cell_and_no_end(shared):
    _, end, _ = last_cell(shared, "import sys\nsys.exit(3)")
    assert end["status"] == "failed"
    assert end["error"]["name"] == "SystemExit"
    assert not of(shared.records(), "end")
    assert shared.run("1")[0]["status"] == "ok"


def interrupt_during(kernel: Kernel, code: str) -> tuple[Any, Any]:
    before = len(of(kernel.records(), "cell"))
    message = kernel.send(code)
    kernel.wait_for("cell", before + 1)
    time.sleep(0.3)
    os.kill(kernel.pid, signal.SIGINT)
    reply, _ = kernel.wait(message)
    return reply, of(kernel.wait_for("cell_end", before + 1), "cell_end")[-1]


def test_an_interrupted_cell(shared):
    reply, end = interrupt_during(shared, "import time\ntime.sleep(30)")
    assert reply["ename"] == "KeyboardInterrupt"
    assert end["status"] == "interrupted"
    assert end["error"]["name"] == "KeyboardInterrupt"


def test_an_interrupted_cell_that_awaits(shared):
    _, end = interrupt_during(shared, "import asyncio\nawait asyncio.sleep(2)")
    assert end["status"] == "interrupted"
    _, end, _ = last_cell(shared, "after = 1")
    assert end["status"] == "completed"


def test_a_cell_inside_a_cell_is_part_of_it(shared):
    before = len(of(shared.records(), "cell"))
    _, end, outputs = last_cell(
        shared, "get_ipython().run_cell('inner = 5\\nprint(inner)')\nouter = 6"
    )
    assert len(of(shared.records(), "cell")) == before + 1
    assert {"inner", "outer"} <= set(end["names"])
    assert outputs["outputs"][0]["text"].startswith("5\n")


def test_names_rebound_to_the_same_value_and_deleted_ones(shared):
    last_cell(shared, "same = 1; gone = 2")
    _, end, _ = last_cell(shared, "same = 1\ndel gone")
    assert set(end["names"]) == {"same"}
    assert end["deleted"] == ["gone"]


def test_what_a_cell_deletes_is_not_kept_alive(shared):
    last_cell(shared, "import weakref\nclass Big: pass\nbig = Big()\nwatch = weakref.ref(big)")
    assert shared.text("del big\nprint(watch())") == "None\n"


def test_random_states_before_and_after(shared):
    _, end, _ = last_cell(shared, "import random\nrandom.seed(1)")
    _, first, _ = last_cell(shared, "pass")
    _, second, _ = last_cell(shared, "random.random()")
    assert end["random"]["random"][1] == first["random"]["random"][0]
    assert first["random"]["random"][0] == first["random"]["random"][1]
    assert second["random"]["random"][0] != second["random"]["random"][1]
    _, again, _ = last_cell(shared, "random.seed(1)")
    assert again["random"]["random"][1] == end["random"]["random"][1]


def test_numpy_generators_by_name(shared):
    _, end, _ = last_cell(shared, "import numpy as np\ngen = np.random.default_rng(0)")
    assert end["random"]["generator:gen"][0] is None
    _, quiet, _ = last_cell(shared, "pass")
    assert quiet["random"]["generator:gen"][0] == quiet["random"]["generator:gen"][1]
    _, used, _ = last_cell(shared, "gen.normal(); np.random.rand()")
    for name in ("generator:gen", "numpy"):
        assert used["random"][name][0] != used["random"][name][1], name


def test_local_modules_are_named_once(shared):
    (shared.work / "helper_of_mine.py").write_text("x = 1")
    _, end, _ = last_cell(shared, "import helper_of_mine")
    assert end["modules"] == [
        {"name": "helper_of_mine", "path": str(shared.work / "helper_of_mine.py")}
    ]
    _, end, _ = last_cell(shared, "import helper_of_mine, json, wave")
    assert end["modules"] == []


def test_secrets_are_masked_before_they_reach_the_disk(shared):
    secret = "ghp_" + "a1B2c3D4e5F6" * 3
    code = f"token = '{secret}'\nprint(token)"
    cell, end, outputs = last_cell(shared, code)
    assert cell["masked"] == 1
    assert end["names"]["token"]["digest"] is None
    assert end["names"]["token"]["reason"] == "holds a secret"
    assert cell["sha256"] == hashlib.sha256(code.encode()).hexdigest()
    assert outputs["masked"] == 1
    raw = json.dumps(shared.records())
    assert secret not in raw
    assert "[redacted:github-token]" in outputs["outputs"][0]["text"]


def test_nothing_bound_beside_a_secret_has_a_digest(shared):
    _, end, _ = last_cell(shared, "plain = connect_with = dict(password='Hunter22xyz')")
    assert {name: d["digest"] for name, d in end["names"].items()} == {
        "plain": None,
        "connect_with": None,
    }
    _, end, _ = last_cell(shared, "plain = 1")
    assert end["names"]["plain"]["digest"].startswith("sha256:")


def test_a_real_traceback_and_its_error_hold_no_secret(shared):
    code = (
        "password = 'Hunter22xyz'\n"
        "kind = type('password=\"Hunter22xyz\"', (ValueError,), {})\n"
        "raise kind('x' * 4085 + ' ghp_' + 'a1B2c3D4e5F6' * 3)"
    )
    _, _, coloured = last_cell(shared, "password = 5\n1 / 0")
    assert "\x1b[" in "".join(coloured["outputs"][0]["traceback"])
    _, end, outputs = last_cell(shared, code)
    assert end["status"] == "failed"
    assert "[redacted:assigned]" in "".join(outputs["outputs"][0]["traceback"])
    raw = json.dumps([end, outputs])
    assert "Hunter22xyz" not in raw
    assert "ghp_a" not in raw
    assert end["error"]["name"] == 'password="[redacted:assigned]"'


def test_a_cell_of_ten_megabytes(shared):
    code = "s = '" + "x" * (10 * 1024 * 1024) + "'"
    cell, end, _ = last_cell(shared, code)
    assert cell["source"] is None
    assert cell["size"] == len(code) > LIMIT
    assert cell["sha256"] == hashlib.sha256(code.encode()).hexdigest()
    assert end["status"] == "completed"
    assert end["names"]["s"]["reason"] == "too large"


def test_a_million_lines_are_counted_and_not_kept(shared):
    _, _, outputs = last_cell(shared, "for i in range(1_000_000): print(i)")
    text = "".join(f"{i}\n" for i in range(1_000_000))
    assert outputs["outputs"] is None
    assert outputs["hash"] is None
    assert outputs["size"] == len(text)
    _, _, again = last_cell(shared, "print(''.join(f'{i}\\n' for i in range(1_000_000)), end='')")
    assert again["capped_sha256"] == outputs["capped_sha256"]
    _, _, other = last_cell(shared, "print(''.join(f'{i}\\n' for i in range(1_000_001)), end='')")
    assert other["capped_sha256"] != outputs["capped_sha256"]
    assert "outputs" in last_cell(shared, "print('small')")[2]


def test_streams_of_one_name_are_joined_between_other_outputs(shared):
    code = (
        "import sys\n"
        "for i in range(3):\n"
        "    print('out', i, flush=True); print('err', i, file=sys.stderr, flush=True)\n"
        "display({'text/plain': 'middle'}, raw=True)\n"
        "print('after')"
    )
    _, _, outputs = last_cell(shared, code)
    found = [(o["output_type"], o.get("name"), o.get("text")) for o in outputs["outputs"]]
    assert sorted(found[:2]) == [
        ("stream", "stderr", "err 0\nerr 1\nerr 2\n"),
        ("stream", "stdout", "out 0\nout 1\nout 2\n"),
    ]
    assert found[2][0] == "display_data"
    assert found[3] == ("stream", "stdout", "after\n")


def test_cleared_and_updated_outputs_are_as_the_notebook_shows_them(shared):
    code = (
        "from IPython.display import clear_output\n"
        "print('gone')\nclear_output()\nprint('stays')\n"
        "handle = display('first', display_id=True)\nhandle.update('second')"
    )
    _, _, outputs = last_cell(shared, code)
    assert outputs["outputs"][0]["text"] == "stays\n"
    assert outputs["outputs"][1]["data"]["text/plain"] == "'second'"
    assert len(outputs["outputs"]) == 2


def test_equal_outputs_have_equal_hashes(shared):
    first = last_cell(shared, "print('a'); 5")[2]
    second = last_cell(shared, "print('a'); 5")[2]
    third = last_cell(shared, "print('a'); 6")[2]
    assert first["hash"] == second["hash"] != third["hash"]


def test_an_image_is_kept_as_it_is(shared):
    code = (
        "import base64\nfrom IPython.display import Image\n"
        "Image(data=base64.b64decode('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk"
        "YPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=='))"
    )
    _, _, outputs = last_cell(shared, code)
    assert outputs["outputs"][0]["data"]["image/png"].startswith("iVBORw0KGgo")


def test_recording_leaves_the_namespace_as_it_is(shared):
    text = shared.text("print(sorted(n for n in dir() if 'lineage' in n.lower()))")
    assert text == "[]\n"
    assert shared.text("print('jupyter_lineage' in str(In))") in ("True\n",)  # this very cell


def test_a_killed_kernel_leaves_the_cell_that_ran(start):
    kernel = start()
    kernel.run("x = 1")
    kernel.send("import os, signal\nprint('about to go', flush=True)\nimport time\ntime.sleep(60)")
    found = kernel.wait_for("cell", 2)
    os.kill(kernel.pid, signal.SIGKILL)
    found = kernel.kill()
    assert len(of(found, "cell")) == 2
    assert len(of(found, "cell_end")) == 1
    assert not of(found, "end")


def test_a_kernel_that_is_shut_down_says_so(start):
    kernel = start()
    kernel.run("x = 1")
    found = kernel.stop()
    (end,) = of(found, "end")
    assert end["reason"] == "shutdown"


def test_what_forked_children_print_is_part_of_the_cell(shared):
    code = (
        "import os, time, warnings\nwarnings.simplefilter('ignore')\n"
        "pid = os.fork()\nif pid == 0:\n"
        "    print('from the child', flush=True); time.sleep(0.5); os._exit(0)\n"
        "os.waitpid(pid, 0); print('from the parent')"
    )
    _, _, outputs = last_cell(shared, code)
    text = "".join(o["text"] for o in outputs["outputs"])
    assert sorted(text.splitlines()) == ["from the child", "from the parent"]


def test_what_track_cuts_is_masked_before(shared):
    secret = "ghp_" + "a1B2c3D4e5F6" * 3
    lines = (
        f"start {'x ' * 240}{secret}",
        f"stop {'x ' * 240}{secret}",
        f"tag {'y' * 180}/{secret}",
    )
    shared.run("\n".join(f"%track {line}" for line in lines))
    start, stop, tag = of(shared.records(), "track")[-3:]
    assert (start["verb"], stop["verb"], tag["verb"]) == ("start", "stop", "tag")
    assert "ghp_" not in start["name"] + tag["name"]
    shared.run(f"%track off {'x ' * 490}{secret}")
    assert "ghp_" not in of(shared.records(), "recording")[-1]["reason"]
    shared.run("%track on")
