"""The database's schema, as ordered steps that are never edited after a release.

Tables hold facts and are only appended to; what changes (status, tags, notes) is the latest row
of ``run_event``. Ids that leave the database are UUIDv7 (16 bytes in ``uid``); joins use integers.
``spool``, ``pending_file``, ``cell_number`` and ``change`` are the recorder's bookkeeping, the only
tables whose rows are updated or deleted. The documented product is the views.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlite_utils import Migrations

from .edges import LAST_PART
from .queries import ID_ENDING

if TYPE_CHECKING:
    from sqlite_utils import Database

migrations = Migrations("jupyter_lineage")

_TABLES = """
CREATE TABLE run (
  id INTEGER PRIMARY KEY,
  uid BLOB NOT NULL UNIQUE CHECK (length(uid) = 16),
  parent_id INTEGER REFERENCES run(id),
  kind TEXT NOT NULL CHECK (kind IN ('session', 'trial', 'tracked', 'script', 'reproduction')),
  name TEXT,
  notebook TEXT,
  notebook_source TEXT,
  kernel_id TEXT,
  cwd TEXT,
  user TEXT,
  user_source TEXT,
  host TEXT,
  started_at TEXT NOT NULL,
  capture_level TEXT NOT NULL CHECK (capture_level IN ('full', 'python-only')),
  process TEXT NOT NULL
) STRICT;
CREATE INDEX run_parent ON run(parent_id);
CREATE INDEX run_notebook ON run(notebook, id);
CREATE INDEX run_kernel ON run(kernel_id, id);

CREATE TABLE run_event (
  id INTEGER PRIMARY KEY,
  run_id INTEGER NOT NULL REFERENCES run(id),
  at TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN
    ('status', 'tag', 'note', 'recording', 'environment', 'code_state')),
  value TEXT NOT NULL
) STRICT;
CREATE INDEX run_event_latest ON run_event(run_id, kind, id);
CREATE INDEX run_event_value ON run_event(kind, value, run_id);

CREATE TABLE source (
  id INTEGER PRIMARY KEY,
  hash TEXT NOT NULL UNIQUE,
  text TEXT NOT NULL
) STRICT;

CREATE TABLE execution (
  id INTEGER PRIMARY KEY,
  uid BLOB NOT NULL UNIQUE CHECK (length(uid) = 16),
  run_id INTEGER NOT NULL REFERENCES run(id),
  number INTEGER NOT NULL,
  execution_count INTEGER,
  cell_id TEXT,
  source_id INTEGER REFERENCES source(id),
  source_size INTEGER NOT NULL,
  source_sha256 TEXT,
  masked INTEGER NOT NULL DEFAULT 0,
  cwd TEXT,
  started_at TEXT NOT NULL,
  UNIQUE (run_id, number)
) STRICT;

CREATE TABLE execution_end (
  execution_id INTEGER PRIMARY KEY REFERENCES execution(id),
  status TEXT NOT NULL CHECK (status IN ('completed', 'failed', 'interrupted', 'died')),
  ended_at TEXT NOT NULL,
  seconds REAL,
  error TEXT,
  names_read TEXT NOT NULL DEFAULT '[]',
  names_written TEXT NOT NULL DEFAULT '[]',
  digests TEXT NOT NULL DEFAULT '{}',
  random TEXT NOT NULL DEFAULT '{}'
) STRICT;

CREATE TABLE execution_output (
  execution_id INTEGER PRIMARY KEY REFERENCES execution(id),
  hash TEXT,
  capped_sha256 TEXT,
  size INTEGER NOT NULL,
  count INTEGER NOT NULL,
  masked INTEGER NOT NULL DEFAULT 0,
  outputs BLOB
) STRICT;

CREATE TABLE file_version (
  id INTEGER PRIMARY KEY,
  hash TEXT NOT NULL UNIQUE,
  size INTEGER NOT NULL
) STRICT;

CREATE TABLE content_event (
  id INTEGER PRIMARY KEY,
  version_id INTEGER NOT NULL REFERENCES file_version(id),
  at TEXT NOT NULL,
  kept INTEGER NOT NULL,
  reason TEXT
) STRICT;
CREATE INDEX content_event_latest ON content_event(version_id, id);

CREATE TABLE location (
  id INTEGER PRIMARY KEY,
  uri TEXT NOT NULL UNIQUE,
  path TEXT NOT NULL
) STRICT;
CREATE INDEX location_path ON location(path);

CREATE TABLE use (
  id INTEGER PRIMARY KEY,
  run_id INTEGER NOT NULL REFERENCES run(id),
  execution_id INTEGER REFERENCES execution(id),
  location_id INTEGER NOT NULL REFERENCES location(id),
  version_id INTEGER REFERENCES file_version(id),
  role TEXT NOT NULL CHECK (role IN ('read', 'write', 'remove')),
  at TEXT NOT NULL,
  ns INTEGER NOT NULL,
  size INTEGER,
  reason TEXT,
  via TEXT NOT NULL,
  absolute INTEGER NOT NULL,
  CHECK (version_id IS NOT NULL OR reason IS NOT NULL)
) STRICT;
CREATE INDEX use_run ON use(run_id, location_id, id);
CREATE INDEX use_location ON use(location_id, role, id);
CREATE INDEX use_version ON use(version_id, role, run_id);

CREATE TABLE run_io (
  run_id INTEGER NOT NULL,
  role TEXT NOT NULL,
  version_id INTEGER NOT NULL,
  PRIMARY KEY (run_id, role, version_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX run_io_reverse ON run_io(version_id, role, run_id);

CREATE TABLE parameter (
  id INTEGER PRIMARY KEY,
  run_id INTEGER NOT NULL REFERENCES run(id),
  execution_id INTEGER REFERENCES execution(id),
  name TEXT NOT NULL,
  value TEXT NOT NULL,
  source TEXT NOT NULL,
  at TEXT NOT NULL
) STRICT;
CREATE INDEX parameter_run ON parameter(run_id, name, id);

CREATE TABLE metric (
  id INTEGER PRIMARY KEY,
  run_id INTEGER NOT NULL REFERENCES run(id),
  execution_id INTEGER REFERENCES execution(id),
  name TEXT NOT NULL,
  value REAL,
  special TEXT CHECK (special IN ('nan', 'inf', '-inf')),
  source TEXT NOT NULL,
  at TEXT NOT NULL,
  CHECK ((value IS NULL) <> (special IS NULL))
) STRICT;
CREATE INDEX metric_run ON metric(run_id, name, id);
CREATE INDEX metric_value ON metric(name, value, run_id);

CREATE TABLE environment (
  id INTEGER PRIMARY KEY,
  hash TEXT NOT NULL UNIQUE,
  document TEXT NOT NULL
) STRICT;

CREATE TABLE code_state (
  id INTEGER PRIMARY KEY,
  hash TEXT NOT NULL UNIQUE,
  document TEXT NOT NULL
) STRICT;

CREATE TABLE gap (
  id INTEGER PRIMARY KEY,
  run_id INTEGER REFERENCES run(id),
  execution_id INTEGER REFERENCES execution(id),
  at TEXT NOT NULL,
  reason TEXT NOT NULL,
  detail TEXT,
  count INTEGER NOT NULL DEFAULT 1
) STRICT;
CREATE INDEX gap_run ON gap(run_id, id);

CREATE TABLE reproduction (
  run_id INTEGER PRIMARY KEY REFERENCES run(id),
  original_id INTEGER NOT NULL REFERENCES run(id),
  at TEXT NOT NULL,
  verdict TEXT NOT NULL,
  document TEXT NOT NULL
) STRICT;
CREATE INDEX reproduction_original ON reproduction(original_id);

CREATE TABLE spool (
  id TEXT PRIMARY KEY,
  folder TEXT NOT NULL,
  run_id INTEGER REFERENCES run(id),
  process TEXT,
  taken INTEGER NOT NULL DEFAULT 0,
  last_n INTEGER NOT NULL DEFAULT 0,
  ended INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX spool_run ON spool(run_id);
CREATE INDEX spool_open ON spool(run_id) WHERE ended = 0;

CREATE TABLE cell_number (
  run_id INTEGER NOT NULL REFERENCES run(id),
  c INTEGER NOT NULL,
  execution_id INTEGER NOT NULL REFERENCES execution(id),
  PRIMARY KEY (run_id, c)
) STRICT, WITHOUT ROWID;

CREATE TABLE pending_file (
  id INTEGER PRIMARY KEY,
  run_id INTEGER NOT NULL REFERENCES run(id),
  execution_id INTEGER REFERENCES execution(id),
  pid INTEGER,
  op TEXT NOT NULL,
  path BLOB NOT NULL,
  path2 BLOB,
  flags INTEGER NOT NULL,
  absolute INTEGER NOT NULL,
  absolute2 INTEGER NOT NULL,
  stat TEXT,
  via TEXT NOT NULL,
  at REAL NOT NULL,
  ns INTEGER NOT NULL,
  version_id INTEGER REFERENCES file_version(id),
  reason TEXT
) STRICT;
CREATE INDEX pending_file_group ON pending_file(run_id, execution_id);
"""


def _uuid(column: str) -> str:
    """Return SQL that shows 16 bytes as a UUID's usual text."""
    parts = ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12))
    pieces = " || '-' || ".join(f"substr(hex({column}), {at}, {size})" for at, size in parts)
    return f"nullif(lower({pieces}), '----')"


_VIEWS = f"""
CREATE VIEW runs AS
SELECT r.id AS run_key, {_uuid("r.uid")} AS id, {_uuid("p.uid")} AS parent_id,
  r.kind, r.name, r.notebook, s.value AS status, r.started_at,
  CASE WHEN s.value = 'running' THEN NULL ELSE s.at END AS ended_at,
  r.user, r.host, r.capture_level, r.cwd, r.kernel_id,
  (SELECT count(*) FROM execution e WHERE e.run_id = r.id) AS executions,
  (SELECT count(*) FROM gap g WHERE g.run_id = r.id) AS gaps
FROM run r
LEFT JOIN run p ON p.id = r.parent_id
LEFT JOIN run_event s ON s.id =
  (SELECT max(x.id) FROM run_event x WHERE x.run_id = r.id AND x.kind = 'status');

CREATE VIEW executions AS
SELECT e.id AS execution_key, e.run_id AS run_key, {_uuid("e.uid")} AS id,
  e.number, e.execution_count, e.cell_id, s.text AS source,
  coalesce(d.status, 'running') AS status, e.started_at, d.ended_at, d.seconds, d.error,
  d.names_read, d.names_written, o.hash AS outputs_hash
FROM execution e
LEFT JOIN source s ON s.id = e.source_id
LEFT JOIN execution_end d ON d.execution_id = e.id
LEFT JOIN execution_output o ON o.execution_id = e.id;

CREATE VIEW files AS
SELECT u.id AS use_key, u.run_id AS run_key, e.number AS execution, l.path, l.uri,
  u.role, v.hash, u.reason, coalesce(v.size, u.size) AS size, u.via, u.at
FROM use u
JOIN location l ON l.id = u.location_id
LEFT JOIN file_version v ON v.id = u.version_id
LEFT JOIN execution e ON e.id = u.execution_id;

CREATE VIEW parameters AS
SELECT run_id AS run_key, name, value, source, max(id) AS parameter_key
FROM parameter GROUP BY run_id, name;

CREATE VIEW metrics AS
SELECT run_id AS run_key, name, value, special, source, max(id) AS metric_key
FROM metric GROUP BY run_id, name;

CREATE VIEW gaps AS
SELECT g.run_id AS run_key, e.number AS execution, g.at, g.reason, g.detail, g.count
FROM gap g LEFT JOIN execution e ON e.id = g.execution_id;

CREATE VIEW reproductions AS
SELECT {_uuid("r.uid")} AS id, {_uuid("o.uid")} AS original_id, x.verdict, x.at
FROM reproduction x JOIN run r ON r.id = x.run_id JOIN run o ON o.id = x.original_id;
"""  # noqa: S608 - only constants of this module


def _script(db: Database, text: str) -> None:
    # executescript() would commit the surrounding transaction; single statements do not.
    for statement in text.split(";\n"):
        if statement.strip().strip(";"):
            db.conn.execute(statement)


@migrations()
def m001_first_schema(db: Database) -> None:
    """Runs, executions, files and their uses, environments, code, gaps, reproductions."""
    _script(db, _TABLES)
    _script(db, _VIEWS)


_SECOND = f"""
ALTER TABLE use ADD COLUMN signature TEXT;
ALTER TABLE spool ADD COLUMN refused INTEGER NOT NULL DEFAULT 0;

CREATE INDEX location_name ON location({LAST_PART});
CREATE INDEX run_ending ON run({ID_ENDING});

CREATE TABLE made_folder (
  id INTEGER PRIMARY KEY,
  run_id INTEGER NOT NULL REFERENCES run(id),
  execution_id INTEGER REFERENCES execution(id),
  location_id INTEGER NOT NULL REFERENCES location(id),
  at TEXT NOT NULL,
  ns INTEGER NOT NULL,
  absolute INTEGER NOT NULL
) STRICT;
CREATE INDEX made_folder_run ON made_folder(run_id, ns);

CREATE TABLE change (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  number INTEGER NOT NULL
) STRICT;
INSERT INTO change (id, number)
SELECT 1, (SELECT count(*) FROM execution_end) + (SELECT count(*) FROM execution_output)
  + (SELECT coalesce(max(id), 0) FROM run_event) + (SELECT coalesce(max(id), 0) FROM use)
  + (SELECT coalesce(max(id), 0) FROM execution) + (SELECT coalesce(max(id), 0) FROM metric)
  + (SELECT coalesce(max(id), 0) FROM parameter) + (SELECT coalesce(max(id), 0) FROM gap)
  + (SELECT count(*) FROM reproduction);
"""  # noqa: S608 - only constants of this module


@migrations()
def m002_signatures_folders_changes(db: Database) -> None:
    """The signature of a version that was met, folders made, names of files, a change number."""
    _script(db, _SECOND)
