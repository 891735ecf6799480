from __future__ import annotations

import os
import sys
import sysconfig
import tempfile

import pytest

from jupyter_lineage.probe import scope


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def prefixes(folder: object, environment: dict[str, str] | None = None) -> tuple[str, ...]:
    found = scope.default_prefixes(
        environment or {}, [sysconfig.get_path("purelib")], ["/own/spool"]
    )
    return scope.ignored_prefixes(found, str(folder))


MACHINERY = [
    "/proc/self/maps",
    "/dev/null",
    "/etc/localtime",
    "/usr/share/fonts/a.ttf",
    "/own/spool/x.spool",
    os.path.join(os.path.dirname(os.__file__), "json", "__init__.py"),
    os.path.join(sysconfig.get_path("purelib"), "pandas", "x.so"),
    os.path.join(sys.prefix, "pyvenv.cfg"),
    "/somewhere/__pycache__/a.cpython-311.pyc",
    "/somewhere/a.pyc",
    "/project/.git/HEAD",
    "/tmp/ipykernel_123/456.py",
    "/project/.ipynb_checkpoints/a-checkpoint.ipynb",
]


@pytest.mark.parametrize("path", MACHINERY)
def test_machinery_is_no_data(home, path):
    found = prefixes("/project")
    assert not scope.is_data(path, found)
    assert not scope.Ignored(found).is_data(path)


DATA = [
    "/project/a.csv",
    "/data/b.parquet",
    "/tmp/c.txt",
    "/home/me/.hidden",
    "/project/.gitignore",
]


@pytest.mark.parametrize("path", DATA)
def test_data_is(home, path):
    found = prefixes("/project")
    assert scope.is_data(path, found)
    assert scope.Ignored(found).is_data(path)


def test_the_users_caches_and_settings_are_no_data(home):
    found = prefixes(home / "project")
    for part in (".cache/a", ".config/b", ".ipython/profile/c", ".local/lib/d", ".matplotlib/e"):
        assert not scope.is_data(str(home / part), found), part
    assert scope.is_data(str(home / "project" / "a.csv"), found)
    assert scope.is_data(str(home / "other" / "a.csv"), found)


def test_a_prefix_is_compared_by_whole_names(home):
    assert scope.is_data("/usrdata/a.csv", prefixes("/project"))


def test_a_working_folder_below_an_ignored_one_is_recorded(tmp_path):
    environment = tmp_path / "venv"
    for part in ("lib/site", "bin", "work/data"):
        (environment / part).mkdir(parents=True)
    found = scope.ignored_prefixes(
        [str(environment), str(environment / "lib")], str(environment / "work")
    )
    assert scope.is_data(str(environment / "work" / "data" / "a.csv"), found)
    assert scope.is_data(str(environment / "work" / "b.csv"), found)
    assert not scope.is_data(str(environment / "lib" / "site" / "x.py"), found)
    assert not scope.is_data(str(environment / "bin" / "python"), found)


def test_a_working_folder_that_is_an_ignored_one_is_recorded(tmp_path):
    found = scope.ignored_prefixes([str(tmp_path), str(tmp_path / "lib")], str(tmp_path))
    assert scope.is_data(str(tmp_path / "a.csv"), found)
    assert not scope.is_data(str(tmp_path / "lib" / "x.py"), found)


def test_a_data_home_inside_the_project_hides_our_own_folder_only(home, monkeypatch):
    project = home / "project"
    monkeypatch.setenv("XDG_DATA_HOME", str(project / "share"))
    found = prefixes(project, dict(os.environ))
    assert scope.is_data(str(project / "share" / "a.csv"), found)
    assert not scope.is_data(str(project / "share" / "jupyter-lineage" / "x"), found)


def test_links_count_in_both_spellings(tmp_path):
    real = tmp_path / "real"
    real.mkdir()
    (tmp_path / "link").symlink_to(real)
    found = scope.ignored_prefixes([str(tmp_path / "link")], "/elsewhere")
    assert not scope.is_data(str(real / "a"), found)
    assert not scope.is_data(str(tmp_path / "link" / "a"), found)


@pytest.mark.parametrize("name", ["MPLCONFIGDIR", "XDG_CACHE_HOME", "IPYTHONDIR"])
def test_a_cache_in_the_temporary_folder_does_not_hide_all_of_it(home, monkeypatch, name):
    folder = tempfile.gettempdir()
    found = prefixes("/project", {name: folder})
    assert scope.is_data(os.path.join(folder, "a.csv"), found)
    assert not scope.is_data(os.path.join(folder, "fontlist-v390.json"), found)
    assert not scope.is_data(os.path.join(folder, "matplotlib", "x"), found)
    found = prefixes("/project", {name: str(home)})
    assert scope.is_data(str(home / "a.csv"), found)
