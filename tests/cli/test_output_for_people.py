"""What a person reads: the tables, the tree, and names that try to break the terminal."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys

import pytest

from jupyter_lineage.cli import output
from jupyter_lineage.lineage import trace
from tests.builders import Cell, File, make_run

EVIL = "/work/\x1b[2J\x07\r\x9b31m\u202egnp\u2028.ipynb"


def test_log_shows_id_status_notebook_and_user(lineage, history):
    lines = lineage("log").out.splitlines()
    assert lines[0].split() == ["RUN", "STATUS", "WHEN", "TOOK", "NOTEBOOK", "USER"]
    assert len(lines) == 5
    train = next(line for line in lines if history.train[-8:] in line)
    assert "✗ failed" in train
    assert "train.ipynb" in train
    assert train.endswith("alex")


def test_log_filters(lineage, history):
    assert history.clean[-8:] in lineage("log", "--notebook", "CLEAN").out
    assert len(lineage("log", "--notebook", "clean", "--json").json["runs"]) == 1
    assert len(lineage("log", "--status", "failed", "--json").json["runs"]) == 1
    assert len(lineage("log", "--limit", "2", "--json").json["runs"]) == 2
    assert lineage("log", "--status", "died").out == "No run matches.\n"


def test_show_says_when_something_was_missed(lineage, history):
    missed = [line for line in lineage("show", history.train).out.splitlines() if "disk" in line]
    (gap,) = lineage("show", history.train, "--json").json["gaps"]
    assert output.local_time(gap["at"]) in missed[0]


def test_show_has_all_sections(lineage, history):
    page = lineage("show", history.train[-8:]).out
    for words in (
        history.train,
        "alex on bench",
        "git abcdef012345 on main",
        "Python 3.11.7, 1 packages, A Linux 12, a processor, a card",
        "lr = 0.1",
        "auc = 0.91",
        "baseline",
        "fit( …",
        "ZeroDivisionError: no",
        "(source too large to keep)",
        "/work/clean.parquet",
        "not known",
        "gone before it could be hashed",
        "the disk was full",
        "sweep-1",
        "identical",
    ):
        assert words in page, words


def test_show_of_a_reproduction_says_what_it_repeats_and_how_it_came_out(lineage, history):
    page = lineage("show", history.again).out
    assert re.search(rf"reproduces +run {history.train[-8:]}", page)
    assert "✓ identical" in page
    assert "files that libraries open by themselves were not seen" in page


def test_trace_is_a_tree_with_cells(lineage, history):
    lines = lineage("trace", "model.joblib").out.splitlines()
    assert lines[0].startswith("/work/model.joblib  blake3:")
    assert lines[1].startswith(f"├─ made by cell 2 of train.ipynb  run {history.train[-8:]}")
    assert lines[2].startswith("│  ├─ cell 1 read /work/clean.parquet  blake3:")
    assert lines[3].startswith("│  │  └─ made by cell 2 of clean.ipynb")
    assert lines[4].startswith("│  │     └─ cell 1 read /work/raw.csv")
    assert "version not known" in lines[5]
    assert any(line.endswith("/work/clean.parquet  (shown above)") for line in lines)


def test_trace_down_reads_the_other_way(lineage, history):
    page = lineage("trace", "raw.csv", "--down").out
    assert "read by cell 1 of clean.ipynb" in page
    assert "cell 2 made /work/model.joblib" in page


def test_trace_says_when_there_is_nothing(lineage, history):
    assert "an original" in lineage("trace", "raw.csv").out
    assert "No recorded run used it" in lineage("trace", "model.joblib", "--down").out
    assert "It wrote no recorded file" in lineage("trace", history.child, "--down").out


def test_trace_says_that_a_run_was_seen_in_part(lineage, history):
    assert (
        "1 of these runs saw Python's own file accesses only"
        in lineage("trace", "model.joblib").out
    )


def test_a_very_deep_lineage_is_drawn(lineage, store):
    for step in range(600):
        source = File(path=f"/w/{step}", content=b"%d" % step)
        target = File(path=f"/w/{step + 1}", content=b"%d" % (step + 1))
        make_run(store, cells=[Cell(reads=[source], writes=[target])])
    lines = lineage("trace", "/w/600").out.splitlines()
    assert len([line for line in lines if "made by" in line]) == 600


def test_each_edge_is_at_most_one_line(lineage, store):
    shared = [File(path=f"/w/in{n}", content=b"in%d" % n) for n in range(6)]
    for n in range(6):
        out = File(path=f"/w/mid{n}", content=b"mid%d" % n)
        make_run(store, cells=[Cell(reads=shared, writes=[out])])
    mids = [File(path=f"/w/mid{n}", content=b"mid%d" % n) for n in range(6)]
    make_run(store, cells=[Cell(reads=mids, writes=[File(path="/w/top", content=b"top")])])
    drawn = lineage("trace", "/w/top").out.partition("\n\n")[0].splitlines()
    assert len(drawn) == 1 + len(trace(store, "/w/top")["edges"])


@pytest.mark.parametrize("command", ["log", "show", "trace"])
def test_names_cannot_send_anything_to_the_terminal(lineage, store, command):
    make_run(
        store,
        notebook=EVIL,
        user="al\x1b]0;title\x07ex",
        name="a\tb",
        cells=[Cell(source="print('\x1b[31m')", writes=[File(path=EVIL, content=b"evil")])],
        parameters={"\x1b[1m": "\r"},
        tags=["\x08"],
        gaps=["\x1b[0m"],
    )
    reply = lineage(
        *{"log": ["log"], "show": ["show", "last"], "trace": ["trace", "last", "--down"]}[command]
    )
    assert reply.status == 0
    assert "\\x1b[2J" in reply.out
    strange = {letter for letter in reply.out if letter != "\n" and output.clean(letter) != letter}
    assert strange == set()


def test_errors_cannot_either(lineage, history):
    assert "\x1b" not in lineage("trace", "\x1b[31m.csv").err


def test_a_name_that_is_not_utf8_is_shown_escaped():
    assert output.clean("caf\udce9.csv") == "caf\\xe9.csv"


def test_an_encoding_without_unicode_gets_plain_symbols(history, process):
    done = process("trace", "model.joblib", env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0
    assert "|- made by cell 2 of" in done.stdout
    assert done.stdout.isascii()


def on_a_terminal(*arguments, columns=80, **environment):
    """Run a command on a real pseudo-terminal and return what it wrote."""
    leader, follower = pty.openpty()
    variables = {**os.environ, "COLUMNS": str(columns), "TERM": "xterm", **environment}
    command = [sys.executable, "-m", "jupyter_lineage", *arguments]
    with subprocess.Popen(command, stdout=follower, stderr=follower, env=variables) as child:
        os.close(follower)
        pieces = []
        try:
            while piece := os.read(leader, 65536):
                pieces.append(piece)
        except OSError:  # how Linux says that the other end is closed
            pass
        os.close(leader)
    assert child.returncode == 0
    return b"".join(pieces).decode()


def test_colour_is_for_terminals_that_want_it(history, lineage):
    assert "\x1b[31m✗ failed\x1b[0m" in on_a_terminal("log")
    assert "\x1b" not in on_a_terminal("log", NO_COLOR="1")
    assert "\x1b" not in lineage("log").out


def test_lines_fit_the_terminal(store):
    make_run(store, notebook="/work/" + "long" * 60 + ".ipynb")
    file = File(path="/work/" + "deep/" * 60 + "最後.csv", content=b"x")
    make_run(store, cells=[Cell(source="x" * 500, writes=[file])])
    for arguments in (["log"], ["show", "last"], ["trace", "最後.csv"]):
        page = on_a_terminal(*arguments, columns=70).replace("\r\n", "\n")
        head = page if arguments[0] != "show" else page.partition("Cells")[2]
        head = head.partition("\n\n")[0] if arguments[0] == "trace" else head
        assert max(map(output.text_width, head.splitlines())) <= 70, arguments


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (None, "-"),
        (0.254, "0.25 s"),
        (12.3, "12 s"),
        (59.9, "60 s"),
        (185, "3 min 05 s"),
        (7800, "2 h 10 min"),
    ],
)
def test_durations_are_short(seconds, shown):
    assert output.duration(seconds) == shown


@pytest.mark.parametrize(
    ("count", "shown"),
    [(None, "-"), (0, "0 B"), (999, "999 B"), (1_500, "1.5 kB"), (3_200_000_000, "3.2 GB")],
)
def test_sizes_are_short(count, shown):
    assert output.size(count) == shown


def test_of_very_many_files_the_tree_shows_some_and_says_how_many_more(lineage, store):
    files = [File(path=f"/many/{n}.txt", content=b"%d" % n) for n in range(50)]
    run = make_run(store, cells=[Cell(reads=files), Cell(writes=files)])
    for arguments in (["trace", run], ["trace", "--down", run]):
        lines = lineage(*arguments).out.splitlines()
        assert len(lines) < 50
        assert "and 30 more (--all or --json shows them)" in "\n".join(lines)
    assert "more (--all" not in lineage("trace", "--all", run).out
    assert len(lineage("trace", "--all", run).out.splitlines()) > 100
    assert len(lineage("trace", "--json", run).json["nodes"]) == 51
