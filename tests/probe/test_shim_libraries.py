"""Real libraries: every file that they read or write is seen, with the right direction."""

from __future__ import annotations

import sys
from dataclasses import dataclass

import pytest

from .shim_harness import PRELUDE, Watched, facts, watched

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the shim is for Linux")
__all__ = ["watched"]


@dataclass(frozen=True)
class Case:
    name: str
    code: str
    expected: set[tuple[str, str]]


CASES = [
    Case(
        "pandas_parquet",
        "import pandas as pd\n"
        "pd.DataFrame({'a': [1]}).to_parquet('x.parquet'); pd.read_parquet('x.parquet')",
        {("x.parquet", "write"), ("x.parquet", "read")},
    ),
    Case(
        "pandas_csv",
        "import pandas as pd\n"
        "pd.DataFrame({'a': [1]}).to_csv('x.csv'); pd.read_csv('x.csv', engine='pyarrow')",
        {("x.csv", "write"), ("x.csv", "read")},
    ),
    Case(
        "polars",
        "import polars as pl\n"
        "pl.DataFrame({'a': [1]}).write_parquet('x.parquet')\n"
        "pl.scan_parquet('x.parquet').sink_csv('y.csv'); pl.read_csv('y.csv')",
        {
            ("x.parquet", "write"),
            ("x.parquet", "read"),
            ("y.csv", "write"),
            ("y.csv", "read"),
        },
    ),
    Case(
        "sqlite3",
        "import sqlite3\n"
        "with sqlite3.connect('x.db') as c:\n"
        "    c.execute('attach \"y.db\" as y'); c.execute('create table y.t (a)')",
        {("x.db", "both"), ("y.db", "both"), ("y.db-journal", "both")},
    ),
    Case(
        "numpy",
        "import numpy as np\n"
        "np.save('x.npy', np.arange(9)); np.load('x.npy')\n"
        "m = np.memmap('m', dtype='u1', mode='w+', shape=9); m[0] = 1; m.flush()\n"
        "np.savez('x.npz', a=1)",
        {("x.npy", "write"), ("x.npy", "read"), ("m", "both"), ("x.npz", "both")},
    ),
    Case(
        "joblib_and_pickle",
        "import joblib\njoblib.dump([1], 'x.joblib'); joblib.load('x.joblib')",
        {("x.joblib", "write"), ("x.joblib", "read")},
    ),
    Case(
        "standard_library",
        "import shutil, gzip, pathlib, tempfile\n"
        "pathlib.Path('a').write_text('x'); shutil.copy('a', 'b'); gzip.open('c.gz', 'w').close()\n"
        "shutil.move('b', 'd')\n"
        "f = tempfile.NamedTemporaryFile(dir='.', prefix='t', delete=False); f.close()\n"
        "os.replace(f.name, 'e')",
        {("a", "write"), ("a", "read"), ("b", "write"), ("c.gz", "write")},
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_file_of_a_library_is_seen(watched: Watched, case: Case) -> None:
    watched.see(case.code + "\nshim.cell_end(1)")
    found = {fact for fact in facts(watched.files()) if not fact[0].startswith("t")}
    assert found >= case.expected
    assert {name for name, _ in found} <= {name for name, _ in case.expected}
    assert {r["c"] for r in watched.files()} == {1}


def test_libraries_that_were_there_before_are_seen_too(watched: Watched) -> None:
    watched.see(
        "import subprocess\n"
        "code = 'import pyarrow.parquet, pandas as pd\\n' + os.environ['PRELUDE'] + '''\n"
        "pd.DataFrame({'a': [1]}).to_parquet('x.parquet'); pd.read_parquet('x.parquet')'''\n"
        "subprocess.run([sys.executable, '-c', code], check=True)\n",
        PRELUDE=PRELUDE,
    )
    assert facts(watched.files()) == {("x.parquet", "write"), ("x.parquet", "read")}
