"""No digest is equal for different values, and what has none says so: functions, classes, the rest.

What a program may make is made in two fresh processes from the same generated source: the digests
agree. Another value in its place gives another digest, or none.
"""

from __future__ import annotations

import collections
import datetime
import os
import pathlib
import sys
import types

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_lineage.probe.digest import digest

from .test_digests_of_code_and_polars import in_process

# Each makes one value out of X, which it holds somewhere that is easily overlooked.
MAKERS = {
    "closure": "def make(x):\n    def inner(): return x\n    return inner\nv = make(X)",
    "default": "def v(a=X): return a",
    "keyword": "def v(*, a=X): return a",
    "attribute": "def v(): pass\nv.held = X",
    "annotation": "def v(a: [X]): pass",
    "wraps": "import functools, os\ndef make(x):\n    @functools.wraps(os.path.join)\n"
    "    def inner(): return x\n    return inner\nv = make(X)",
    "put in a library": "import functools, os\ndef make(x):\n    @functools.wraps(os.path.join)\n"
    "    def inner(): return x\n    return inner\nv = os.path.join = make(X)",
    "globals": "held = {'x': X}\nexec('def v(): return x', held)\nv = held['v']",
    "bound": "v = [X].append",
    "method": "class A:\n    def __init__(self): self.x = X\n    def m(self): pass\nv = A().m",
    "partial": "import functools\nv = functools.partial(print, X)",
    "cached": "import functools\n@functools.lru_cache\ndef v(a): return a\nv(X)",
    "cached without end": "import functools\n@functools.cache\ndef v(a): return a\nv(X)",
    "class": "class v: held = X",
    "base": "class A: held = X\nclass v(A): pass",
    "class of an instance": "v = type('K', (), {'held': X})()",
    "class of a member": "import enum\nclass K(enum.Enum):\n    a = 1\n    b = [X]\nv = K.a",
    "class of a pair": "import collections\nK = collections.namedtuple('K', 'a')\n"
    "class K2(K):\n    pass\nv = collections.namedtuple('P', 'a', defaults=[X])(1)",
    "field": "import dataclasses\n@dataclasses.dataclass\nclass v:\n    a: object = (X,)",
    "factory": "import dataclasses\ndef make(x): return lambda: x\n@dataclasses.dataclass\n"
    "class v:\n    a: object = dataclasses.field(default_factory=make(X))",
    "metadata": "import dataclasses\n@dataclasses.dataclass\nclass v:\n"
    "    a: object = dataclasses.field(metadata={'x': X})",
    "made class": "import dataclasses\nv = dataclasses.make_dataclass('C',"
    " [('a', object, dataclasses.field(default=(X,)))])",
    "made elsewhere": "v = type('OrderedDict', (), {'__module__': 'collections', 'held': X})",
    "property": "class v:\n    p = property(lambda self, x=X: x)",
    "module": "import types\nm = types.ModuleType('made'); m.x = X; v = [m]",
    "annotated": "import typing\nclass v:\n    a: typing.Annotated[int, X]",
}


@pytest.mark.parametrize("name", MAKERS)
def test_whatever_holds_another_value_has_another_digest(name):
    kinds = "[" + ", ".join(["1", "2", "'1'", "(1,)", "None"]) + "]"
    every = f"vs = []\nfor X in {kinds}:\n" + "".join(
        f"    {line}\n" for line in MAKERS[name].splitlines()
    )
    source = every + "    vs.append(v)\na, b, c, d, e = vs"
    first, second = in_process(source, "1"), in_process(source, "2")
    found = [first[one] for one in "abcde"]
    assert first == second
    assert all("sha256:" in text for text in found), found
    assert len(set(found)) == len(found)


_LITERALS = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=8), st.binary(max_size=8)),
    lambda inner: st.lists(inner, max_size=3).map(tuple),
    max_leaves=4,
)


@settings(max_examples=5, deadline=None)
@given(values=st.lists(_LITERALS, min_size=12, max_size=24, unique_by=repr))
def test_generated_values_in_closures_agree_in_two_processes_and_never_collide(values):
    lines = [MAKERS["closure"].rpartition("\n")[0]]
    lines += [f"v{number} = make({value!r})" for number, value in enumerate(values)]
    source = "\n".join(lines)
    first, second = in_process(source, "1"), in_process(source, "2")
    assert first == second
    found = [first[f"v{number}"] for number in range(len(values))]
    assert len(set(found)) == len(found)


def of(value: object) -> str | None:
    return digest(value)[0].digest


def test_what_can_hold_anything_and_be_asked_for_nothing_has_no_digest():
    added = np.frompyfunc(lambda y: y, 1, 1)
    large = np.zeros(2_000_000)
    for value in (added, lambda: large[0], [].__len__, iter([1]), sys.stdout):
        assert of(value) is None


def test_what_a_library_holds_under_its_name_is_known_by_it():
    found = [of(value) for value in (np.sin, np.mean, np.add, len, pd.read_csv, pd.DataFrame, np)]
    assert None not in found
    assert len(set(found)) == len(found)


def test_a_name_that_says_it_is_a_library_is_none():
    def other() -> None: ...

    other.__module__, other.__qualname__ = "os.path", "join"
    kind = type("OrderedDict", (), {"__module__": "collections"})
    module = types.ModuleType("numpy")
    for fake, real in ((other, os.path.join), (kind, collections.OrderedDict), (module, np)):
        assert of(fake) != of(real)


def test_values_of_libraries_that_print_alike_are_different():
    hour, day = datetime.timedelta(hours=1), pd.Timestamp("2020-01-01")
    frame, noted = pd.DataFrame({"a": [1]}), pd.DataFrame({"a": [1]})
    noted.attrs["source"] = 1
    pairs = [
        (datetime.timezone(hour, "A"), datetime.timezone(2 * hour, "A")),
        (pd.Interval(0, 1), pd.Interval(0.0, 1.0)),
        (day.tz_localize("UTC"), day),
        (frame, noted),
    ]
    for one, other in pairs:
        assert of(one) != of(other)


PROJECT = "/home/somebody/project"


def placeless(value: object, folder: str) -> tuple[str, ...] | None:
    found, _ = digest(value, folder=folder)
    return None if found.placeless is None else (found.placeless, *found.marked)


@pytest.mark.parametrize(
    "make",
    [
        lambda folder: f"{folder}/in.txt",
        lambda folder: folder,
        lambda folder: pathlib.PurePosixPath(folder, "in.txt"),
        lambda folder: f"file://{folder}/in.txt",
        lambda folder: {"a": [f"{folder}/in.txt", 1], f"{folder}/b": ("x", None)},
        lambda folder: {f"{folder}/b", "c"},
        lambda folder: pd.DataFrame({"path": [f"{folder}/in.txt"]}),
        lambda folder: [f"{folder}/{number}" for number in range(1000)],
    ],
)
def test_the_folder_of_the_run_is_marked_wherever_it_stands(make):
    here, there = make(PROJECT), make("/elsewhere/it-is")
    assert of(here) != of(there)
    first, second = placeless(here, PROJECT), placeless(there, "/elsewhere/it-is")
    assert first == second
    assert first is not None
    assert first[1:] == ("the run's folder",)


def test_what_only_begins_like_the_folder_is_another_place():
    for value in (f"{PROJECT}-2/in.txt", f"{PROJECT}s", "/home/somebody"):
        assert placeless(value, PROJECT) is None
    assert placeless([f"{PROJECT}/a"], PROJECT) != placeless([f"{PROJECT}/b"], PROJECT)
    assert placeless(["/"], "/") is None


def test_temporary_names_are_marked_and_dates_are_none(monkeypatch):
    made = "/tmp/tmpab12cd_9/x.csv", "/tmp/jupyter-lineage-abcdefgh/tmpzz12cd_0/x.csv"
    first, second = (placeless({"p": name}, PROJECT) for name in made)
    assert first == second
    assert first is not None
    assert first[1:] == ("temporary names",)
    monkeypatch.setattr("tempfile.tempdir", "/scratch/me")
    assert placeless("/scratch/me/tmpab12cd_9", PROJECT) is not None
    for name in ("/tmp/tmp20200101", "/tmp/results", "/home/tmpab12cd_9", "/tmp/tmpab12cd_9x"):
        assert placeless(name, PROJECT) is None


@given(
    st.dictionaries(st.text(max_size=3), st.sampled_from([PROJECT, f"{PROJECT}/a", "a", "/tmp"]))
)
def test_marks_depend_on_the_value_alone(value):
    moved = {key: one.replace(PROJECT, "/other") for key, one in value.items()}
    assert placeless(value, PROJECT) == placeless(moved, "/other")
