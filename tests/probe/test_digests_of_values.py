from __future__ import annotations

import datetime
import decimal
import fractions
import os
import pathlib
import subprocess
import sys
import uuid

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_lineage.probe import namespace
from jupyter_lineage.probe.digest import BUDGET, digest
from jupyter_lineage.probe.digest_hasher import Hasher

from .kernels import ROOT

MAKE = """
import datetime, decimal, pathlib, numpy as np, pandas as pd
from dataclasses import dataclass
from sklearn.linear_model import LogisticRegression
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
r = np.random.default_rng(0)
X = r.normal(size=(60, 3)); y = (X[:, 0] > 0).astype(int)
def function(a, b=2):
    return {a: b, 'x': [1, 2.5]}
import abc
class Abstract(abc.ABC):
    @abc.abstractmethod
    def method(self): ...
class Plain:
    level = 3
    def method(self): return self.level
@dataclass
class Data:
    a: int = 1
plain = Plain(); plain.value = {1, 2}
values = dict(
    none=None, boolean=True, integer=10**40, real=-0.0, text='ü', raw=b'\\xff', imaginary=1j,
    items=[1, 'a', None, 2.5], pair=(1, 2), mapping={'a': {1: 2}}, unordered={'a', 'b', 'c', 3},
    frozen=frozenset('abc'), day=datetime.date(2020, 1, 2), path=pathlib.Path('/a'),
    moment=datetime.datetime(2020, 1, 2, tzinfo=datetime.timezone.utc), money=decimal.Decimal('1'),
    array=X, ints=y, words=np.array(['a', 'bc']), record=np.zeros(2, dtype='i1,f8'),
    scalar=np.float32(1.5), objects=np.array(['a', None], dtype=object),
    frame=pd.DataFrame({'a': [1, 2], 'b': ['x', None], 'c': pd.to_datetime(['2020', '2021']),
        'd': pd.Categorical(['u', 'v']), 'e': pd.array([1, None], dtype='Int64')}),
    series=pd.Series([1.0, None], name='s'), index=pd.MultiIndex.from_tuples([(1, 'a')]),
    stamp=pd.Timestamp('2020', tz='UTC'), missing=pd.NA, generator=np.random.default_rng(3),
    model=make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y),
    forest=RandomForestClassifier(3, random_state=0).fit(X, y),
    function=function, kind=Plain,
    foreign=LogisticRegression, abstract=Abstract, plain=plain, data=Data(5), module=np,
)
"""


def in_process(seed: str) -> list[str]:
    program = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{MAKE}\n"
        "from jupyter_lineage.probe.digest import digest\n"
        "for name, value in values.items(): print(name, *digest(value)[0])\n"
    )
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_two_fresh_processes_agree_about_every_kind_of_value():
    first, second = in_process("1"), in_process("2")
    assert first == second
    assert [line for line in first if "sha256:" not in line] == []
    digests = [line.split()[1] for line in first]
    assert len(set(digests)) == len(digests)


def of(value: object) -> str | None:
    found, _ = digest(value)
    return found.digest


DIFFERENT = [
    1,
    1.0,
    True,
    "1",
    b"1",
    [1],
    (1,),
    {1},
    frozenset([1]),
    {1: 1},
    [[1]],
    ["1"],
    [1, 1],
    "a" * 5000,
    ["ab", "c"],
    ["a", "bc"],
    ["x" * 5000, "y"],
    ["x" * 5000 + "y", ""],
    np.array([1]),
    np.array([1], dtype="i4"),
    np.array([[1]]),
    np.array([1.0]),
    np.int64(1),
    pd.Series([1]),
    pd.Series([1], name="a"),
    pd.Series([1], index=[5]),
    pd.DataFrame({"a": [1]}),
    pd.DataFrame({"b": [1]}),
    pd.Index([1]),
    range(1),
    decimal.Decimal("1"),
    decimal.Decimal("1.0"),
    fractions.Fraction(1),
    datetime.timedelta(1),
    datetime.date(2020, 1, 1),
    datetime.datetime(2020, 1, 1),  # noqa: DTZ001 - it is about the difference
    uuid.UUID(int=1),
    pathlib.PurePosixPath("1"),
    float("nan"),
    -0.0,
    0.0,
    None,
    len,
    print,
]


def test_different_values_have_different_digests():
    digests = [of(value) for value in DIFFERENT]
    assert None not in digests
    assert len(set(digests)) == len(digests)


_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.binary(),
    st.complex_numbers(),
)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=5),
        st.dictionaries(st.text(max_size=5), inner, max_size=5),
        st.lists(inner, max_size=3).map(tuple),
    ),
    max_leaves=12,
)


@given(_VALUES)
def test_equal_content_has_an_equal_digest(value):
    import copy

    assert of(value) == of(copy.deepcopy(value)) is not None


@given(st.lists(st.one_of(st.integers(), st.text()), max_size=30))
def test_the_order_of_a_set_means_nothing(values):
    other: set[int | str] = set()
    for value in reversed(values):
        other.add(value)
    assert of(set(values)) == of(other)


def test_a_view_has_the_digest_of_its_copy():
    array = np.arange(20).reshape(4, 5)
    assert of(array.T) == of(array.T.copy())
    assert of(array[::2]) == of(array[::2].copy()) != of(array)


def test_one_changed_element_changes_the_digest():
    frame = pd.DataFrame(np.zeros((1000, 20)))
    before = of(frame)
    frame.iloc[500, 10] = 1
    assert of(frame) != before


def test_a_function_is_known_by_its_code_and_not_by_where_it_stands():
    def make(source: str, name: str = "<a>"):
        namespace: dict[str, object] = {"__name__": "__main__"}
        exec(compile(source, name, "exec"), namespace)
        return namespace["f"]

    one = make("def f(x):\n    return x + 1")
    moved = make("\n\n# a comment\ndef f(x):\n\n    return x + 1", "<b>")
    other = make("def f(x):\n    return x + 2")
    assert of(one) == of(moved) != of(other)
    assert of(one) is not None


class Trap:
    """Every way to run its code raises."""

    def _no(self, *_: object) -> object:
        raise AssertionError("code of the user was run")

    __eq__ = __repr__ = __str__ = __hash__ = __len__ = __iter__ = __bool__ = _no  # type: ignore[assignment]
    __reduce__ = __reduce_ex__ = __getstate__ = __array__ = __getattr__ = _no  # type: ignore[assignment]
    __getattribute__ = _no


def test_no_code_of_the_user_is_run(monkeypatch):
    trap = Trap()
    for module in ("__main__", "tests.other", "sklearn.base", "numpy", "pandas"):
        monkeypatch.setattr(Trap, "__module__", module)
        digest(trap)
        digest([trap, {"a": trap}])
        digest(Trap)


class Meta(type):
    def __getattribute__(cls, name: str) -> object:
        raise AssertionError("code of a metaclass was run")


def test_no_code_of_a_metaclass_is_run():
    class Guarded(metaclass=Meta):
        pass

    digest(object.__new__(Guarded))


def test_what_can_not_be_digested_says_so():
    with open(os.devnull) as stream:
        for value in ((i for i in [1]), stream, object()):
            found, _ = digest([1, value])
            assert found.digest is None
            assert found.reason
            assert found.size is None
    found, _ = digest(object())
    assert found.reason == "no digest for object"


def test_state_in_slots_or_in_a_base_is_not_overlooked():
    class Sloppy(list[int]):
        __module__ = "__main__"

    class Slotted:
        __module__ = "__main__"
        __slots__ = ("__dict__", "hidden")

    assert of(Sloppy([1])) is None
    slotted = Slotted()
    slotted.hidden = 1  # type: ignore[attr-defined]
    assert of(slotted) is None


def test_a_value_that_contains_itself():
    value: list[object] = []
    value.append(value)
    assert of(value) is None
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    assert of(deep) is None


def test_the_budget_holds_for_all_names_of_a_cell_together():
    array = np.zeros(BUDGET // 8 // 2 - 1000)
    first, left = digest(array)
    assert first.digest is not None
    second, left = digest(array, left)
    third, left = digest(array, left)
    assert (second.digest is not None, third.reason) == (True, "too large")
    assert left >= 0
    small, _ = digest(5, left)
    assert small.reason == "too large" or small.digest


@pytest.mark.parametrize("value", ["x" * BUDGET, list(range(3_000_000)), [["a"] * 10] * 100_000])
def test_what_is_large_is_given_up(value):
    assert digest(value)[0].reason == "too large"


def test_a_large_frame_is_given_up_before_any_of_it_is_hashed(monkeypatch):
    fed: list[int] = []
    monkeypatch.setattr(Hasher, "raw", lambda _, __, data: fed.append(len(data)))
    for columns in (10, 1000):
        frame = pd.DataFrame(np.zeros((BUDGET // 8 // columns + 1, columns)))
        assert digest(frame)[0].reason == "too large"
    assert sum(fed) == 0


def cells(again: namespace.Again, values: dict[str, object], source: str) -> dict[str, object]:
    """Return the digests of what a cell that only names its values is recorded with."""
    before = namespace.snapshot(values)
    names, _ = namespace.changes(before, values, source, again=again)
    assert all(seen["same"] for seen in names.values())
    return {name: seen["digest"] for name, seen in names.items()}


def test_naming_a_value_again_and_again_costs_a_session_only_so_much():
    again = namespace.Again()
    values: dict[str, object] = {"large": np.zeros(BUDGET // 10), "small": [1, 2]}
    found = [cells(again, values, "large + small") for _ in range(60)]
    assert found[0]["large"] is not None
    assert found[-1]["large"] is None
    assert {digests["small"] for digests in found} == {of([1, 2])}
    names, _ = namespace.changes({}, values, "", again=again)
    assert names["large"]["digest"] is not None, "what a cell binds is digested all the same"


def test_a_value_that_is_too_large_costs_the_session_nothing():
    again = namespace.Again()
    values: dict[str, object] = {"huge": [np.zeros(BUDGET // 16) for _ in range(4)], "small": 1}
    names, _ = namespace.changes({}, values, "", again=again)
    assert names["huge"]["reason"] == "too large"
    for _ in range(60):
        assert cells(again, values, "huge")["huge"] is None
    values["huge"] = np.zeros(BUDGET // 10)
    assert cells(again, values, "huge")["huge"] is not None
