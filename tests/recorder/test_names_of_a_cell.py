from __future__ import annotations

from dataclasses import dataclass

import pytest

from jupyter_lineage.recorder.dataflow import reads, writes


@dataclass(frozen=True)
class Case:
    source: str
    reads: str = ""
    writes: str = ""


CASES = [
    Case("x = 1", writes="x"),
    Case("y = x + z", "x z", "y"),
    Case("x = 1; y = x", writes="x y"),
    Case("x += 1", "x", "x"),
    Case("df['a'] = other", "df other", "df"),
    Case("model.weights[0].value = 1", "model", "model"),
    Case("del x", "x", "x"),
    Case("import numpy as np, os.path\nfrom a import b as c", writes="np os c"),
    Case("print(len(data))", "data"),
    Case("def f(a, b=k):\n    t = a + b + g\n    return t\nf(1)", "g k", "f"),
    Case("def f():\n    global n\n    n += 1", "n", "f n"),
    Case("def f():\n    return f()", "", "f"),
    Case("f = lambda a: a + b", "b", "f"),
    Case("[i * k for i in items if i > low]", "items k low"),
    Case("{k: v for k, v in d.items()}", "d"),
    Case("i = 0\n[i for i in range(3)]", writes="i"),
    Case("for i in rows:\n    last = i\nlast", "last rows", "i last"),
    Case("if a:\n    x = 1\nelse:\n    x = 2\nx", "a", "x"),
    Case("if a:\n    x = 1\nx", "a x", "x"),
    Case("with open(p) as f:\n    t = f.read()", "p", "f t"),
    Case("try:\n    x = g()\nexcept E as e:\n    x = str(e)", "E g", "x"),
    Case("class A(B):\n    n = limit\n    def m(self): return n2", "B limit n2", "A"),
    Case("(m := f(x))", "f x", "m"),
    Case("a, (b, *c) = t", "t", "a b c"),
    Case("%matplotlib inline\nx = 1", writes="x"),
    Case("files = !ls\ny = files", writes="files y"),
    Case("%%time\ny = x", "x", "y"),
    Case("%%bash\necho x"),
    Case("df?\n"),
    Case("x = = 1"),
    Case(""),
    Case("await client.get(url)", "client url"),
    Case("match x:\n    case {'a': a, **rest}:\n        b = a", "x", "a b rest"),
    Case("def f(self):\n    def g():\n        return self + h\n    return g", "h", "f"),
    Case("x: int = y", "y", "x"),
    Case("x: int"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.source[:30])
def test_names(case: Case):
    assert reads(case.source) == set(case.reads.split())
    assert writes(case.source) == set(case.writes.split())


def test_a_source_that_is_nested_too_deep_has_no_names():
    source = "x = " + "(" * 150 + "y" + ")" * 150
    assert reads(source) in ({"y"}, set())
    assert reads("-" * 100_000 + "1") == set()
