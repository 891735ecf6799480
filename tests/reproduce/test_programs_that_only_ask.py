"""A cell whose programs only ask the system is compared like any other."""

from __future__ import annotations

import pytest

from jupyter_lineage.reproduce.askers import ASKERS, among, in_source


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
