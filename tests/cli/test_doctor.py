"""``doctor`` says what works and what is to mend; each fault is made for real."""

from __future__ import annotations

import os
import site
import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_lineage.cli import checks
from jupyter_lineage.probe import places
from jupyter_lineage.recorder.client import hand_in


@pytest.fixture
def found(lineage):
    def look(name, *arguments):
        reply = lineage("doctor", "--json", *arguments)
        (check,) = [check for check in reply.json["checks"] if check["name"] == name]
        assert (reply.status == 0) == all(c["state"] != "mend" for c in reply.json["checks"])
        return check

    return look


def startup(folder):
    (folder / "startup").mkdir(parents=True)
    (folder / "startup" / checks.STARTUP_FILE).write_text("pass\n")


def test_the_database_is_opened_and_looked_through(found, database, history):
    check = found("database")
    assert check["state"] == "ok"
    assert str(database) in check["text"]
    assert "every page is sound" in check["text"]


def test_no_database_yet_is_no_fault(found):
    assert found("database")["state"] == "note"


def test_damage_is_found_and_what_to_do_is_said(found, database, store, history):
    store.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    store.close()
    with database.open("r+b") as stream:
        stream.seek(database.stat().st_size // 2)
        stream.write(os.urandom(database.stat().st_size // 3))
    check = found("database")
    assert check["state"] == "mend"
    assert "recover" in check["mend"]


def test_a_large_database_is_only_opened_until_asked(found, monkeypatch, history):
    monkeypatch.setattr(checks, "QUICK_CHECK_BYTES", 10)
    assert "doctor --check" in found("database")["text"]
    assert "every page is sound" in found("database", "--check")["text"]


def test_a_startup_file_of_the_environment_is_found(found, monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "environment"))
    assert found("startup file")["state"] == "mend"
    startup(tmp_path / "environment" / "etc" / "ipython")
    assert found("startup file")["state"] == "ok"


def test_the_trap_of_a_user_install_is_explained_with_a_command_that_mends_it(
    found, monkeypatch, tmp_path
):
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "environment"))
    monkeypatch.setattr(site, "USER_BASE", str(tmp_path / "user"))
    startup(tmp_path / "user" / "etc" / "ipython")
    check = found("startup file")
    assert "pip install --user" in check["text"]
    assert os.system(check["mend"]) == 0
    assert found("startup file")["state"] == "ok"


def test_folders_searched_are_those_that_ipython_searches():
    """Compared with IPython itself, so that a change there is noticed."""
    from IPython.core.application import ENV_CONFIG_DIRS, SYSTEM_CONFIG_DIRS
    from IPython.paths import get_ipython_dir

    theirs = [Path(get_ipython_dir()) / "profile_default", *ENV_CONFIG_DIRS, *SYSTEM_CONFIG_DIRS]
    assert {Path(folder) / "startup" for folder in theirs} == set(checks.startup_folders())


def test_a_crash_with_the_shim_is_said_with_the_way_back(found, tmp_path, monkeypatch):
    marker = places.data_folder() / "shim" / "0123456789ab.crashed"
    marker.parent.mkdir(parents=True)
    marker.touch()
    check = found("file shim")
    if "not built" in check["text"] or check["state"] == "note":
        pytest.fail("the shim is not built here: build it to test what follows")
    assert "crashed" in check["text"]
    assert "JUPYTER_LINEAGE_SHIM=1" in check["mend"]
    monkeypatch.setenv("JUPYTER_LINEAGE_SHIM", "0")
    assert found("file shim")["state"] == "note"


def test_a_record_that_others_may_read_is_to_mend(found, database, history):
    assert found("rights")["state"] == "ok"
    database.chmod(0o644)
    check = found("rights")
    assert check["mend"] == f"chmod go= {database}"


def test_recording_switched_off_is_said(found, monkeypatch):
    assert found("recording")["state"] == "ok"
    monkeypatch.setenv("JUPYTER_LINEAGE_DISABLE", "1")
    assert "JUPYTER_LINEAGE_DISABLE" in found("recording")["text"]


def test_a_full_disk_is_to_mend(found, monkeypatch):
    monkeypatch.setattr(checks, "_FREE_BYTES", 10**18)
    assert found("disk")["state"] == "mend"


def test_settings_are_shown_with_their_source(lineage, monkeypatch):
    monkeypatch.setenv("JUPYTER_LINEAGE_KEEP_FILE_BYTES", "12345")
    page = lineage("doctor").out
    assert "(from JUPYTER_LINEAGE_KEEP_FILE_BYTES)" in page
    assert "12345" in page


def test_events_that_nobody_takes_are_to_mend_and_gone_once_a_recorder_took_them(
    found, database, history, monkeypatch
):
    monkeypatch.setattr(checks, "_PATIENCE", 0.1)
    assert found("recorder")["state"] == "note"
    hand_in(database, [{"type": "track", "verb": "tag", "run": history.train, "value": "late"}])
    check = found("recorder")
    assert check["state"] == "mend"
    assert "events wait in" in check["text"]
    assert "recorder.log" in check["mend"]
    take = [sys.executable, "-m", "jupyter_lineage.recorder", "--once", "--database", str(database)]
    subprocess.run(take, check=True, timeout=60)
    assert found("recorder")["text"] == "idle; everything seen is stored"


def test_a_database_that_was_set_aside_is_said(lineage, database, history):
    aside = database.with_name(database.name + ".corrupt-20260101T000000")
    aside.write_bytes(b"broken")
    reply = lineage("doctor", "--json")
    (check,) = [check for check in reply.json["checks"] if check["name"] == "set aside"]
    assert check["state"] == "mend"
    assert str(aside) in check["text"]
    assert reply.status == 1
