"""A module that is edited while its run goes on: what ran is kept, or there is a reason."""

from __future__ import annotations

import os
import time

from jupyter_lineage.store.content import Content, content_folder

from .test_files_of_a_cell import content_of

R = os.O_RDONLY


def test_the_bytes_of_a_version_that_is_edited_once_it_is_hashed_are_kept(
    kernel, recorder, rows, work, database, monkeypatch
):
    module = work / "helper.py"
    module.write_bytes(b"X = 1\n")
    real = recorder._hasher.hash

    def hash_and_edit(path, accept):
        found = real(path, accept)
        module.write_bytes(b"X = 22\n")
        return found

    execution = kernel.cell("import helper")
    kernel.opened(execution, module, R)
    kernel.cell_end(execution, modules=[{"name": "helper", "path": str(module)}])
    monkeypatch.setattr(recorder._hasher, "hash", hash_and_edit)
    recorder.run_once()
    first = content_of(b"X = 1\n")
    assert rows("SELECT hash, reason FROM files") == [(first, None)]
    assert rows("SELECT kept FROM content_event") == [(1,)]
    assert Content(content_folder(database)).read(first) == b"X = 1\n"


def test_each_version_of_a_module_that_is_loaded_anew_is_kept(
    kernel, recorder, rows, work, database
):
    module = work / "helper.py"
    for source in (b"X = 1\n", b"X = 22\n"):
        module.write_bytes(source)
        execution = kernel.cell("import helper")
        kernel.opened(execution, module, R)
        kernel.cell_end(execution)
        recorder.run_once()
    content = Content(content_folder(database))
    found = [row[0] for row in rows("SELECT hash FROM files ORDER BY execution")]
    assert [content.read(one) for one in found] == [b"X = 1\n", b"X = 22\n"]


def test_a_module_edited_in_the_cell_that_imported_its_cached_code_has_a_reason(
    kernel, recorder, rows, work
):
    module = work / "helper.py"
    module.write_bytes(b"X = 1\n")
    time.sleep(0.05)
    execution = kernel.cell("import helper; edit(helper)")
    time.sleep(0.05)
    module.write_bytes(b"X = 22\n")
    time.sleep(0.05)
    kernel.cell_end(execution, modules=[{"name": "helper", "path": str(module)}])
    recorder.run_once()
    assert rows("SELECT hash, reason FROM files") == [(None, "changed before it could be hashed")]
