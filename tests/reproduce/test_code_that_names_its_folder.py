"""Which code may lead to its folder by a fixed path: only such is refused for absolute writes."""

from __future__ import annotations

import pytest

from jupyter_lineage.reproduce.sources import may_name

FOLDER = "/home/ada/project"
VARIABLES = {"HOME": "/home/ada", "DATA": "/home/ada/project/data", "TZ": "UTC"}


@pytest.mark.parametrize(
    "source",
    [
        "open('~/project/a')",
        "pd.read_csv(r'~/a.csv')",
        "path = '~' + '/project'",
        "os.path.expanduser(name)",
        "os.path.expandvars(name)",
        "Path.home() / 'project'",
        "os.environ['HOME']",
        "os.environ.get( 'HOME')",
        "os.getenv('HOME')",
        "from os import environ as env\nenv['HOME']",
        "!cp ~/a b",
        "!cp $HOME/a b",
        "files = !ls ~",
        "%cd ~/project",
        "%%bash\ncd ${HOME}/project",
        "os.system('cp a ~/b')",
        "open('/home/ada/project/a')",
    ],
)
def test_code_that_may_name_it(source):
    assert may_name(source, FOLDER, VARIABLES)


@pytest.mark.parametrize(
    "source",
    [
        "url = 'https://example.org/~user/x'",
        "url = 'https://example.org/~/x'",
        "cols = ['HOME', 'AWAY']",
        "df['HOME'].mean()",
        "os.environ['TZ'] = 'UTC'\ncols = ['HOME']",
        "# put it in ~/x",
        "mask = ~a / b",
        "!curl https://example.org/~user/x",
        "print('HOME')",
    ],
)
def test_code_that_only_looks_so(source):
    assert not may_name(source, FOLDER, VARIABLES)


def test_a_project_below_home_with_such_words_is_reproduced(bench, words, monkeypatch):
    monkeypatch.setenv("HOME", str(bench.project.parent))
    run = bench.record(
        "url = 'https://example.org/~user/x'; cols = ['HOME', 'AWAY']",
        "import sqlite3\nbase = sqlite3.connect('m.db'); _ = base.execute('CREATE TABLE t (x)')\n"
        "base.close()",
    )
    assert words(bench.reproduce(run)) == ["identical", "identical"]
