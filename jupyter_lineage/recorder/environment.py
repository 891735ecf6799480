"""A kernel's environment, looked at from outside: its distributions, Python, system, machine.

Names of metadata folders are enough for almost every distribution; only what was not installed
from an index has a ``direct_url.json`` to read. Nothing of the kernel's environment is imported.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import re
from email.parser import HeaderParser
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from ..probe import redact
from .hardware import hardware

_METADATA = re.compile(
    r"^(?P<name>.+?)-(?P<version>[^-]+)(?:-py[\d.]+(?:-.+)?)?\.(?:dist|egg)-info$"
)
_KEPT = ("version", "implementation", "executable", "prefix", "base_prefix", "platform", "hashseed")

Distribution = dict[str, Any]


class Environments:
    """Makes environment documents; remembers what it found in folders that did not change."""

    def __init__(self) -> None:
        self._folders: dict[str, tuple[int, list[Distribution]]] = {}
        self._hardware: dict[str, Any] | None = None

    def document(self, process: dict[str, Any]) -> dict[str, Any]:
        """Return the environment of a kernel.

        Args:
            process: its ``process`` record.
        """
        if self._hardware is None:
            self._hardware = hardware()
        return {
            "python": {name: process.get(name) for name in _KEPT},
            "variables": process.get("variables") or {},
            "distributions": self.distributions(process.get("site_dirs") or []),
            "system": system(),
            "hardware": self._hardware,
        }

    def distributions(self, folders: list[str]) -> list[Distribution]:
        """Return name, version and origin of what is installed, by name; the first found counts."""
        found: dict[str, Distribution] = {}
        for folder in folders:
            for distribution in self._in_folder(folder):
                found.setdefault(normalised(distribution["name"]), distribution)
        return [found[name] for name in sorted(found)]

    def _in_folder(self, folder: str) -> list[Distribution]:
        try:
            stamp = os.stat(folder).st_mtime_ns  # noqa: PTH116 - text in, text out
        except OSError:
            return []
        known = self._folders.get(folder)
        if known is None or known[0] != stamp:
            known = self._folders[folder] = (stamp, list_distributions(folder))
        return known[1]


def normalised(name: str) -> str:
    """Return a distribution's name in the form by which names are compared (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def list_distributions(folder: str) -> list[Distribution]:
    """Return the distributions whose metadata lies in ``folder``."""
    found: list[Distribution] = []
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith((".dist-info", ".egg-info")):
                distribution = _distribution(entry.name, Path(entry.path))
                if distribution is not None:
                    found.append(distribution)
    return found


def _distribution(folder_name: str, path: Path) -> Distribution | None:
    match = _METADATA.match(folder_name)
    if match is not None and folder_name.endswith(".dist-info"):
        # A folder's name has underscores where the distribution's may have dashes.
        known: Distribution = {"name": normalised(match["name"]), "version": match["version"]}
    else:
        read = _from_metadata(path)
        if read is None:
            return None
        known = read
    with contextlib.suppress(OSError, ValueError, AttributeError, TypeError):
        known["origin"] = _origin(json.loads((path / "direct_url.json").read_text()))
    return known


def _from_metadata(path: Path) -> Distribution | None:
    for file in (path, path / "PKG-INFO", path / "METADATA"):
        with contextlib.suppress(OSError):
            headers = HeaderParser().parsestr(file.read_text(errors="replace"))
            if headers["Name"] and headers["Version"]:
                return {"name": normalised(headers["Name"]), "version": headers["Version"]}
    return None


def _origin(direct: dict[str, Any]) -> dict[str, Any]:
    """Return where a distribution came from that no index gave (PEP 610)."""
    origin: dict[str, Any] = {"url": without_credentials(str(direct["url"]))}
    if "vcs_info" in direct:
        origin["vcs"] = direct["vcs_info"]["vcs"]
        origin["commit"] = direct["vcs_info"].get("commit_id")
    if direct.get("dir_info", {}).get("editable"):
        origin["editable"] = True
    hashes = direct.get("archive_info", {}).get("hashes")
    if hashes:
        origin["hashes"] = hashes
    return origin


def without_credentials(url: str) -> str:
    """Return a URL without user name and password, and with secrets in its query masked."""
    try:
        parts = urlsplit(url)
    except ValueError:  # no URL; git takes it all the same
        return redact.mask(url)[0]
    if "@" in parts.netloc:
        url = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    return redact.mask(url)[0]


def system() -> dict[str, Any]:
    """Return the operating system, its C library and, in a container, what hints at that."""
    release: dict[str, str] = {}
    with contextlib.suppress(OSError, AttributeError):
        release = platform.freedesktop_os_release()
    return {
        "system": platform.system(),
        "kernel": platform.release(),
        "distribution": release.get("PRETTY_NAME"),
        "libc": " ".join(platform.libc_ver()).strip() or None,
        "container": _container(),
    }


def _container() -> str | None:
    if Path("/.dockerenv").exists():
        return "docker"
    if Path("/run/.containerenv").exists():
        return "podman"
    if os.environ.get("KUBERNETES_SERVICE_HOST"):
        return "kubernetes"
    return os.environ.get("container") or None  # noqa: SIM112 - systemd writes it so
