"""Every command and option has help, and its place in docs/reference/cli.md."""

from __future__ import annotations

import argparse
from importlib import import_module

import pytest

from jupyter_lineage import __version__, cli

from .conftest import ROOT

PAGE = (ROOT / "docs" / "reference" / "cli.md").read_text("utf-8")


def options(name):
    parser = argparse.ArgumentParser(add_help=False)
    import_module(cli.COMMANDS[name][0], cli.__name__).add_arguments(parser)
    return parser._actions


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_a_command_has_help_and_is_in_the_page(lineage, name):
    reply = lineage(name, "--help")
    assert reply.status == 0
    assert cli.COMMANDS[name][1].lower() in " ".join(reply.out.split()).lower()
    assert f"\n## `{name}" in PAGE


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_each_option_has_help_and_is_in_the_page(name):
    section = PAGE.partition(f"\n## `{name}")[2].partition("\n## ")[0]
    for action in options(name):
        assert action.help, action
        for option in action.option_strings or [str(action.metavar or action.dest)]:
            assert f"`{option}" in section or f" {option}" in section, option


def test_help_lists_the_commands_of_a_normal_day_first(lineage):
    page = lineage("--help").out
    places = [page.index(f"\n    {name}") for name in cli.COMMANDS]
    assert places == sorted(places)
    assert list(cli.COMMANDS)[:4] == ["log", "show", "trace", "reproduce"]


def test_without_a_command_the_help_is_shown(lineage):
    assert lineage().out == lineage("--help").out


def test_the_version_is_told(lineage):
    assert lineage("--version").out.startswith(f"jupyter_lineage {__version__}")
