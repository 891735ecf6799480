"""Which files' bytes are kept: the rules of ``.lineage.toml``, sizes, secrets, the room there is.

A ``.lineage.toml`` holds for its folder and all below it, up to the next one; it says
``keep = "all"``, ``"small"`` (the default), ``"hash-only"`` or ``"nothing"``.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import NotFound, StoreError
from ..ids import HASH_PREFIX
from ..probe import redact
from ..probe.regular import open_regular
from ..store.content import PIECE

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..store.bookkeeping import Bookkeeping
    from ..store.content import Content
    from .hashing import Hashed

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

RULES = "all", "small", "hash-only", "nothing"
FILE_NAME = ".lineage.toml"
LEFT_OUT = f"left out by {FILE_NAME}"
_RULES_LIMIT = 64 * 1024
_TEXT_LIMIT = 5_000_000
_OVERLAP = 4096
_PIECE = redact.LIMIT - _OVERLAP
_BINARY_CHECKED = 8192
_SOURCE = re.compile(
    r"\.(?:py[ix]?|ipynb|r|rmd|jl|[mc]?[jt]sx?|java|scala|kt|go|rs|c|h|cc|cpp|hpp|cs|rb|php|pl|swift"
    r"|m|sql|html?|css)",
    re.IGNORECASE,
)
_NAME = r"pass(?:word|wd|phrase)|pwd|(?:secret|api|access|private|account)_?key|secret|token"
_TELLING_WORDS = ("pass", "pwd", "key", "secret", "token")
# A line of YAML, INI, TOML, .properties or of a shell's exports.
_SETTING = re.compile(
    r"^[ \t]{0,64}(?:(?:export|set|ENV|ARG|[-+])[ \t]{1,8})?[\"']?(?P<name>[\w.-]{0,64}?(?:"
    + _NAME
    + r"))[\"']?[ \t]{0,16}[:=][ \t]{0,16}(?P<value>[^\s\"'(){}\[\]<>$,;#]{6,1024})"
    r"(?=[ \t]{0,64}(?:[\r\n#;,]|\Z))",
    re.MULTILINE | re.IGNORECASE,
)
# Server=…;Password=…;
_CONNECTION = re.compile(
    r"[;\"'][ \t]{0,8}(?P<name>(?:shared)?(?:"
    + _NAME
    + r"))=(?P<value>[^;\s\"'(){}\[\]<>$]{6,1024})(?=[;\"'\s]|\Z)",
    re.IGNORECASE,
)
_QUOTED = re.compile(
    r"\b(?P<name>pwd)[\"']?\s{0,8}[:=]\s{0,8}([\"'])(?P<value>[^\"'\s]{6,1024})\2",
    re.IGNORECASE,
)
_NO_SECRET = re.compile(
    r"[/~.$%!*&|].*|(?:required|optional|string|password|passphrase|secret|hidden|undefined|default"
    r"|example|disabled|enabled|changeme|expired|invalid|missing|unknown)[.]*",
    re.IGNORECASE,
)
_CREDENTIALS = re.compile(
    r"/\.(?:ssh|gnupg|aws|azure|kube|docker)/|/\.config/gcloud/"
    r"|/\.(?:netrc|pgpass|pypirc|git-credentials|npmrc|my\.cnf)$|/kaggle\.json$"
    r"|/\.env(?:\.[\w-]+)?$|/id_(?:rsa|dsa|ecdsa|ed25519)$|\.(?:pem|key|p12|pfx|keystore)$"
)


class Limits(NamedTuple):
    """How much is kept: bytes of one file, bytes in all, at most this share of the free disk."""

    file_bytes: int = 100_000_000
    total_bytes: int = 10_000_000_000
    disk_share: float = 0.05


class Rules:
    """Finds the rule for a file.

    Args:
        broken: told a path and what is wrong with it, for each file that can't be used.
    """

    def __init__(self, broken: Callable[[Path, str], None]) -> None:
        self._broken = broken
        self._files: dict[Path, tuple[tuple[int, int], str | None]] = {}
        self._folders: dict[str, str] = {}

    def look_again(self) -> None:
        """Have the files looked at anew: until the next call they are taken as they are then."""
        self._folders.clear()

    def rule_for(self, path: bytes) -> str:
        """Return the rule for a file: that of the nearest ``.lineage.toml`` above it.

        Searched up to the home folder for what lies in it, else up to the root.
        """
        name = os.fsdecode(path)
        if _CREDENTIALS.search(name):
            return "nothing"
        folder = os.path.dirname(name)  # noqa: PTH120 - asked for each of thousands of files
        rule = self._folders.get(folder)
        if rule is None:
            rule = self._folders[folder] = self._rule_in(Path(folder))
        return rule

    def _rule_in(self, first: Path) -> str:
        home = Path.home()
        for folder in (first, *first.parents):
            rule = self._of(folder / FILE_NAME)
            if rule is not None:
                return rule
            if folder == home:
                break
        return "small"

    def reason_for(self, path: bytes) -> str:
        """Return the words for a file of which not even the hash is recorded."""
        return "holds credentials" if _CREDENTIALS.search(os.fsdecode(path)) else LEFT_OUT

    def _of(self, path: Path) -> str | None:
        try:
            status = path.stat()
        except OSError:
            return None
        stamp = (status.st_mtime_ns, status.st_size)
        known = self._files.get(path)
        if known is None or known[0] != stamp:
            known = self._files[path] = (stamp, self._read(path))
        return known[1]

    def _read(self, path: Path) -> str | None:
        try:
            with open_regular(path) as stream:
                data = stream.read(_RULES_LIMIT + 1)
            if len(data) > _RULES_LIMIT:
                raise ValueError(f"larger than {_RULES_LIMIT} bytes")
            rule: Any = tomllib.loads(data.decode()).get("keep", "small")
        except (OSError, ValueError, RecursionError) as error:
            # tomllib's message ends with "(at line 1, column 8)".
            self._broken(path, str(error))
            return None
        if rule not in RULES:
            self._broken(path, f"keep = {rule!r} is none of {', '.join(RULES)}")
            return None
        return str(rule)


class Keeper:
    """Puts bytes into the content store as far as rules and room allow.

    Args:
        content: the store.
        limits: how much.
        between: called between pieces of a large file.
    """

    def __init__(
        self, content: Content, limits: Limits, between: Callable[[], object] = lambda: None
    ) -> None:
        self._content = content
        self._limits = limits
        self._between = between
        self._total: int | None = None

    def keep(self, path: bytes, found: Hashed, *, rule: str) -> str | None:
        """Keep a file's bytes; return None when they are kept, else why not.

        Args:
            path: the file.
            found: its hash and size, and the bytes themselves where they were held.
            rule: of :data:`RULES`, not ``nothing``.
        """
        content, size = found.content, found.size
        if content is None or size is None:
            return found.reason
        if self._content.has(content):
            return None
        if rule == "hash-only":
            return LEFT_OUT
        if rule == "small" and size > self._limits.file_bytes:
            return f"larger than {self._limits.file_bytes} bytes"
        if size > self.room():
            return "no room for it"
        try:
            if holds_secret(path, size, found.data):
                return "holds a secret"
            if found.data is not None:
                self._content.put_bytes(found.data, content)
            else:
                self._content.put_file(Path(os.fsdecode(path)), content, between=self._between)
        except StoreError:
            return "changed before it could be kept"
        except OSError as error:
            return f"not kept: {error.strerror}"
        self._total = self.total() + self._content.stored_bytes(content)
        return None

    def hash_of_start(self, content: str, size: int) -> str | None:
        """Return the hash of the first ``size`` bytes of what is kept, None where it is not."""
        from blake3 import blake3

        hasher = blake3()
        try:
            with self._content.open(content) as stream:
                while size and (piece := stream.read(min(size, PIECE))):
                    hasher.update(piece)
                    size -= len(piece)
                    self._between()
        except (NotFound, StoreError, OSError):
            return None
        return HASH_PREFIX + str(hasher.hexdigest())

    def total(self) -> int:
        """Return how many bytes on disk all kept bytes take."""
        if self._total is None:
            self._total = self._content.total_bytes()
        return self._total

    def room(self) -> int:
        """Return how many bytes may be kept in all."""
        folder = self._content.folder
        while not folder.exists():
            folder = folder.parent
        free = shutil.disk_usage(folder).free + self.total()
        return min(self._limits.total_bytes, int(free * self._limits.disk_share))

    def surplus(self, books: Bookkeeping) -> list[tuple[int, str]]:
        """Return (version, hash) of what has to go so that the rest fits, least valuable first."""
        over = self.total() - self.room()
        chosen: list[tuple[int, str]] = []
        if over <= 0:
            return chosen
        for version, content in books.least_valuable():
            if over <= 0:
                break
            over -= self._content.stored_bytes(content)
            chosen.append((version, content))
        return chosen

    def forget(self, content: str) -> None:
        """Remove kept bytes."""
        self._total = self.total() - self._content.stored_bytes(content)
        self._content.remove(content)


def holds_secret(path: bytes, size: int, data: bytes | None = None) -> bool:
    """Tell whether a text file of up to 5 MB has something in it that masking would replace.

    Args:
        path: the file.
        size: in bytes.
        data: what it holds, where that was read already.

    Raises:
        OSError: it can't be read.
    """
    if size > _TEXT_LIMIT:
        return False
    if data is None:
        with open_regular(path) as stream:
            data = stream.read(_TEXT_LIMIT + 1)
    if b"\0" in data[:_BINARY_CHECKED]:
        return False
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    setting = not _SOURCE.fullmatch(Path(os.fsdecode(path)).suffix)
    for at in range(0, len(text), _PIECE):
        piece = text[at : at + redact.LIMIT]
        if redact.mask(piece)[1] or _in_configuration(piece, setting=setting):
            return True
    return False


def _in_configuration(text: str, *, setting: bool) -> bool:
    """Tell whether a secret stands in a text the way configuration files write it.

    Args:
        text: at most :data:`redact.LIMIT` characters.
        setting: whether values without quotes count; in a source those are expressions.
    """
    lower = text.lower()
    if not any(word in lower for word in _TELLING_WORDS):
        return False
    if any(_is_secret(match) for match in _QUOTED.finditer(text)):
        return True
    for match in _CONNECTION.finditer(text):
        # In a source ;password=name; may be a statement.
        if _is_secret(match) and (setting or any(map(str.isdigit, match["value"]))):
            return True
    return setting and any(_is_secret(match) for match in _SETTING.finditer(text))


def _is_secret(match: re.Match[str]) -> bool:
    return redact.is_telling_name(match["name"]) and not _NO_SECRET.fullmatch(match["value"])
