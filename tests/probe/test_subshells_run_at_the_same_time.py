from __future__ import annotations

import os
import time

import ipykernel
import pytest

from .kernels import of


def test_cells_of_two_subshells_keep_apart(shared):
    info = shared.run("1")  # the kernel is up
    assert info[0]["status"] == "ok"
    if ipykernel.version_info[0] < 7:
        pytest.skip("this ipykernel has no subshells")
    create = shared.client.session.msg("create_subshell_request", {})
    shared.client.control_channel.send(create)
    reply = shared.client.get_control_msg(timeout=20)
    assert reply["content"]["status"] == "ok"
    subshell = reply["content"]["subshell_id"]

    main = shared.send(
        "import threading\nready = threading.Event(); go = threading.Event()\n"
        "ready.wait(20); open('main.txt', 'w').close()\nprint('main')\ngo.set()"
    )
    shared.wait_for("cell", 2)
    time.sleep(0.2)
    message = shared.client.session.msg(
        "execute_request",
        {
            "code": "open('sub.txt', 'w').close()\nready.set(); go.wait(20)\n"
            "open('sub2.txt', 'w').close(); print('sub')",
            "silent": False,
            "store_history": True,
            "user_expressions": {},
            "allow_stdin": False,
            "stop_on_error": True,
        },
    )
    message["header"]["subshell_id"] = subshell
    shared.client.shell_channel.send(message)
    done: set[str] = set()
    while len(done) < 2:
        found = shared.client.get_iopub_msg(timeout=20)
        if found["content"].get("execution_state") == "idle":
            done.add(found["parent_header"]["msg_id"])
        done &= {main, message["header"]["msg_id"]}
    found = shared.wait_for("outputs", 3)
    first, second = of(found, "cell")[-2:]
    assert "main.txt" in first["source"]
    assert "sub.txt" in second["source"]
    numbers = {first["exec"]: first["c"], second["exec"]: second["c"]}
    owners = {
        os.path.basename(r["path"]): r.get("c", numbers.get(r.get("exec")))
        for r in of(found, "file")
    }
    assert owners["main.txt"] == first["c"]
    assert owners["sub.txt"] == second["c"]
    assert owners["sub2.txt"] == second["c"]
    ends = {r["exec"]: r["status"] for r in of(found, "cell_end")}
    assert ends[first["exec"]] == ends[second["exec"]] == "completed"
    texts = {r["exec"]: r["outputs"][0]["text"] for r in of(found, "outputs")[-2:]}
    assert texts == {first["exec"]: "main\n", second["exec"]: "sub\n"}
