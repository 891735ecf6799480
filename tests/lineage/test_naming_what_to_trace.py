"""WHAT may be a path, the end of one, a hash or a run; what is on disk now is compared."""

from __future__ import annotations

import pytest

from jupyter_lineage.errors import InvalidInput, NotFound
from jupyter_lineage.ids import hash_bytes
from jupyter_lineage.lineage import trace
from tests.builders import Cell, File, make_run, write_file

from .answers import file_id, names


@pytest.fixture
def data(tmp_path):
    return write_file(tmp_path / "project" / "data.csv", b"data")


@pytest.fixture
def model(tmp_path, store, data):
    file = write_file(tmp_path / "project" / "model.joblib", b"model")
    make_run(store, cells=[Cell(reads=[data], writes=[file])])
    return file


@pytest.mark.parametrize("what", ["model.joblib", "./model.joblib", "../project/model.joblib"])
def test_a_path_is_relative_to_the_folder(store, tmp_path, model, what):
    answer = trace(store, what, folder=tmp_path / "project")
    assert answer["start"] == file_id(b"model")
    assert answer["note"] is None


def test_the_unique_end_of_a_path_is_enough(store, tmp_path, model):
    for what in ("model.joblib", "project/model.joblib"):
        assert trace(store, what, folder=tmp_path)["start"] == file_id(b"model")


def test_a_hash_is_enough(store, model):
    assert trace(store, hash_bytes(b"model"))["start"] == file_id(b"model")
    assert trace(store, hash_bytes(b"model")[:19].upper().replace("BLAKE3", "blake3"))["nodes"]
    with pytest.raises(NotFound):
        trace(store, "blake3:" + "0" * 64)
    with pytest.raises(NotFound):
        trace(store, hash_bytes(b"model")[:10])


def test_each_node_of_an_answer_can_be_asked_about_by_its_id(store, tmp_path):
    files = [
        File(path="/a/empty", content=b""),
        File(path="/a/un known%", content=None),
        File(path="/a/full", content=b"full"),
    ]
    make_run(store, cells=[Cell(reads=files, writes=[File(path="/a/out", content=b"out")])])
    answer = trace(store, "/a/out")
    assert len(answer["nodes"]) == 5
    for node in answer["nodes"]:
        assert trace(store, node["id"])["start"] == node["id"]


def test_a_path_through_a_link_is_found(store, tmp_path, model):
    (tmp_path / "link").symlink_to(tmp_path / "project")
    assert trace(store, "link/model.joblib", folder=tmp_path)["start"] == file_id(b"model")


def test_a_name_with_strange_letters_is_found(store, tmp_path):
    for name in ("ü %41 #?.csv", "line\nbreak", "semi;'quote\"", "100%_done"):
        file = write_file(tmp_path / name, name.encode())
        make_run(store, cells=[Cell(writes=[file])])
        assert trace(store, name, folder=tmp_path)["start"] == file_id(name.encode())


def test_a_name_that_is_not_utf8_is_found(store, tmp_path):
    path = str(tmp_path) + "/caf\udce9.csv"
    make_run(store, cells=[Cell(writes=[File(path=path, content=b"latin")])])
    assert trace(store, path)["start"] == file_id(b"latin")


def test_an_end_that_several_files_have_is_refused_with_their_paths(store, tmp_path, model):
    make_run(store, cells=[Cell(writes=[File(path="/else/model.joblib", content=b"other")])])
    with pytest.raises(InvalidInput, match=r"2 files: /else/model\.joblib, "):
        trace(store, "model.joblib", folder=tmp_path)


def test_copies_of_reproductions_do_not_make_a_name_ambiguous(store, tmp_path, model):
    copy = File(path="/elsewhere/model.joblib", content=b"almost the model")
    make_run(store, kind="reproduction", cells=[Cell(writes=[copy])])
    assert trace(store, "model.joblib", folder=tmp_path)["start"] == file_id(b"model")


def test_an_unknown_file_is_answered_with_the_nearest_names(store, model):
    with pytest.raises(NotFound) as error:
        trace(store, "modle.joblib")
    assert model.path in error.value.hint
    assert error.value.exit_status == 1


def test_nothing_and_too_little_are_refused(store, model):
    for what in ("", "  ", "abc"):
        with pytest.raises((InvalidInput, NotFound)):
            trace(store, what)


def test_a_file_name_that_looks_like_an_id_is_a_file_when_it_is_recorded(store, tmp_path):
    make_run(store, cells=[Cell(writes=[write_file(tmp_path / "face", b"f")])])
    assert trace(store, "face", folder=tmp_path)["start"] == file_id(b"f")
    assert trace(store, "face", folder=tmp_path.parent)["start"] == file_id(b"f")


def test_a_file_that_changed_since_is_said(store, tmp_path, model):
    (tmp_path / "project" / "model.joblib").write_bytes(b"by hand")
    answer = trace(store, model.path)
    assert answer["start"] == file_id(b"model")
    assert "has changed since" in answer["note"]


def test_a_file_that_is_gone_is_said(store, tmp_path, model):
    (tmp_path / "project" / "model.joblib").unlink()
    assert "not there any more" in trace(store, model.path)["note"]


def test_the_version_on_disk_is_meant_when_an_older_one_was_put_back(store, tmp_path, model, data):
    newer = File(path=model.path, content=b"newer")
    make_run(store, cells=[Cell(writes=[newer])])
    answer = trace(store, model.path)
    assert answer["start"] == file_id(b"model")
    assert "other bytes than were last recorded" in answer["note"]
    assert names(answer) == {"data.csv"}


def test_a_copy_that_nobody_recorded_is_known_by_its_bytes(store, tmp_path, model):
    (tmp_path / "deployed.bin").write_bytes(b"model")
    answer = trace(store, "deployed.bin", folder=tmp_path)
    assert answer["start"] == file_id(b"model")
    assert f"as {model.path}" in answer["note"]


def test_the_hash_of_every_empty_file_is_refused(store):
    make_run(store, cells=[Cell(reads=[File(path="/a", content=b"")])])
    with pytest.raises(InvalidInput, match="every empty file"):
        trace(store, hash_bytes(b""))


ODD = "n\udcff\udcfe.txt"


@pytest.mark.parametrize("what", ["project/" + ODD, ODD, "./" + ODD])
def test_a_name_that_is_no_unicode_is_found_by_its_end(store, tmp_path, what):
    odd = write_file(tmp_path / "project" / ODD, b"odd")
    make_run(store, cells=[Cell(writes=[odd])])
    answer = trace(store, what, folder=tmp_path / "elsewhere")
    assert answer["start"] == file_id(b"odd")
    assert answer["note"] is None


@pytest.mark.parametrize(
    "what",
    [
        *("zz\udcff.txt", "a\ud800b", "a\0b", "blake3:\udcff", "blake3:0123456\udcff"),
        *("file:///\udcff", "run:\udcff", "file:blake3:\udcff", "\udcff" * 4),
    ],
)
def test_a_name_that_is_no_unicode_and_unknown_is_not_in_the_record(store, model, what):
    with pytest.raises(NotFound):
        trace(store, what)
