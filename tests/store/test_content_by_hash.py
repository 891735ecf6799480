from __future__ import annotations

import os
import stat
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jupyter_lineage.errors import NotFound, StoreError
from jupyter_lineage.ids import hash_bytes
from jupyter_lineage.store.content import Content


@pytest.fixture
def content(tmp_path: Path) -> Content:
    return Content(tmp_path / "lineage.db.content")


@given(
    data=st.one_of(
        st.binary(max_size=300), st.binary(min_size=1, max_size=8).map(lambda b: b * 200_000)
    )
)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_what_is_put_comes_back(content: Content, data: bytes):
    name = hash_bytes(data)
    content.put_bytes(data, name)
    assert content.read(name) == data


def test_incompressible_bytes_are_stored_as_they_are(content: Content):
    data = os.urandom(100_000)
    content.put_bytes(data, hash_bytes(data))
    assert content.stored_bytes(hash_bytes(data)) == len(data) + 1


def test_compressible_bytes_take_less(content: Content):
    data = b"a,b,c\n" * 100_000
    content.put_bytes(data, hash_bytes(data))
    assert content.stored_bytes(hash_bytes(data)) < 2000


def test_objects_belong_to_the_user_alone_and_are_no_links(content: Content, tmp_path: Path):
    source = tmp_path / "data.csv"
    source.write_bytes(b"x" * 10)
    name = hash_bytes(b"x" * 10)
    content.put_file(source, name)
    path = content.path_of(name)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert {stat.S_IMODE(p.stat().st_mode) for p in (content.folder, path.parent)} == {0o700}
    source.write_bytes(b"y" * 10)
    assert content.read(name) == b"x" * 10


def test_a_file_with_another_content_is_refused_and_leaves_nothing(
    content: Content, tmp_path: Path
):
    source = tmp_path / "data.csv"
    source.write_bytes(b"other")
    name = hash_bytes(b"meant")
    with pytest.raises(StoreError, match="changed meanwhile"):
        content.put_file(source, name)
    assert not content.has(name)
    assert [path for path in content.folder.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("data", [b"abc" * 1000, bytes(range(256))])
@pytest.mark.parametrize("where", [0, 3, -2])
def test_a_damaged_object_is_never_given_out(
    content: Content, tmp_path: Path, data: bytes, where: int
):
    name = hash_bytes(data)
    content.put_bytes(data, name)
    path = content.path_of(name)
    damaged = bytearray(path.read_bytes())
    damaged[where] ^= 0xFF
    path.write_bytes(bytes(damaged))
    with pytest.raises(StoreError, match=name):
        content.read(name)
    with pytest.raises(StoreError):
        content.copy_to(name, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_a_cut_object_is_damaged(content: Content):
    data = b"abc" * 100_000
    name = hash_bytes(data)
    content.put_bytes(data, name)
    path = content.path_of(name)
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(StoreError):
        content.read(name)


def test_missing_bytes_and_wrong_hashes_are_not_found(content: Content):
    with pytest.raises(NotFound):
        content.read(hash_bytes(b"never"))
    with pytest.raises(NotFound):
        content.path_of("blake3:../../etc/passwd")


def test_an_empty_file_has_an_object(content: Content):
    content.put_bytes(b"", hash_bytes(b""))
    assert content.read(hash_bytes(b"")) == b""


def test_what_killed_writers_left_is_swept_and_what_is_being_written_stays(tmp_path):
    content = Content(tmp_path)
    old, new = tmp_path / "new-old", tmp_path / "new-now"
    for path in (old, new):
        path.write_bytes(b"part")
    os.utime(old, (time.time() - 3700,) * 2)
    content.sweep()
    assert list(tmp_path.iterdir()) == [new]


def test_a_fifo_is_not_kept_and_does_not_hang(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(OSError, match="no regular file"):
        Content(tmp_path / "kept").put_file(pipe, hash_bytes(b"x"))
