"""JSON Schemas of the REST replies, by route name.

Replies that repeat a command's JSON (a run, a trace, a verdict) are described in full by that
command's schema in docs/reference/schemas; here is what the routes add to it. The tests check
real replies against both.
"""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]


def _object(**properties: Schema) -> Schema:
    """Return the schema of an object that has at least these properties."""
    return {"type": "object", "properties": properties, "required": list(properties)}


def _reply(**properties: Schema) -> Schema:
    return _object(schema={"const": 1}, **properties)


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


_TEXT: Schema = {"type": "string"}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_FLAG: Schema = {"type": "boolean"}
_RUN_ID: Schema = {"type": "string", "pattern": "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"}
_VERDICT: Schema = {"enum": ["identical", "equivalent", "different", "failed", "not compared"]}
_VERDICT_DOCUMENT = _object(
    run=_RUN_ID,
    reproduction=_TEXT,
    verdict=_VERDICT,
    executions={"type": "array", "items": _object(number=_COUNT, verdict=_VERDICT)},
    files={"type": "array", "items": _object(path=_TEXT, verdict=_VERDICT)},
    metrics={"type": "array"},
    environment={"type": "object"},
)

REPLIES: dict[str, Schema] = {
    "runs": _reply(
        runs={
            "type": "array",
            "items": _object(id=_RUN_ID, status=_TEXT, verdict=_or_null(_VERDICT)),
        },
        next=_or_null(_RUN_ID),
        change=_COUNT,
    ),
    "run": _reply(
        id=_RUN_ID,
        reproduction=_or_null(_VERDICT_DOCUMENT),
        reproductions={
            "type": "array",
            "items": _object(id=_RUN_ID, verdict=_VERDICT, started_at=_TEXT),
        },
    ),
    "outputs": _reply(
        outputs=_or_null({"type": "array", "items": _object(output_type=_TEXT)}),
        reason=_or_null(_TEXT),
    ),
    "status": _reply(
        state={"enum": ["recording", "not-recorded", "off", "ended"]},
        recording=_FLAG,
        run=_or_null(_RUN_ID),
        reason=_TEXT,
        database=_TEXT,
        behind=_COUNT,
        warning=_or_null(_TEXT),
        first_time=_FLAG,
    ),
    "reproduce": _reply(job=_TEXT),
    "job": _reply(
        state={"enum": ["running", "done", "failed"]},
        phase=_TEXT,
        done=_COUNT,
        total=_COUNT,
        result=_or_null(_VERDICT_DOCUMENT),
        error=_or_null(_TEXT),
    ),
    "error": _reply(error={"type": "string", "minLength": 1}, hint=_TEXT),
}
"""What each route replies; ``error`` is what any of them replies when it can't."""
