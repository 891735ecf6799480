"""What a value hides is compared or said not to be: closures, globals of functions, attributes."""

from __future__ import annotations

from .conftest import Document

IDENTICAL, EQUIVALENT, DIFFERENT, UNKNOWN = "identical", "equivalent", "different", "not compared"


def verdicts(bench, cells: dict[str, str]) -> tuple[list[str], Document]:
    """Run cells and reproduce them; return each cell's verdict."""
    document = bench.reproduce(bench.record(*cells))
    return [one["verdict"] for one in document["executions"]], document


def test_values_made_by_functions_are_not_known_by_their_names(bench):
    cells = {
        "import time, functools, os, numpy as np, dataclasses": IDENTICAL,
        "def make():\n    a = np.full(2_000_000, time.time_ns()); return lambda: a[0]\n"
        "def mk(x): return lambda y: y + x\n"
        "def deco(t):\n    @functools.wraps(os.path.join)\n    def g(): return t\n"
        "    return g": IDENTICAL,
        "f = make()": UNKNOWN,
        "same = f() * 0": UNKNOWN,
        "add = [time.time_ns()].append": DIFFERENT,
        "v = np.frompyfunc(mk(time.time_ns()), 1, 1)": UNKNOWN,
        "zero = v(1) * 0": UNKNOWN,
        "C = dataclasses.make_dataclass("
        "'C', [('a', int, dataclasses.field(default=time.time_ns()))])": DIFFERENT,
        "h = deco(time.time_ns())": DIFFERENT,
        "held = {'t': time.time_ns()}\nexec('def q(): return t', held)\nq = held['q']\n"
        "del held": DIFFERENT,
        "k = mk(3)\nsine, mean = np.sin, np.mean\nfrom os.path import join": IDENTICAL,
    }
    found, document = verdicts(bench, cells)
    assert found == list(cells.values()), document
    assert "f (function, too large)" in document["executions"][2]["reason"]


def test_what_a_called_function_changes_is_compared(bench):
    cells = {
        "import time, types, sys, builtins\nhistory, steady = [], []\n"
        "local = types.ModuleType('local')\n"
        "sys.modules['local'] = local\nlocal.__spec__ = types\nclass Foo: pass": IDENTICAL,
        "def train(): history.append(time.time_ns())\ndef step(): steady.append(1)\n"
        "def fn(): pass\ndef show(): print(len(history))": IDENTICAL,
        "step()": IDENTICAL,
        "train()": DIFFERENT,
        "show()": DIFFERENT,
        "local.x = time.time_ns()": DIFFERENT,
        "fn.x = time.time_ns()": DIFFERENT,
        "builtins.zz = time.time_ns()": DIFFERENT,
        "Foo.x = time.time_ns()": DIFFERENT,
        "setattr(local, 'y', iter([time.time_ns()]))": UNKNOWN,
        "globals()['g'] = time.time_ns()": DIFFERENT,
        "exec('e = time.time_ns()')": DIFFERENT,
        "print(local.__name__)": IDENTICAL,
    }
    found, document = verdicts(bench, cells)
    assert found == list(cells.values()), document


def test_a_figure_that_only_a_function_reads_counts_as_read(bench):
    cells = {
        "figure = iter([1])\ndef show(): return figure": UNKNOWN,
        "x = show() is None": UNKNOWN,
    }
    found, document = verdicts(bench, cells)
    assert found[0] == UNKNOWN, document
    assert "figure" in document["executions"][0]["reason"]


def test_places_in_values_make_them_equivalent(bench):
    cells = {
        "import os, pathlib, tempfile": IDENTICAL,
        "p = os.path.join(os.getcwd(), 'abs.txt')": EQUIVALENT,
        "with tempfile.TemporaryDirectory() as d:\n    inside = os.path.join(d, 'x')": EQUIVALENT,
        "q = {'p': [pathlib.Path('in.txt').resolve()], p: (1, None)}": EQUIVALENT,
        "here = 'no place'": IDENTICAL,
        "other = os.path.join(os.getcwd(), os.urandom(4).hex())": DIFFERENT,
    }
    found, document = verdicts(bench, cells)
    assert found == list(cells.values()), document
    assert "the value of p is the same but for the run's folder" in str(document)
    assert "temporary names" in document["executions"][2]["reason"]
