"""The content store: the bytes of file versions, found by their hash.

Objects lie in ``<database>.content/ab/cdef….zst``: one byte that tells the format (1: zstd,
2: as they are), then the bytes. An object appears whole or not at all (temporary file, rename)
and is never a hard link to a user's file, which could be written later. Only the user may read it.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING

from ..errors import NotFound, StoreError
from ..ids import HASH_PREFIX
from ..probe.regular import open_regular

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PIECE = 1024 * 1024
_SAMPLE = 64 * 1024
_ZSTD = b"\x01"
_PLAIN = b"\x02"
_LEVEL = 3
_UNFINISHED = "new-"
_DIGITS = frozenset("0123456789abcdef")
_ABANDONED_SECONDS = 3600


def content_folder(database: Path) -> Path:
    """Return where the bytes kept for ``database`` lie; it need not exist."""
    return database.with_name(database.name + ".content")


class Content:
    """Keeps and gives bytes by their hash.

    Args:
        folder: as :func:`content_folder` gives it; made at the first write.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path_of(self, content: str) -> Path:
        """Return where the object of a hash lies or would lie."""
        return Path(self._place(content))

    def _place(self, content: str) -> str:
        # As text: asked several times for each of thousands of files.
        digits = content.removeprefix(HASH_PREFIX)
        if len(digits) != 64 or not _DIGITS.issuperset(digits):
            raise NotFound(f"{content!r} is no content hash")
        return f"{self.folder}{os.sep}{digits[:2]}{os.sep}{digits[2:]}.zst"

    def has(self, content: str) -> bool:
        """Tell whether the bytes of a hash are kept."""
        return os.path.exists(self._place(content))  # noqa: PTH110

    def stored_bytes(self, content: str) -> int:
        """Return what an object takes on disk in bytes, 0 when it is not kept."""
        try:
            return os.stat(self._place(content)).st_size  # noqa: PTH116
        except FileNotFoundError:
            return 0

    def total_bytes(self) -> int:
        """Return what all objects take on disk in bytes."""
        return sum(entry.stat().st_size for entry in self.folder.glob("??/*.zst"))

    def put_bytes(self, data: bytes, content: str) -> None:
        """Keep bytes whose hash is ``content``.

        Raises:
            StoreError: the bytes have another hash.
            OSError: the disk does not take them.
        """
        self._put((data[at : at + PIECE] for at in range(0, len(data), PIECE)), content)

    def put_file(
        self, path: Path, content: str, *, between: Callable[[], object] = lambda: None
    ) -> None:
        """Keep the bytes of a file whose hash is ``content``; nothing when they are kept already.

        Args:
            path: the file.
            content: its hash.
            between: called between pieces of 1 MiB.

        Raises:
            StoreError: the file has another content by now.
            OSError: it can't be read, or the disk does not take it.
        """

        def pieces() -> Iterator[bytes]:
            with open_regular(path) as stream:
                while piece := stream.read(PIECE):
                    yield piece
                    between()

        if not self.has(content):
            self._put(pieces(), content)

    def _put(self, pieces: Iterator[bytes], content: str) -> None:
        from blake3 import blake3

        target = self._place(content)
        hasher = blake3()
        descriptor, name = self._new_file()
        try:
            with os.fdopen(descriptor, "wb") as out:
                _write(pieces, out, hasher.update)
            if HASH_PREFIX + hasher.hexdigest() != content:
                raise StoreError(f"the bytes are not those of {content}: they changed meanwhile")
            _move(name, target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    def _new_file(self) -> tuple[int, str]:
        """Return a descriptor and the name of a new file in the folder, which is made if missing.

        Folders are made only when they turn out to be missing: most files find them there.
        """
        try:
            return tempfile.mkstemp(dir=self.folder, prefix=_UNFINISHED)
        except FileNotFoundError:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.folder.chmod(0o700)
            return tempfile.mkstemp(dir=self.folder, prefix=_UNFINISHED)

    def sweep(self) -> None:
        """Remove what writers that were killed have left: unfinished objects older than an hour."""
        oldest = time.time() - _ABANDONED_SECONDS
        for path in self.folder.glob(f"{_UNFINISHED}*"):
            with contextlib.suppress(OSError):
                if path.lstat().st_mtime < oldest:
                    path.unlink()

    def remove(self, content: str) -> None:
        """Remove the bytes of a hash; nothing when they are not there."""
        self.path_of(content).unlink(missing_ok=True)

    @contextlib.contextmanager
    def open(self, content: str) -> Iterator[IO[bytes]]:
        """Open the bytes of a hash for reading; whoever reads to the end knows they are right.

        Raises:
            NotFound: they are not kept.
            StoreError: on leaving the block: the object is damaged.
        """
        with self._raw(content) as stream:
            yield stream

    def read(self, content: str) -> bytes:
        """Return the bytes of a hash, checked against it.

        Raises:
            NotFound: they are not kept.
            StoreError: the object is damaged.
        """
        with self._raw(content) as stream:
            return stream.read()

    def copy_to(self, content: str, target: Path) -> None:
        """Write the bytes of a hash to a new file, checked; a damaged object leaves none there.

        Raises:
            NotFound: they are not kept.
            StoreError: the object is damaged.
            OSError: ``target`` can't be written.
        """
        try:
            with self._raw(content) as stream, target.open("xb") as out:
                while piece := stream.read(PIECE):
                    out.write(piece)
        except StoreError:
            target.unlink(missing_ok=True)
            raise

    @contextlib.contextmanager
    def _raw(self, content: str) -> Iterator[IO[bytes]]:
        from zstandard import ZstdDecompressor, ZstdError

        path = self.path_of(content)
        try:
            file = path.open("rb")
        except FileNotFoundError as error:
            raise NotFound(f"the bytes of {content} are not kept") from error
        with file:
            kind = file.read(1)
            if kind not in (_ZSTD, _PLAIN):
                raise _damaged(path, content)
            source = ZstdDecompressor().stream_reader(file) if kind == _ZSTD else file
            checked = _Checked(source)
            try:
                yield checked  # type: ignore[misc]
                # What was not read is read here: only the whole has a hash.
                while checked.read(PIECE):
                    pass
            except ZstdError as error:
                raise _damaged(path, content) from error
            if checked.content() != content:
                raise _damaged(path, content)


def _move(name: str, target: str) -> None:
    try:
        os.replace(name, target)  # noqa: PTH105 - the name is text
    except FileNotFoundError:
        Path(target).parent.mkdir(mode=0o700, exist_ok=True)
        os.replace(name, target)  # noqa: PTH105


def _damaged(path: Path, content: str) -> StoreError:
    return StoreError(
        f"the kept bytes of {content} are damaged ({path})",
        hint="Remove that file; the next recording of the same content keeps it again.",
    )


class _Checked:
    """Reads through to another stream and hashes what passes."""

    def __init__(self, source: IO[bytes]) -> None:
        from blake3 import blake3

        self._source = source
        self._hasher = blake3()

    def read(self, size: int = -1) -> bytes:
        data = self._source.read(size) if size >= 0 else b"".join(iter(self._piece, b""))
        if size >= 0:
            self._hasher.update(data)
        return data

    def _piece(self) -> bytes:
        return self.read(PIECE)

    def content(self) -> str:
        return HASH_PREFIX + str(self._hasher.hexdigest())


def _write(pieces: Iterator[bytes], out: IO[bytes], update: Callable[[bytes], object]) -> None:
    from zstandard import ZstdCompressor

    compressor = ZstdCompressor(level=_LEVEL)
    first = next(pieces, b"")
    update(first)
    sample = first[:_SAMPLE]
    packed = compressor.compress(sample)
    is_packed = len(packed) < len(sample)
    out.write(_ZSTD if is_packed else _PLAIN)
    if len(first) < PIECE and len(sample) == len(first):
        out.write(packed if is_packed else first)  # a small file: that was all
        return
    packing = compressor.compressobj() if is_packed else None
    out.write(first if packing is None else packing.compress(first))
    for piece in pieces:
        update(piece)
        out.write(piece if packing is None else packing.compress(piece))
    if packing is not None:
        out.write(packing.flush())
