"""The settings: environment over file over default, and a page that lists them all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jupyter_lineage.config import Lineage, Settings, settings, variable_of
from jupyter_lineage.errors import InvalidInput

from .conftest import ROOT

NAMES = [name for name in Lineage.class_traits() if name not in ("config", "parent", "log")]


@pytest.fixture
def configure():
    folder = Path(os.environ["JUPYTER_CONFIG_DIR"])
    folder.mkdir()

    def write(text, ending="py"):
        path = folder / f"jupyter_lineage_config.{ending}"
        path.write_text(text, "utf-8")
        return path

    return write


def test_defaults_are_those_of_the_design(database):
    found = settings()
    assert (found.keep_file_bytes, found.keep_total_bytes) == (100_000_000, 10_000_000_000)
    assert found.keep_disk_share == 0.05
    assert (found.database, found.disable) == (database, False)
    assert found.sources["keep_file_bytes"] == "default"


@pytest.mark.parametrize(
    ("text", "ending"),
    [("c.Lineage.keep_file_bytes = 5", "py"), ('{"Lineage": {"keep_file_bytes": 5}}', "json")],
)
def test_a_file_sets_and_an_environment_variable_wins(configure, monkeypatch, text, ending):
    path = configure(text, ending)
    assert settings().keep_file_bytes == 5
    assert settings().sources["keep_file_bytes"] == str(path)
    monkeypatch.setenv("JUPYTER_LINEAGE_KEEP_FILE_BYTES", "7")
    assert settings().keep_file_bytes == 7
    assert settings().sources["keep_file_bytes"] == "JUPYTER_LINEAGE_KEEP_FILE_BYTES"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("KEEP_FILE_BYTES", "many"),
        ("KEEP_FILE_BYTES", "-1"),
        ("KEEP_DISK_SHARE", "1.5"),
        ("RECORDER_IDLE_SECONDS", "soon"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_in_words(monkeypatch, name, text):
    monkeypatch.setenv(f"JUPYTER_LINEAGE_{name}", text)
    with pytest.raises(InvalidInput, match=f"JUPYTER_LINEAGE_{name} sets .*{text}"):
        settings()


@pytest.mark.parametrize("text", ["c.Lineage.typo = 1", "1/0", "syntax error", "raise SystemExit"])
def test_a_broken_file_is_refused_in_words(configure, text):
    path = configure(text)
    with pytest.raises(InvalidInput) as error:
        settings()
    assert str(path) in str(error.value)


def test_what_a_kernel_needs_is_not_taken_from_a_file_and_that_is_said(configure, lineage, store):
    configure("c.Lineage.disable = True")
    assert not settings().disable
    reply = lineage("doctor")
    assert reply.status == 1
    assert "sets c.Lineage.disable in vain" in reply.out
    assert "JUPYTER_LINEAGE_DISABLE" in reply.out


@pytest.mark.parametrize("name", NAMES)
def test_each_setting_has_help_and_is_in_the_page(name):
    page = (ROOT / "docs" / "reference" / "settings.md").read_text("utf-8")
    assert Lineage.class_traits()[name].help
    assert f"| `{name}` | `{variable_of(name)}` |" in page


def test_defaults_are_there_when_a_file_is_broken(configure, database):
    configure("1/0")
    found = Settings.defaults()
    assert (found.keep_file_bytes, found.database) == (100_000_000, database)
