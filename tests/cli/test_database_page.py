"""docs/reference/database.md lists every view with every column, and its examples run."""

from __future__ import annotations

import re

import pytest

from .conftest import ROOT

PAGE = (ROOT / "docs" / "reference" / "database.md").read_text("utf-8")


def test_every_view_and_column_is_in_the_page(store):
    views = store.connection.execute("SELECT name FROM sqlite_master WHERE type = 'view'")
    for (view,) in views.fetchall():
        section = PAGE.partition(f"\n## `{view}`\n")[2].partition("\n## ")[0]
        assert section, view
        for column in store.connection.execute(f"SELECT name FROM pragma_table_info('{view}')"):
            assert f"`{column[0]}`" in section, (view, column[0])


@pytest.mark.parametrize("query", re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL))
def test_each_example_answers_something(history, store, query):
    assert store.connection.execute(query).fetchall()
