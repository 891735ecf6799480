"""What the text of cells tells of their dealings with folders, programs and fixed places.

The record says what happened; these say what may happen otherwise in another folder. They look at
text and so take one case too many rather than one too few.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_BY_NAME = r"(?:\.(?:get|setdefault|pop)\(|\[)\s*"
_HOME_VARIABLE = r"[\"'](?:HOME|USERPROFILE)[\"']"
# Libraries take a text that begins with ~/ for the home folder; in an address or a column's name
# neither the sign nor the word is it.
_HOME = re.compile(
    r"expanduser|expandvars|\.home\(|\bpw_dir\b|[\"']~(?:[\w.-]*/|[\"'])"
    rf"|(?:environ{_BY_NAME}|getenv\(\s*){_HOME_VARIABLE}"
)
_SHELL_HOME = re.compile(r"(?:^|[\s=:\"'`(])~[\w.-]*(?:/|[\s;\"'`)]|$)|\$\{?HOME\b", re.MULTILINE)
_ENVIRONMENT = re.compile(rf"\benviron\b(?!{_BY_NAME}[\"'])")
_VARIABLE = re.compile(rf"(?:environ{_BY_NAME}|getenv\(\s*)[\"'](\w+)[\"']")
_SHELL_LINE = re.compile(r"(?m)^\s*(?:[\w, ]+=\s*)?[!%].*$")
_QUOTED = re.compile(r"[\"']([^\"'\n]*)[\"']")
_NOT_FIXED = re.compile(r"[{%*].*", re.DOTALL)
_PROGRAMS = re.compile(
    r"(?m)^\s*(?:\w+\s*=\s*)?!|^\s*%{1,2}(?:bash|sh|script|cmd|sx|system|perl|ruby)\b"
    r"|\bsubprocess\b|\bos\.(?:system|popen|spawn|exec|posix_spawn)|\.(?:system|getoutput)\("
)
_LISTS = re.compile(
    r"\b(?:os\.)?(?:listdir|scandir|walk|fwalk)\(|\.(?:iterdir|r?glob)\(|\b(?:glob\.)?i?glob\("
    r"|(?m:^\s*(?:\w+\s*=\s*)?!\s*(?:ls|find|tree|du)\b)"
)
_ASKS = re.compile(r"\.(?:l?exists|is_?(?:file|dir|link)|getsize|getmtime|stat)\(|\baccess\(")
_LINKS = re.compile(r"symlink|\bln\s+-\w*s")


def starts_programs(source: str) -> bool:
    """Tell whether a cell may start other programs."""
    return _PROGRAMS.search(source) is not None


def lists_folders(source: str) -> bool:
    """Tell whether a cell may look at which files a folder holds.

    >>> lists_folders("names = sorted(os.listdir('data'))")
    True
    """
    return _LISTS.search(source) is not None


def asks_for_files(source: str) -> bool:
    """Tell whether a cell may look at whether a file is there, or at how large or old it is."""
    return _ASKS.search(source) is not None


def makes_links(source: str) -> bool:
    """Tell whether a cell may make symbolic links."""
    return _LINKS.search(source) is not None


def may_name(source: str, folder: str, variables: Mapping[str, str]) -> bool:
    """Tell whether code may hold a folder as a fixed place, whole or to be put together.

    It may when it has the folder or one around it as a text, the folder's steps as single texts,
    the home folder by one of its names, or an environment variable that leads there.

    Args:
        source: the code.
        folder: an absolute path.
        variables: the environment that the code will find.
    """
    if folder in source or _names_home(source):
        return True
    texts = {_NOT_FIXED.sub("", found) for found in _QUOTED.findall(source)}
    texts |= {variables[name] for name in _VARIABLE.findall(source) if name in variables}
    if any(_leads_to(text, folder) for text in texts):
        return True
    first = folder.strip(os.sep).partition(os.sep)[0]
    return os.sep in texts and first in texts


def _names_home(source: str) -> bool:
    if _HOME.search(source) or (
        _ENVIRONMENT.search(source) and re.search(_HOME_VARIABLE, source)  # by another name
    ):
        return True
    whole = starts_programs(source)  # which may be given a line of a shell as a text
    return any(_SHELL_HOME.search(line) for line in ([source] if whole else _shell_lines(source)))


def _shell_lines(source: str) -> list[str]:
    return [source] if source.lstrip().startswith("%%") else _SHELL_LINE.findall(source)


def _leads_to(text: str, folder: str) -> bool:
    """Tell whether a text is an absolute path of a folder or one around it, the root left out."""
    path = os.path.normpath(text) if text.startswith(os.sep) else os.sep
    return path.strip(os.sep) != "" and (folder + os.sep).startswith(path + os.sep)


def looks(number: int, source: str) -> Iterator[str]:
    """Yield what has to be said before a cell that looks around is run in another folder."""
    only = "only what the run read or makes again is there"
    if lists_folders(source):
        yield f"cell {number} may look at which files a folder holds: {only}"
    elif asks_for_files(source):
        yield f"cell {number} may ask whether files are there: {only}"
