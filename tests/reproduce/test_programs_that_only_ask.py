"""A cell whose programs only ask the system is compared like any other."""

from __future__ import annotations

import pytest

from jupyter_lineage.reproduce.askers import ASKERS, among, in_source, leads_to, moves_search


@pytest.mark.parametrize(
    ("source", "programs"),
    [
        ("!fc-list :mono", ("fc-list",)),
        ("!uname -a\n\n# and\n!nproc", ("uname", "nproc")),
        ("! date +%Y", ("date",)),
        ("!ldconfig -p", ("ldconfig",)),
        ("!ldconfig", ()),
        ("!date -s 12:00", ()),
        ("!hostname other", ()),
        ("!nvidia-smi --gpu-reset", ()),
        ("!uname -a; rm data.csv", ()),
        ("!uname > out.txt", ()),
        ("!uname $(rm data.csv)", ()),
        ("!uname `rm data.csv`", ()),
        ("!uname {command}", ()),
        ("!uname &", ()),
        ("!uname | tee out.txt", ()),
        ("!./uname", ()),
        ("!cp a b", ()),
        ("names = !uname", ()),
        ("!uname\nimport os", ()),
        ("", ()),
    ],
)
def test_which_cells_only_ask(source, programs):
    assert in_source(source) == programs


def test_recorded_programs_only_ask_when_all_of_them_do():
    assert among(["fc-list", "fc-list", "uname"]) == ("fc-list", "uname")
    for others in ([None], ["fc-list", None], ["fc-list", "cp"], []):
        assert among(others) == ()


def test_a_program_on_the_list_is_named_without_its_folder_and_told_why():
    assert all(name and "/" not in name and why for name, why in ASKERS.items())


def test_such_a_cell_is_identical_and_says_what_it_asked(bench, words):
    run = bench.record("!uname -s", "!echo hello > made.txt")
    document = bench.reproduce(run)
    assert words(document) == ["identical", "not compared"], document
    assert document["executions"][0]["reason"] == "asked the system by uname"
    assert not any(text.startswith("cell 1 started") for text in document["problems"])


def write_program(folder, name="uname"):
    """Make a program that has only the name of one that asks."""
    folder.mkdir()
    path = folder / name
    path.write_text("#!/bin/sh\ndate +%N > out.txt\n")
    path.chmod(0o755)


@pytest.mark.parametrize(
    "first",
    [
        "import os\nos.environ['PATH'] = 'BIN:' + os.environ['PATH']",
        "import os\nos.environ.update({'PA' + 'TH': 'BIN:/usr/bin:/bin'})",
        "%env PATH=BIN:/usr/bin:/bin",
        "import mine",
    ],
)
def test_another_program_of_such_a_name_is_no_asker(bench, words, first):
    folder = bench.home / "bin"
    write_program(folder)
    bench.write("mine.py", f"import os\nos.environ['PATH'] = '{folder}:/usr/bin:/bin'")
    look = "print(open('out.txt').read())"
    document = bench.reproduce(bench.record(first.replace("BIN", str(folder)), "!uname", look))
    assert words(document)[1:] == ["not compared", "not compared"], document
    assert document["executions"][1]["reason"] == "started other programs"
    assert any(said.startswith("left out") and "out.txt" in said for said in document["problems"])


def test_a_search_path_that_held_another_one_from_the_start(bench, words, monkeypatch):
    write_program(bench.home / "bin")
    monkeypatch.setenv("PATH", f"{bench.home / 'bin'}:/usr/bin:/bin")
    document = bench.reproduce(bench.record("!uname"))
    assert words(document) == ["not compared"], document


def test_where_a_name_leads(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    assert leads_to("uname")
    assert not leads_to("uname-that-is-not-there")
    write_program(tmp_path / "bin")
    assert not leads_to("uname", [str(tmp_path / "bin")])
    monkeypatch.setenv("PATH", ".:/usr/bin:/bin")
    assert not leads_to("uname")


@pytest.mark.parametrize(
    ("text", "moves"),
    [
        ("os.environ['PATH'] = 'bin'", True),
        ("%env PATH=bin", True),
        ("os.putenv(name, 'bin')", True),
        ("os.environ.update(settings)", True),
        ("os.environ[name] = 'bin'", True),
        ("e = os.environ", True),
        ("load_dotenv()", True),
        ("os.environ['TZ'] = 'UTC'", False),
        ("os.environ.get('HOME')", False),
        ("env = os.environ.copy()", False),
        ("from pathlib import Path\nsys.path.append('x')\nDATA_PATH = 'x'", False),
    ],
)
def test_what_may_change_where_programs_are_looked_for(text, moves):
    assert moves_search(text) is moves
