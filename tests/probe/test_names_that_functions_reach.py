"""After a cell one looks at what its functions may have changed too, and not only at its text."""

from __future__ import annotations

import types
from typing import Any

import pytest

from jupyter_lineage.probe import namespace
from jupyter_lineage.probe.digest import digest

SETUP = """
import builtins, functools, math, os, sys
history, other, numbers, count = [], [], [1, 2], 0
def add(): history.append(1)
def nested(): return [add() for _ in range(1)]
def inner():
    def deep(): history.append(2)
    return deep()
def makes_closure(f):
    def g(): return f()
    return g
closure = makes_closure(add)
part = functools.partial(add)
@functools.lru_cache
def cached(): add()
def default(f=add): f()
class Model:
    seen = []
    def fit(self): history.append(3)
    @property
    def p(self): return add()
    @staticmethod
    def s(): add()
class Derived(Model): pass
model, derived = Model(), Derived()
handlers = {"a": add}
def counts():
    global count
    count += 1
def by_text(): globals()["history"].append(1)
def runs(code): exec(code)
def local(history): history.append(1)
def attribute(): obj.history.append(1)
def stores(x): math.held = x
def adds(x): math.total += x
obj = types_ = None
"""


def after(cell: str, setup: str = SETUP) -> dict[str, dict[str, Any]]:
    """Run two cells and return what is recorded of the second one's names."""
    again = namespace.Again()
    values: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(setup, "<setup>", "exec"), values)
    before = namespace.snapshot(values)
    exec(compile(cell, "<cell>", "exec"), values)
    return namespace.changes(before, values, cell, again=again)[0]


@pytest.mark.parametrize(
    "cell",
    [
        "add()",
        "nested()",
        "inner()",
        "closure()",
        "part()",
        "cached()",
        "default()",
        "model.fit()",
        "derived.fit()",
        "Model.s()",
        "model.p",
        "handlers['a']()",
        "by_text()",
        "runs('his' + 'tory.append(1)')",
        "exec('his' + 'tory.append(1)')",
        "globals()['his' + 'tory'].append(1)",
        "def new(): add()\nnew()",
        "getattr(model, 'f' + 'it')()",
    ],
)
def test_a_list_that_a_function_changes_is_looked_at(cell):
    seen = after(cell)
    assert seen["history"]["same"]
    assert seen["history"]["reached"]
    assert seen["history"]["digest"] not in (None, digest([])[0].digest)


@pytest.mark.parametrize(
    "cell",
    [
        "local([])",
        "math.sqrt(4)",
        "numbers[0]",
        "globals()['fresh'] = 1",
        "if 'numbers' not in globals(): numbers = []",
    ],
)
def test_what_no_function_reaches_is_left_alone(cell):
    assert "history" not in after(cell)
    assert "other" not in after(cell)


def test_a_global_that_a_function_binds_is_looked_at():
    assert after("counts()")["count"]["digest"] == digest(1)[0].digest


@pytest.mark.parametrize(
    "cell",
    ["globals()['fresh'] = 1", "exec('fresh = 1')", "from math import *", "import math as fresh"],
)
def test_names_bound_by_other_ways_are_new_names(cell):
    assert {"fresh", "pi"} & after(cell).keys()


@pytest.mark.parametrize(
    "cell",
    [
        "math.held = X",
        "setattr(math, 'held', X)",
        "stores(X)",
        "if True:\n    math.held = 1 if X == 1 else 2",
        "import math as m\nm.held = X",
        "math.held, other = X, 1",
        "builtins.held = X",
        "sys.held = X",
        "os.path.join.held = X",
        "from os.path import join\njoin.held = X",
        "add.held = X",
        "Model.held = X",
        "math.total = 1; adds(X)",
    ],
)
def test_an_attribute_that_is_stored_is_part_of_what_holds_it(cell, monkeypatch):
    import builtins
    import math
    import os
    import sys

    for owner in (math, builtins, sys):
        monkeypatch.setattr(owner, "held", 0, raising=False)
    monkeypatch.setattr(math, "total", 0, raising=False)
    monkeypatch.setattr(os.path.join, "held", 0, raising=False)
    found = [after(cell.replace("X", f"int('{digit}')")) for digit in "12"]
    differing = {
        name for name, seen in found[0].items() if seen["digest"] != found[1][name]["digest"]
    }
    assert differing - {"other"}


def test_an_attribute_that_can_not_be_read_has_no_digest_and_says_why(monkeypatch):
    import math

    monkeypatch.setattr(math, "held", 0, raising=False)
    for cell in ("math.held = iter([])", "setattr(math, 'he' + 'ld', 1)"):
        seen = after(cell)["math"]
        assert (seen["digest"], seen["reason"]) == (None, "an attribute of it was changed")


def test_a_constant_that_the_text_gives_is_no_unknown(monkeypatch):
    import math

    monkeypatch.setattr(
        math, "held", types.SimpleNamespace(a=types.SimpleNamespace()), raising=False
    )
    assert (
        after("math.held.a.b = 5  # rows")["math"]["digest"] == after("math.held")["math"]["digest"]
    )
    assert after("if math:\n    math.held.a.b = 5")["math"]["digest"] is None


def test_no_code_of_the_user_is_run_to_find_them():
    setup = SETUP + (
        "\nclass Trap:\n"
        "    def _no(self, *_): raise AssertionError('run')\n"
        "    __eq__ = __getattr__ = __getattribute__ = __iter__ = __len__ = __hash__ = _no\n"
        "trap = Trap()\ndef holds(a=trap): return trap\nthrough = makes_closure(trap)\n"
    )
    assert "trap" in after("holds; through", setup)


def test_a_large_program_is_followed_a_bounded_way():
    lines = [f"def f{number}(): return f{number + 1}()" for number in range(3000)]
    setup = SETUP + "\n".join(lines) + "\ndef f3000(): pass\n"
    again = namespace.Again()
    values: dict[str, Any] = {"__name__": "__main__"}
    exec(setup, values)
    assert 10 < len(again.reach.of(["f0"], values, values).loads) < 1000
