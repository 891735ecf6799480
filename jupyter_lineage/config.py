"""The settings: one traitlets configurable, with the same names as environment variables.

A file ``jupyter_lineage_config.py`` (or ``.json``) in Jupyter's configuration folders sets
``c.Lineage.…``; the environment variable ``JUPYTER_LINEAGE_…`` of the same name wins over it.
Reading commands do without this module (traitlets and Jupyter's paths take too long to import);
where things lie is decided in ``jupyter_lineage.probe.places`` for kernels and everybody else.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from traitlets import Bool, Float, Int, TraitError, Unicode
from traitlets.config import Config, Configurable
from traitlets.config.loader import (
    ConfigFileNotFound,
    ConfigLoader,
    JSONFileConfigLoader,
    PyFileConfigLoader,
)

from .errors import InvalidInput
from .probe import places

FILE_NAME = "jupyter_lineage_config"
"""Name of the configuration file, without ``.py`` or ``.json``."""

FOR_KERNELS = ("database", "disable")
"""Settings that a kernel needs before it can read any file: environment variables only."""


class Lineage(Configurable):
    """What a person may choose about recording."""

    database = Unicode(
        help="File of the SQLite database. A kernel reads no configuration file, so this one is "
        "set by the environment variable only: everybody then uses the same database.",
    )
    disable = Bool(
        False,
        help="Record nothing in kernels that start from now on. Set by the environment variable "
        "only, because a kernel reads no configuration file.",
    )
    keep_file_bytes = Int(
        100_000_000,
        min=0,
        help="Bytes of files up to this size are kept; of larger ones the hash alone.",
    ).tag(config=True)
    keep_total_bytes = Int(
        10_000_000_000,
        min=0,
        help="At most so many bytes of files are kept in all; the least valuable go first.",
    ).tag(config=True)
    keep_disk_share = Float(
        0.05,
        min=0.0,
        max=1.0,
        help="At most this share of the free disk is used for kept bytes, if that is less.",
    ).tag(config=True)
    recorder_idle_seconds = Float(
        300.0,
        min=1.0,
        help="The recorder ends by itself after so many seconds without anything to do.",
    ).tag(config=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings in force, and where each comes from."""

    database: Path
    disable: bool
    keep_file_bytes: int
    keep_total_bytes: int
    keep_disk_share: float
    recorder_idle_seconds: float
    sources: dict[str, str] = field(default_factory=dict)
    """By setting: ``default``, the path of a file, or the name of an environment variable."""
    ignored: dict[str, str] = field(default_factory=dict)
    """By setting: the file that sets it in vain, since kernels read no file."""

    @classmethod
    def defaults(cls) -> Settings:
        """Return what is in force where no setting can be read; the two for kernels as they are."""
        return _in_force(Lineage(), {}, {})


def variable_of(name: str) -> str:
    """Return the environment variable that sets ``name``."""
    return places.ENVIRONMENT_PREFIX + name.upper()


def settings() -> Settings:
    """Return the settings in force: environment variables over files over defaults.

    Raises:
        InvalidInput: a file can't be read, or a value is none that the setting takes.
    """
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    ignored: dict[str, str] = {}
    for path in _files():
        for name, value in _load(path).get("Lineage", {}).items():
            if name in FOR_KERNELS:
                ignored[name] = str(path)
            elif name in Lineage.class_trait_names(config=True):
                values[name], sources[name] = value, str(path)
            else:
                raise InvalidInput(
                    f"{path} sets c.Lineage.{name}, which is no setting",
                    hint="docs/reference/settings.md lists them.",
                )
    for name in Lineage.class_trait_names(config=True):
        text = os.environ.get(variable_of(name), "")
        if text:
            values[name], sources[name] = text, variable_of(name)
    chosen = Lineage()
    for name, value in values.items():
        _set(chosen, name, value, source=sources[name])
    return _in_force(chosen, sources, ignored)


def _in_force(chosen: Lineage, sources: dict[str, str], ignored: dict[str, str]) -> Settings:
    names = Lineage.class_trait_names(config=True)
    for_kernels = {
        name: variable_of(name) for name in FOR_KERNELS if os.environ.get(variable_of(name))
    }
    known = {**sources, **for_kernels}
    return Settings(
        database=places.database_path(),
        disable=places.disabled(),
        **{name: getattr(chosen, name) for name in names},
        sources={name: known.get(name, "default") for name in (*FOR_KERNELS, *names)},
        ignored=ignored,
    )


def _set(chosen: Lineage, name: str, value: object, *, source: str) -> None:
    trait = Lineage.class_traits()[name]
    try:
        setattr(chosen, name, trait.from_string(value) if isinstance(value, str) else value)
    except (TraitError, ValueError) as error:
        raise InvalidInput(
            f"{source} sets {name} to {value!r}, which it does not take",
            hint=str(trait.help),
        ) from error


def _files() -> list[Path]:
    """Return the configuration files that exist, the least important first."""
    from jupyter_core.paths import jupyter_config_path

    folders = [Path(folder) for folder in reversed(jupyter_config_path())]
    names = (FILE_NAME + ".py", FILE_NAME + ".json")
    return [path for folder in folders for name in names if (path := folder / name).is_file()]


def _load(path: Path) -> Config:
    kind = PyFileConfigLoader if path.suffix == ".py" else JSONFileConfigLoader
    loader: ConfigLoader = kind(path.name, path=str(path.parent))
    try:
        return loader.load_config()
    except ConfigFileNotFound:
        return Config()
    except (Exception, SystemExit) as error:
        raise InvalidInput(
            f"the configuration file {path} can't be read: {type(error).__name__}: {error}",
            hint="Mend it or move it away.",
        ) from error
