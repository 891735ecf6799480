from __future__ import annotations

import pytest

from jupyter_lineage.store import open_writer


@pytest.fixture
def store(tmp_path):
    with open_writer(tmp_path / "lineage.db") as opened:
        yield opened
