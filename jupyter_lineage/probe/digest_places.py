"""The places of a run that stand in its values: its working folder and temporary names.

A repetition runs in a folder of its own, so what it makes of that folder's path is another text.
Such a value gets a second digest, in which marks stand for these; see :mod:`.digest`.
"""

from __future__ import annotations

import os
import re
import sys
from functools import lru_cache

FOLDER = "the run's folder"
TEMPORARY = "temporary names"
Texts = list[str] | tuple[str, ...]
_TMP = "/tmp"  # noqa: S108 - how a temporary name begins
_TMP_BYTES = _TMP.encode()

# As the rule of the same name for outputs: what tempfile makes, below the folder for such files.
_RANDOM = r"(?=[0-9]*[a-z_])[a-z0-9_]{8}"
_SYSTEM = r"/(?:private/)?(?:var/)?tmp|/(?:private/)?var/folders/\w+/\w+/T"
_NAME = rf"(?:/jupyter-lineage-{_RANDOM})*/tmp{_RANDOM}(?![a-z0-9_])"


class Places:
    """Finds a run's places in texts and, when told to, puts marks where they stand.

    Args:
        folder: the working folder that the run began in, None where there is none.
        marking: whether to put marks or only to notice that there may be something.
    """

    def __init__(self, folder: str | None, *, marking: bool = False) -> None:
        self._folder, self._bytes = _needles(folder)
        self.marking = marking
        self.suspected = False
        """Whether a text may hold something to put a mark for."""
        self.marked: set[str] = set()
        """What marks were put for, in words."""

    def of_text(self, text: str) -> str:
        """Return a text as it is to be hashed."""
        if _TMP not in text and (self._folder is None or self._folder not in text):
            return text
        if not self.marking:
            self.suspected = True
            return text
        if self._folder is not None:
            text = self._mark(text, _inside(self._folder), FOLDER)
        return self._mark(text, _temporary(_temporary_folder()), TEMPORARY)

    def of_texts(self, texts: Texts) -> Texts:
        """Return texts as they are to be hashed."""
        return list(map(self.of_text, texts)) if self.marking else texts

    def look(self, texts: str | bytes) -> None:
        """Look at many texts at once, joined or marshalled, where no marks are put."""
        if self.marking:
            return
        if isinstance(texts, str):
            self.of_text(texts)
        elif _TMP_BYTES in texts or self._bytes in texts:
            self.suspected = True

    def _mark(self, text: str, pattern: re.Pattern[str], what: str) -> str:
        marked = pattern.sub(f"\0{what}\0", text)
        if marked != text:
            self.marked.add(what)
        return marked


@lru_cache(maxsize=8)
def _needles(folder: str | None) -> tuple[str | None, bytes]:
    """Return what to look for in texts and in marshalled ones; a root of all is no place."""
    text = (folder or "").rstrip(os.sep)
    found = text if len(text) > 1 else None
    return found, (found or _TMP).encode("utf-8", "surrogatepass")


@lru_cache(maxsize=8)
def _inside(folder: str) -> re.Pattern[str]:
    return re.compile(rf"{re.escape(folder)}(?![\w-])(?!{_NAME})")


@lru_cache(maxsize=8)
def _temporary(folder: str) -> re.Pattern[str]:
    own = f"|{re.escape(folder)}" if folder else ""
    return re.compile(rf"(?<![\w/.~-])(?:{_SYSTEM}{own}){_NAME}")


def _temporary_folder() -> str:
    """Return the folder that ``tempfile`` found, where it is loaded and has looked for one."""
    module = sys.modules.get("tempfile")
    found = getattr(module, "tempdir", None)
    return found.rstrip(os.sep) if type(found) is str else ""
