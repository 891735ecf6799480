"""Loads and unloads the probe, and says what has to be said about it.

Whatever fails here, the notebook goes on and nothing is printed into a cell: the reason goes to
``recorder.log`` where that can be written, else once to the terminal.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from . import guard, identity, places, say, track
from .starting import ATTRIBUTE, Start
from .switch import counted

if TYPE_CHECKING:
    from .wiring import Probe

_STARTING = "_jupyter_lineage_start"
_EXTENSION = "jupyter_lineage"
_DISABLED = "JUPYTER_LINEAGE_DISABLE switches it off"


def load(shell: Any) -> Probe | None:
    """Start recording in the kernel of ``shell``; quiet when it can't be done.

    Loading twice is fine: a probe that runs goes on, one that was unloaded takes its run up again.

    Returns:
        What records now; None where recording is switched off or can't be had.
    """
    probe: Probe | None = getattr(shell, ATTRIBUTE, None)
    start: Start | None = getattr(shell, _STARTING, None)
    hand_over: dict[str, Any] = {}
    try:
        if probe is None and start is not None:
            probe = start.now()
            _introduce(probe)
        elif probe is None:
            connection = identity.connection_file(shell)
            hand_over = identity.take_hand_over(connection)
            if places.disabled():
                _guard_alone(hand_over)
                track.register_silent(shell, _DISABLED)
                _say_disabled(shell)
                return None
            start = Start(shell, hand_over, connection)
            setattr(shell, _STARTING, start)
            probe = start.now()
            _introduce(probe)
        elif not probe.running:
            _say_unseen(probe.resume())
    except Exception as error:  # noqa: BLE001 - the notebook comes first
        _guard_alone(hand_over)
        reason = f"{type(error).__name__}: {error}"
        track.register_silent(shell, reason)
        say.once(f"jupyter_lineage is not recording: {reason}")
        if start is not None and isinstance(error, OSError):
            _later(start, error)
        return None
    return probe


def _later(start: Start, error: OSError) -> None:
    try:
        start.later(error)
    except Exception as another:  # noqa: BLE001 - the notebook comes first
        say.once(f"jupyter_lineage won't try again: {type(another).__name__}: {another}")


def unload(shell: Any) -> None:
    """Stop recording in the kernel of ``shell`` and take the hooks out."""
    probe: Probe | None = getattr(shell, ATTRIBUTE, None)
    start: Start | None = getattr(shell, _STARTING, None)
    if probe is None and start is not None:
        start.wait_no_more()
    if probe is None or not probe.running:
        return
    try:
        probe.stop()
        if probe.running:  # a reproduction, in which each cell begins as the original's did
            _before_the_next_cell(shell, shell.extension_manager.loaded.add)
    except Exception as error:  # noqa: BLE001 - the notebook comes first
        say.once(f"jupyter_lineage was not unloaded whole: {type(error).__name__}: {error}")


def _guard_alone(hand_over: dict[str, Any]) -> None:
    """Guard a reproduction that can't be recorded: the originals are safe all the same."""
    folder = hand_over.get("guard")
    if folder and not guard.installed():
        guard.install(str(folder), str(places.spool_root()), None)


def _say_unseen(number: int) -> None:
    if number:
        verb = "is" if number == 1 else "are"
        print(  # noqa: T201 - %load_ext answers in its cell
            "jupyter_lineage records from the next cell on; "
            f"{counted(number)} up to here {verb} unseen."
        )


def _say_disabled(shell: Any) -> None:
    """Say it to a cell that loads us, and have IPython let the next such cell come to us too."""
    if getattr(shell.displayhook, "exec_result", None) is not None:
        print(f"jupyter_lineage records nothing: {_DISABLED}.")  # noqa: T201 - %load_ext answers

    _before_the_next_cell(shell, shell.extension_manager.loaded.discard)


def _before_the_next_cell(shell: Any, change: Callable[[str], object]) -> None:
    """Change which extensions IPython takes for loaded; right now it would not let us."""

    def once(*_: Any) -> None:
        change(_EXTENSION)
        shell.events.unregister("pre_run_cell", once)

    shell.events.register("pre_run_cell", once)


def _introduce(probe: Probe) -> None:
    """Tell the cell that loaded us what it missed, and a new user what is going on."""
    _say_unseen(probe.unseen)
    marker = places.data_folder() / "noticed"
    try:
        os.close(os.open(marker, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError:
        return  # told before, or nowhere to remember it
    say.to_terminal(
        "jupyter_lineage records what notebooks on this account run, read and write into "
        f"{probe.database}, on this disk only. "
        "To turn it off: %track off in a notebook, JUPYTER_LINEAGE_DISABLE=1 for good."
    )
