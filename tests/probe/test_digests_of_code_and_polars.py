"""Digests of what a notebook defines (functions, classes) and of polars, across fresh processes."""

from __future__ import annotations

import enum
import os
import subprocess
import sys

import pytest

from jupyter_lineage.probe.digest import BUDGET, digest

from .kernels import ROOT

DEFINED = """
import abc, collections, dataclasses, enum, functools, re, typing
def function(a, b=2, *c, d=[1]): return a + b
def cell_of(n):
    def inner(): return inner, n
    return inner
closure = cell_of(3)
@functools.lru_cache
def cached(x): return x
part = functools.partial(function, 1, b=3)
async def later(x: int) -> int: return x
class Base:
    def __init__(self): self.x = 1
class Derived(Base):
    def __init__(self): super().__init__()
    @property
    def p(self): return 1
    @functools.cached_property
    def z(self): return 2
    @staticmethod
    def s(): return 3
    hints: list[int]
@dataclasses.dataclass
class Row:
    name: str
    tags: list[int] = dataclasses.field(default_factory=list)
    other: typing.Optional[int] = None
@dataclasses.dataclass(frozen=True)
class Frozen:
    name: str = 'a'
class Slotted:
    __slots__ = ('a',)
class Colour(enum.Enum):
    red = 1
    blue = 'b'
    def shout(self): return self.name.upper()
class Pair(typing.NamedTuple):
    left: int
    right: int = 2
Other = collections.namedtuple('Other', 'a b')
T = typing.TypeVar('T')
class Box(typing.Generic[T]): pass
bound = Derived().__init__
row, frozen, derived = Row('a'), Frozen(), Derived()
red, pair, other = Colour.red, Pair(1), Other(1, 2)
counter, deque = collections.Counter('aab'), collections.deque([1, 2], 3)
default, ordered = collections.defaultdict(list, a=[1]), collections.OrderedDict(a=1)
pattern, alias, union = re.compile('a+', re.I), list[int], typing.Union[int, None]
lower = str.lower
"""

POLARS = """
import datetime, decimal, polars as pl
days = [datetime.date(2020, 1, 1), None, datetime.date(2020, 1, 3)]
frame = pl.DataFrame({'a': [1, None, 3], 'b': [1.5, 2.5, float('nan')], 'c': ['x', None, 'ü'],
    'd': [True, None, False], 'e': days, 'f': [[1], [], None], 'g': [{'k': 1}, {'k': 2}, None]})
numbers = pl.Series('s', [1, 2, 3], dtype=pl.Int8)
kinds = pl.Series(['v', 'u', None], dtype=pl.Categorical)
money = pl.Series([decimal.Decimal('1.10'), None])
raw = pl.Series([b'\\xff', None])
moments = pl.Series([datetime.datetime(2020, 1, 1)]).dt.replace_time_zone('UTC')
spans = pl.Series([datetime.timedelta(1)])
empty, nothing = pl.DataFrame(), pl.Series([None, None])
"""


def in_process(source: str, seed: str = "0", before: str = "") -> dict[str, str]:
    """Return the digests of all names that ``source`` binds, in a process of its own."""
    program = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{before}\nold = set(globals())\n{source}\n"
        "from types import ModuleType\n"
        "values = {n: v for n, v in globals().items() if n not in old and n != 'old'"
        " and not isinstance(v, ModuleType)}\n"
        "from jupyter_lineage.probe.digest import digest\n"
        "for name, value in values.items():\n"
        "    if name != 'ModuleType': print(name, *digest(value)[0])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONHASHSEED": seed},
    )
    assert done.returncode == 0, done.stderr
    return dict(line.split(" ", 1) for line in done.stdout.splitlines())


@pytest.mark.parametrize(
    "source", [DEFINED, pytest.param(POLARS, id="polars")], ids=["defined", "polars"]
)
def test_two_fresh_processes_agree(source):
    if "polars" in source:
        pytest.importorskip("polars")
    first, second = in_process(source, "1"), in_process(source, "2")
    assert [name for name, text in first.items() if "sha256:" not in text] == []
    assert first == second


CHANGED = {
    "a + b": "a - b",
    "b=2, *c": "b=5, *c",
    "d=[1]": "d=[2]",
    "cell_of(3)": "cell_of(4)",
    "return x\npart": "return -x\npart",
    "function, 1, b=3": "function, 1, b=4",
    "self.x = 1": "self.x = 2",
    "return 3": "return 4",
    "return 2\n": "return 9\n",
    "blue = 'b'": "blue = 'c'",
    "right: int = 2": "right: int = 3",
    "'a b'": "'a c'",
    "'aab'": "'abb'",
    "'a+', re.I": "'a+'",
}


@pytest.mark.parametrize("changed", CHANGED)
def test_what_a_change_of_the_code_changes(changed):
    assert changed in DEFINED
    first, second = in_process(DEFINED), in_process(DEFINED.replace(changed, CHANGED[changed]))
    assert first != second


def test_numbers_of_polars_have_the_same_digest_without_numpy():
    pytest.importorskip("polars")
    assert in_process(POLARS) == in_process(POLARS, before="import numpy")


def test_how_polars_holds_equal_values_means_nothing():
    pl = pytest.importorskip("polars")
    whole = pl.DataFrame({"a": [1, 2, None, 4], "b": ["x", None, "y", "z"]})
    pieces = pl.concat([whole[:2], whole[2:]], rechunk=False)
    sliced = pl.concat([whole, whole])[4:]
    missing = pl.DataFrame({"a": [1, 2, 99, 4], "b": whole["b"]}).with_columns(
        a=pl.when(pl.col("a") == 99).then(None).otherwise(pl.col("a"))
    )
    found = {digest(frame)[0].digest for frame in (whole, pieces, sliced, missing)}
    assert len(found) == 1
    assert None not in found


def test_different_values_of_polars_have_different_digests():
    pl = pytest.importorskip("polars")
    values = [
        pl.Series([1, 2]),
        pl.Series([1, 2], dtype=pl.Int32),
        pl.Series([1, None]),
        pl.Series([1, 0]),
        pl.Series("a", [1, 2]),
        pl.Series([1.0, 2.0]),
        pl.Series(["1", "2"]),
        pl.Series(["12", ""]),
        pl.Series(["1", "2"], dtype=pl.Categorical),
        pl.Series([True, False]),
        pl.Series([[1, 2]]),
        pl.Series([[1], [2]]),
        pl.DataFrame({"a": [1, 2]}),
        pl.DataFrame({"b": [1, 2]}),
        pl.DataFrame({"a": [1], "b": [2]}),
    ]
    digests = [digest(value)[0].digest for value in values]
    assert None not in digests
    assert len(set(digests)) == len(digests)


@pytest.mark.parametrize("kind", ["Int64", "Utf8", "List"])
def test_large_values_of_polars_are_given_up(kind):
    pl = pytest.importorskip("polars")
    many = pl.Series(range(BUDGET // 4))
    if kind == "Utf8":
        many = many.cast(pl.Utf8)
    if kind == "List":
        many = many.to_frame("a").select(pl.concat_list("a")).to_series()
    assert digest(many)[0].reason == "too large"


def test_no_code_of_an_enumeration_is_run():
    armed: list[bool] = []

    class Loud(enum.Enum):
        one = 1

        def __getattribute__(self, name: str) -> object:
            if armed:
                raise AssertionError(name)
            return super().__getattribute__(name)

    Loud.__module__ = "__main__"
    member = Loud.one
    armed.append(True)
    assert digest(member)[0].digest is not None
    digest(Loud)
