from __future__ import annotations

import os

import pytest

from jupyter_lineage.probe import places


def mode(path):
    return path.stat().st_mode & 0o777


def test_every_folder_of_ours_is_closed_and_none_above_it(tmp_path, database):
    above = tmp_path / "data"
    above.mkdir(mode=0o755)
    folder = places.spool_folder(database)
    folder.mkdir(parents=True, mode=0o755)
    places.make_private(folder)
    levels = [folder, *folder.parents]
    ours = levels[: levels.index(above)]
    assert len(ours) == 4
    assert [mode(level) for level in ours] == [0o700] * 4
    assert mode(above) == 0o755


def test_a_spool_folder_that_the_user_named_stays_as_it_is(tmp_path, database, monkeypatch):
    named = tmp_path / "shared"
    named.mkdir()
    named.chmod(0o755)
    monkeypatch.setenv("JUPYTER_LINEAGE_SPOOL", str(named))
    folder = places.spool_folder(database)
    places.make_private(folder)
    assert (mode(named), mode(folder.parent), mode(folder)) == (0o755, 0o700, 0o700)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_another_user_is_refused(database):
    folder = places.spool_folder(database)
    folder.mkdir(parents=True)
    os.chown(folder.parent, 65534, 65534)
    with pytest.raises(PermissionError, match="belongs to another user"):
        places.make_private(folder)
