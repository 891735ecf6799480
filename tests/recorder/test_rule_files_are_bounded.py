from __future__ import annotations

import os

import pytest

from jupyter_lineage.recorder.keep import Rules, holds_secret


@pytest.mark.parametrize(
    ("text", "words"),
    [("keep = " + "[" * 5000, ""), ("#" * 70_000, "larger than 65536 bytes")],
    ids=["deep", "large"],
)
def test_a_rule_file_out_of_all_bounds_is_said_and_the_default_holds(tmp_path, text, words):
    said: list[str] = []
    table = os.fsencode(tmp_path / "a.csv")
    (tmp_path / ".lineage.toml").write_text(text)
    assert Rules(lambda _, what: said.append(what)).rule_for(table) == "small"
    assert len(said) == 1
    assert words in said[0]


def test_a_fifo_does_not_hang(tmp_path):
    said: list[str] = []
    table = os.fsencode(tmp_path / "a.csv")
    pipe = tmp_path / ".lineage.toml"
    os.mkfifo(pipe)
    assert Rules(lambda _, what: said.append(what)).rule_for(table) == "small"
    assert "no regular file" in said[0]
    with pytest.raises(OSError, match="no regular file"):
        holds_secret(os.fsencode(pipe), 10)
