"""Keep the README true: give out its commands, and compare what they print with what it shows.

``readme.py command NAME`` prints the shell block that follows ``<!-- command: NAME -->``.
``readme.py compare NAME FILE`` compares the lines of the block after ``<!-- output: NAME -->``
with those in FILE: each must appear in FILE, in this order, ids, times and sizes of time aside.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

README = Path(__file__).resolve().parent.parent / "README.md"


def block(kind: str, name: str) -> list[str]:
    """Return the lines of the fenced block after the marker ``<!-- KIND: NAME -->``."""
    lines = README.read_text(encoding="utf-8").splitlines()
    marker = f"<!-- {kind}: {name} -->"
    if marker not in lines:
        sys.exit(f"README.md has no marker {marker}")
    rest = lines[lines.index(marker) + 1 :]
    start = next(i for i, line in enumerate(rest) if line.startswith("```"))
    end = next(i for i, line in enumerate(rest[start + 1 :], start + 1) if line.startswith("```"))
    return rest[start + 1 : end]


def comparable(line: str) -> str:
    """Return a line without what differs from run to run: ids, durations, clock times, folders."""
    line = re.sub(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "ID", line)
    line = re.sub(r"\b[0-9a-f]{8}\b", "ID", line)
    line = re.sub(r"blake3:[0-9a-f]{6,64}…?", "HASH", line)
    line = re.sub(r"\d+(?:\.\d+)? ?(?:s|ms|min)\b", "TIME", line)
    line = re.sub(r"\d+(?:\.\d+)? ?(?:B|kB|MB)\b", "SIZE", line)
    # Whether an import draws a random number depends on what else is installed.
    line = line.replace("not compared: random numbers drawn meanwhile (random)", "")
    line = re.sub(r"\d+ packages\b", "PACKAGES", line)
    line = re.sub(r"\d\d:\d\d(?::\d\d)?", "CLOCK", line)
    line = re.sub(r"(?:~|/)[^\s,]*/(?=[\w.-]+)", "FOLDER/", line)
    return " ".join(line.split())


def compare(name: str, printed: Path) -> int:
    """Return 0 when the README's lines all appear in ``printed`` in order, else 1 and say which."""
    seen = [comparable(line) for line in printed.read_text(encoding="utf-8").splitlines()]
    at = 0
    for line in block("output", name):
        wanted = comparable(line)
        if not wanted or wanted in ("…", "..."):
            continue
        try:
            at = seen.index(wanted, at) + 1
        except ValueError:
            print(f"README.md shows a line that was not printed (in this order): {line!r}")
            print(f"  compared as: {wanted!r}")
            return 1
    print(f"README.md: what it shows of `{name}` is what was printed")
    return 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["command"]:
        print("\n".join(block("command", sys.argv[2])))
    elif sys.argv[1:2] == ["compare"]:
        sys.exit(compare(sys.argv[2], Path(sys.argv[3])))
    else:
        sys.exit(__doc__)
