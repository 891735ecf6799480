from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from jupyter_lineage.recorder.codestate import code_state
from jupyter_lineage.recorder.cycle import Recorder
from jupyter_lineage.recorder.keep import Limits, holds_secret
from jupyter_lineage.store.content import Content, content_folder

from .conftest import Rows
from .fake_kernel import FakeKernel

R, W = os.O_RDONLY, os.O_WRONLY | os.O_CREAT | os.O_TRUNC


def record_read(kernel: FakeKernel, recorder: Recorder, *paths: Path, flags: int = R) -> None:
    execution = kernel.cell()
    for path in paths:
        kernel.opened(execution, path, flags)
    kernel.cell_end(execution)
    recorder.run_once()


def kept(rows: Rows) -> list[tuple[Any, ...]]:
    return rows(
        "SELECT l.path, c.kept, c.reason FROM content_event c JOIN use u USING (version_id)"
        " JOIN location l ON l.id = u.location_id ORDER BY c.id"
    )


def test_bytes_are_kept_once_and_come_back_equal(kernel, recorder, rows, work, database):
    for name in ("a", "b"):
        (work / name).write_bytes(b"the same" * 1000)
    record_read(kernel, recorder, work / "a", work / "b")
    ((content,),) = rows("SELECT hash FROM file_version")
    assert rows("SELECT kept FROM content_event") == [(1,)]
    assert Content(content_folder(database)).read(content) == b"the same" * 1000


@pytest.mark.parametrize(
    ("rule", "is_kept", "reason"),
    [
        ("all", 1, None),
        ("small", 0, "larger than 10 bytes"),
        ("hash-only", 0, "left out by .lineage.toml"),
    ],
)
def test_a_folders_rule_holds_below_it(kernel, database, rows, work, rule, is_kept, reason):
    (work / ".lineage.toml").write_text(f'keep = "{rule}"\n')
    (work / "deep").mkdir()
    (work / "deep" / "file").write_bytes(b"more than ten")
    recorder = Recorder(database, limits=Limits(file_bytes=10))
    record_read(kernel, recorder, work / "deep" / "file")
    recorder.close()
    assert kept(rows) == [(str(work / "deep" / "file"), is_kept, reason)]
    assert rows("SELECT hash IS NOT NULL FROM files") == [(1,)]


def test_nothing_means_not_even_a_hash(kernel, recorder, rows, work):
    (work / ".lineage.toml").write_text('keep = "nothing"\n')
    (work / "file").write_bytes(b"x")
    record_read(kernel, recorder, work / "file")
    assert rows("SELECT hash, reason FROM files") == [(None, "left out by .lineage.toml")]
    assert rows("SELECT * FROM file_version") == []


@pytest.mark.parametrize(
    ("text", "words"), [("\nkeep = = 1\n", "line 2"), ('keep = "some"', "none of all, small")]
)
def test_a_broken_rule_file_is_said_once_and_the_default_holds(
    kernel, recorder, rows, work, text, words
):
    (work / ".lineage.toml").write_text(text)
    (work / "file").write_bytes(b"x")
    record_read(kernel, recorder, work / "file")
    record_read(kernel, recorder, work / "file")
    ((reason, detail),) = rows("SELECT reason, detail FROM gap")
    assert reason == f"{work / '.lineage.toml'} can't be used"
    assert words in detail
    assert {row[1] for row in kept(rows)} == {1}


def test_a_text_with_a_secret_keeps_its_hash_only(kernel, recorder, rows, work):
    secret = "ghp_" + "0123456789abcdefghijABCDEFGHIJ012345"
    (work / "far.txt").write_text("x" * 300_000 + f"\ntoken = '{secret}'\n")
    record_read(kernel, recorder, work / "far.txt")
    assert [row[1:] for row in kept(rows)] == [(0, "holds a secret")]


def test_of_a_credential_file_only_the_place_is_recorded(kernel, recorder, rows, work):
    (work / ".env").write_text("A=b")
    record_read(kernel, recorder, work / ".env")
    assert rows("SELECT path, hash, reason FROM files") == [
        (str(work / ".env"), None, "holds credentials")
    ]


def test_what_a_run_made_goes_before_what_it_only_read(kernel, database, rows, work):
    for name in ("made", "read", "new"):
        (work / name).write_bytes(os.urandom(1000))
    recorder = Recorder(database, limits=Limits(total_bytes=2500))
    record_read(kernel, recorder, work / "read")
    record_read(kernel, recorder, work / "made", flags=W)
    record_read(kernel, recorder, work / "new")
    recorder.close()
    assert [row for row in kept(rows) if not row[1]] == [
        (str(work / "made"), 0, "made room for newer files")
    ]
    assert Content(content_folder(database)).total_bytes() == 2002


def test_what_does_not_fit_at_all_is_not_kept(kernel, database, rows, work):
    (work / "file").write_bytes(b"x" * 1000)
    recorder = Recorder(database, limits=Limits(total_bytes=500))
    record_read(kernel, recorder, work / "file")
    recorder.close()
    assert [row[1:] for row in kept(rows)] == [(0, "no room for it")]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.yaml", b"db:\n  password: Hunter22xyz\n"),
        ("a.yaml", b"  - token: abc123def  # mine\r\n"),
        ("a.ini", b"[db]\npassword = Hunter22xyz\n"),
        ("credentials", b"[default]\naws_secret_access_key = abc/DEF+123456\n"),
        ("a.properties", b"spring.datasource.password=Hunter22xyz"),
        ("a.txt", b"Server=db;Password=Hunter22xyz;Encrypt=yes"),
        ("a.py", b"c = 'Server=db;Pwd=Hunter22xyz;'"),
        ("a.py", b"get('https://h/x?access_token=abc123def')"),
        ("a.sh", b'pwd="Hunter22xyz"\n'),
        ("a.py", b'password = """Hunter22xyz"""\n'),
        ("latin.py", b"# caf\xe9\npassword = 'Hunter22xyz'\n"),
        ("far.txt", b"x" * 9000 + b"\0\npassword: Hunter22xyz\n"),
    ],
)
def test_a_secret_as_configuration_writes_it_is_found(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    assert holds_secret(os.fsencode(path), len(content))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.py", b"password = get_password\npwd: str\ntoken = settings.token\n"),
        ("a.js", b"const a=1;password=getPassword;pwd = b;\n"),
        ("a.yaml", b"password: ${PASSWORD}\ntoken: !vault abc123\nsecret: required\n"),
        ("a.yaml", b"password_file: /run/secrets/a\npassword: /run/secrets/a\nkey: abcdef1\n"),
        ("a.ini", b'eos_token = abc123def\nmax_token: 1000000\nPWD="/home/me"\n'),
        ("a.txt", b"The password: it was changed on Monday.\nToken: see below, please\n"),
        ("a.csv", b"name,token\nada,word\n"),
        ("a.bin", b"\0password: Hunter22xyz\n"),
    ],
)
def test_ordinary_files_hold_no_secret(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    assert not holds_secret(os.fsencode(path), len(content))


@pytest.mark.parametrize(
    ("remote", "kept_remote"),
    [
        (
            "https://h.org/x.git?private_token=abc123def",
            "https://h.org/x.git?private_token=[redacted:query]",
        ),
        ("https://[bad/x.git", "https://[bad/x.git"),
        ("https://a:abc123def@[bad/x.git", "https://a:[redacted:url-password]@[bad/x.git"),
    ],
)
def test_a_remote_and_a_branch_are_kept_without_secrets(tmp_path, remote, kept_remote):
    token = "ghp_" + "a1" * 18
    for command in (["init", "-q", "-b", f"try/{token}"], ["config", "remote.origin.url", remote]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    git = code_state(str(tmp_path))["git"]
    assert (git["remote"], git["branch"]) == (kept_remote, "try/[redacted:github-token]")


@pytest.mark.parametrize(
    "piece", ["password", "token: ", "a.", "pwd='", ";pwd=", " - ", "token=a "]
)
def test_hostile_files_are_looked_at_in_bounded_steps(tmp_path, piece):
    path = tmp_path / "a.txt"
    path.write_text(piece * (1_000_000 // len(piece)))
    assert not holds_secret(os.fsencode(path), path.stat().st_size)
