"""What a cell showed: collected from the kernel's messages, written when the cell is idle.

The kernel's ``session.send`` is wrapped on its instance; the original runs first and unchanged.
What forked children print comes as whole messages through a pipe and is caught where those go out.
Text that other threads print for a cell after it is idle is no part of its record. Messages of
widgets are not looked at. In plain IPython there are no messages and so no record.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Callable
from typing import Any

from . import redact

TEXT_LIMIT = redact.LIMIT
"""Characters of one output's text."""
TOTAL_LIMIT = 1024 * 1024
"""Characters of all of a cell's texts."""
IMAGE_LIMIT = 2 * 1024 * 1024
"""Characters of one image, as the message carries it."""
_MOST_OUTPUTS = 10_000
_DELIMITER = b"<IDS|MSG>"  # Jupyter's messaging protocol, "The Wire Protocol"
_BINARY = ("image/", "application/pdf", "audio/", "video/")
# An SVG image is a text and is masked.
_BASE64 = (
    "image/png",
    "image/jpeg",
    "image/gif",
    "image/webp",
    "application/pdf",
    "audio/",
    "video/",
)
_KINDS = frozenset(
    ("stream", "display_data", "execute_result", "update_display_data", "error", "clear_output")
)
_OTHERS = ("status", "execute_input", "shutdown_reply")


def canonical(value: Any) -> str:
    """Return the one JSON text of a value: sorted keys, no spaces, ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def _length(value: Any) -> int:
    if isinstance(value, str):
        return len(value)
    return len(canonical(value))


class _Stream:
    """One named stream between two other outputs: its pieces, and a hash of all of them."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.pieces: list[str] = []
        self.size = 0
        self.sha256 = hashlib.sha256()

    def add(self, text: str, *, keep: bool) -> None:
        self.size += len(text)
        self.sha256.update(text.encode("utf-8", "surrogatepass"))
        if keep:
            self.pieces.append(text)


class Collector:
    """Everything that one execution showed so far, within the limits."""

    def __init__(self) -> None:
        self._entries: list[_Stream | dict[str, Any] | None] = []
        """None stands for an output too large to keep; its hash is in ``_digests``."""
        self._digests: list[str] = []
        self._streams: dict[str, _Stream] = {}
        self._displays: dict[str, list[int]] = {}
        self._clear_next = False
        self._size = 0
        self._text = 0
        self.capped = False
        self.error: tuple[str, str] | None = None
        """Name and text of the error that was shown, as the notebook shows it."""

    def add(self, kind: str, content: dict[str, Any]) -> None:
        """Take one message's content."""
        if kind == "clear_output":
            self._clear_next = bool(content.get("wait"))
            if not self._clear_next:
                self._clear()
            return
        if self._clear_next and kind != "update_display_data":
            self._clear()
            self._clear_next = False
        if kind == "stream":
            self._add_stream(str(content.get("name")), str(content.get("text")))
        elif kind == "update_display_data":
            self._update(content)
        else:
            self._streams.clear()
            self._append(_output(kind, content), content)

    def _clear(self) -> None:
        """Forget what was shown, as the screen does; an error stays how the cell ended."""
        self._entries, self._digests = [], []
        self._streams, self._displays = {}, {}
        self._clear_next = self.capped = False
        self._size = self._text = 0

    def _add_stream(self, name: str, text: str) -> None:
        stream = self._streams.get(name)
        if stream is None:
            stream = self._streams[name] = _Stream(name)
            self._keep(stream, "")
        fits = stream.size + len(text) <= TEXT_LIMIT
        self._count(len(text), len(text), fits=fits)
        stream.add(text, keep=not self.capped)

    def _append(self, output: dict[str, Any], content: dict[str, Any]) -> None:
        if output["output_type"] == "error":
            self.error = (str(output["ename"]), str(output["evalue"]))
        identity = (content.get("transient") or {}).get("display_id")
        if identity is not None:
            self._displays.setdefault(str(identity), []).append(len(self._entries))
        kept, digest = self._measured(output)
        self._keep(kept, digest)

    def _keep(self, entry: _Stream | dict[str, Any] | None, digest: str) -> None:
        if len(self._entries) >= _MOST_OUTPUTS:
            self._cap()
            digest = hashlib.sha256((self._digests.pop() + digest).encode()).hexdigest()
            self._digests.append(digest)
            return
        self._entries.append(entry)
        self._digests.append(digest)

    def _update(self, content: dict[str, Any]) -> None:
        identity = str((content.get("transient") or {}).get("display_id"))
        for place in self._displays.get(identity, ()):
            old = self._entries[place]
            if isinstance(old, dict):
                output = {**old, **_mime(content)}
                self._entries[place], self._digests[place] = self._measured(output)

    def _measured(self, output: dict[str, Any]) -> tuple[dict[str, Any] | None, str]:
        """Return the output, or None when it is too large to keep, and its digest."""
        size, text, fits = 0, 0, True
        for name, value in _values(output):
            length = _length(value)
            size += length
            if name.startswith(_BINARY):
                fits &= length <= IMAGE_LIMIT
            else:
                text += length
        self._count(size, text, fits=fits and text <= TEXT_LIMIT)
        digest = hashlib.sha256(canonical(output).encode()).hexdigest()
        return (None if self.capped else output), digest

    def _count(self, size: int, text: int, *, fits: bool) -> None:
        self._size += size
        self._text += text
        if not fits or self._text > TOTAL_LIMIT:
            self._cap()

    def _cap(self) -> None:
        """Nothing of this will be written: let go of everything but the digests."""
        if self.capped:
            return
        self.capped = True
        for place, entry in enumerate(self._entries):
            if isinstance(entry, _Stream):
                entry.pieces.clear()
            else:
                self._entries[place] = None

    def record(self) -> dict[str, Any]:
        """Return the fields of the spool's ``outputs`` record."""
        found: dict[str, Any] = {"size": self._size, "count": len(self._entries), "masked": 0}
        if self.capped:
            return {"outputs": None, "hash": None, "capped_sha256": self._capped_hash(), **found}
        outputs = [
            {"output_type": "stream", "name": entry.name, "text": "".join(entry.pieces)}
            if isinstance(entry, _Stream)
            else entry
            for entry in self._entries
        ]
        masked, found["masked"] = _masked(outputs)
        digest = hashlib.sha256(canonical(masked).encode()).hexdigest()
        return {"outputs": masked, "hash": f"sha256:{digest}", **found}

    def _capped_hash(self) -> str:
        whole = hashlib.sha256()
        for entry, digest in zip(self._entries, self._digests, strict=True):
            if isinstance(entry, _Stream):
                digest = f"{entry.name}:{entry.sha256.hexdigest()}"
            whole.update(f"{digest}\n".encode())
        return whole.hexdigest()


def _mime(content: dict[str, Any]) -> dict[str, Any]:
    return {"data": dict(content.get("data") or {}), "metadata": content.get("metadata") or {}}


def _output(kind: str, content: dict[str, Any]) -> dict[str, Any]:
    """Return the nbformat output of a message, without execution count and transient data."""
    if kind == "error":
        return {
            "output_type": "error",
            "ename": content.get("ename", ""),
            "evalue": content.get("evalue", ""),
            "traceback": list(content.get("traceback") or ()),
        }
    return {"output_type": kind, **_mime(content)}


def _values(output: dict[str, Any]) -> list[tuple[str, Any]]:
    if output["output_type"] == "error":
        return [("text/plain", output["evalue"]), ("text/plain", "\n".join(output["traceback"]))]
    return list(output["data"].items())


def _masked(outputs: list[Any]) -> tuple[list[Any], int]:
    total, masked = 0, []
    secrets = redact.environment_secrets()
    for output in outputs:
        binary = {}
        if "data" in output:
            binary = {k: v for k, v in output["data"].items() if k.startswith(_BASE64)}
            checked = {k: v for k, v in output["data"].items() if k not in binary}
            output = {**output, "data": checked}
        lines, in_lines = output.get("traceback"), 0
        if lines:
            texts = [line if isinstance(line, str) else str(line) for line in lines]
            lines, in_lines = redact.mask_lines(texts, secrets=secrets)
            output = {**output, "traceback": []}
        clean, count = redact.mask_value(output, secrets=secrets)
        if binary:
            clean["data"] = {**clean["data"], **binary}
        if lines:
            clean["traceback"] = lines
        total += count + in_lines
        masked.append(clean)
    return masked, total


class Outputs:
    """Watches the kernel's messages and hands each execution's outputs over when it is idle.

    Args:
        session: the kernel's ``jupyter_client.session.Session``.
        finished: called with the execution's message id and its collector, at the idle message.
        failed: called when watching itself went wrong.
        shutdown: called when the kernel says that it ends, with whether it is started again.
    """

    def __init__(
        self,
        session: Any,
        finished: Callable[[str, Collector], None],
        failed: Callable[[BaseException], None],
        *,
        shutdown: Callable[[bool], None],
    ) -> None:
        self._session = session
        self._finished = finished
        self._failed = failed
        self._shutdown = shutdown
        self._collectors: dict[str, Collector] = {}
        self._counts: dict[str, int] = {}
        # Taken again by the same thread where a __del__ or a signal's handler displays something.
        self._lock = threading.RLock()
        self._pid = os.getpid()
        self._sending = threading.local()
        self._wrapper: Callable[..., Any] | None = None
        self._thread: Any = None
        self._forks: Callable[..., Any] | None = None

    def begin(self, message: str) -> None:
        """Collect what is shown for the request ``message`` from now on."""
        with self._lock:
            self._collectors[message] = Collector()

    def count(self, message: str) -> int | None:
        """Return the execution count that the notebook was told for the request ``message``."""
        return self._counts.get(message)

    def error(self, message: str) -> tuple[str, str] | None:
        """Return name and text of the error that was shown for ``message`` so far."""
        collector = self._collectors.get(message)
        return collector.error if collector is not None else None

    def install(self) -> None:
        """Wrap the session's ``send`` on its instance."""
        original = self._session.send

        def send(stream: Any, msg_or_type: Any, *args: Any, **kwargs: Any) -> Any:
            self._sending.now = True
            try:
                sent = original(stream, msg_or_type, *args, **kwargs)
            finally:
                self._sending.now = False
            try:
                self._look(msg_or_type, args, kwargs)
            except Exception as error:  # noqa: BLE001 - nothing of ours reaches a print()
                self._failed(error)
            return sent

        self._wrapper = send
        self._session.send = send

    def watch_forks(self, thread: Any) -> None:
        """Look at what ``ipykernel``'s publishing thread passes on for forked children."""
        original = getattr(thread, "send_multipart", None)
        if original is None:
            return

        def send_multipart(frames: Any, *args: Any, **kwargs: Any) -> Any:
            sent = original(frames, *args, **kwargs)
            if not getattr(self._sending, "now", False):
                try:
                    self._look_at_frames(frames)
                except Exception as error:  # noqa: BLE001 - nothing of ours reaches a print()
                    self._failed(error)
            return sent

        thread.send_multipart = send_multipart
        self._thread, self._forks = thread, send_multipart

    def uninstall(self) -> None:
        """Take the wrappers off, unless somebody else has wrapped them since."""
        if vars(self._session).get("send") is self._wrapper:
            del self._session.send
        if self._thread is not None and vars(self._thread).get("send_multipart") is self._forks:
            del self._thread.send_multipart

    def _look_at_frames(self, frames: list[Any]) -> None:
        plain = [bytes(getattr(frame, "bytes", frame)) for frame in frames]
        if _DELIMITER not in plain:
            return
        # After the delimiter: signature, header, parent, metadata, content.
        header, parent, _, content = plain[plain.index(_DELIMITER) + 2 :][:4]
        self._look(
            {
                "header": json.loads(header),
                "parent_header": json.loads(parent),
                "content": json.loads(content),
            },
            (),
            {},
        )

    def _look(self, message: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if isinstance(message, dict):
            kind = message["header"]["msg_type"]
            content, parent = message.get("content"), message.get("parent_header")
        else:
            kind = message
            content = args[0] if args else kwargs.get("content")
            parent = args[1] if len(args) > 1 else kwargs.get("parent")
        if kind not in _KINDS and kind not in _OTHERS:
            return
        if os.getpid() != self._pid:
            return  # a forked child's messages go through its parent; its lock may never be free
        # A parent is a whole message or its header alone.
        header = (parent or {}).get("header", parent) or {}
        request = header.get("msg_id")
        if not isinstance(request, str) or not isinstance(content, dict):
            return
        if kind == "shutdown_reply":
            self._shutdown(bool(content.get("restart")))
        elif kind == "execute_input":
            self._counts[request] = content.get("execution_count", 0)
        elif kind != "status":
            with self._lock:
                collector = self._collectors.get(request)
                if collector is not None:
                    collector.add(kind, content)
        elif content.get("execution_state") == "idle":
            with self._lock:
                collector = self._collectors.pop(request, None)
                self._counts.pop(request, None)
            if collector is not None:
                self._finished(request, collector)
