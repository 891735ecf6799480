"""Reading answers of ``trace`` in tests."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

from jupyter_lineage.ids import hash_bytes


def ids(answer: dict[str, Any]) -> set[str]:
    return {node["id"] for node in answer["nodes"]}


def names(answer: dict[str, Any]) -> set[str]:
    """Names of the files in an answer, the start left out."""
    files = [node for node in answer["nodes"] if node["type"] == "file"]
    return {PurePath(node["path"]).name for node in files if node["id"] != answer["start"]}


def runs(answer: dict[str, Any]) -> set[str]:
    return {node["id"].removeprefix("run:") for node in answer["nodes"] if node["type"] == "run"}


def file_id(content: bytes) -> str:
    return f"file:{hash_bytes(content)}"


def edge(answer: dict[str, Any], relation: str, source: str, target: str) -> dict[str, Any]:
    (found,) = (
        edge
        for edge in answer["edges"]
        if (edge["relation"], edge["source"], edge["target"]) == (relation, source, target)
    )
    return dict(found)
