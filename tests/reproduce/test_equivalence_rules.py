"""A rule removes what its producer made up, and nothing that looks like it."""

from __future__ import annotations

import io
import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from jupyter_lineage.reproduce.equivalence import same_text

NOWHERE = ("", "")
MADE_UP = st.text(string.ascii_lowercase + string.digits + "_", min_size=8, max_size=8).filter(
    lambda name: not name.isdigit()
)
DATES = st.dates().map(lambda day: day.strftime("%Y%m%d"))
TEMPORARY = st.sampled_from(["/tmp", "/var/tmp", "/private/var/folders/zz/a1_b2/T"])
OTHER = st.sampled_from(["/data", "/home/ada/tmp", "/srv/T", "tmp", "./tmp", "/tmpfiles"])
IDS = st.uuids().map(str)


@given(TEMPORARY, TEMPORARY, MADE_UP, MADE_UP, st.sampled_from(["", "/a.csv", "'"]))
def test_names_that_tempfile_makes_are_no_difference(first, second, one, other, rest):
    texts = (f"in {first}/tmp{one}{rest}", f"in {second}/tmp{other}{rest}")
    assert same_text(*texts, "stream", NOWHERE) is not None


@given(MADE_UP, MADE_UP, MADE_UP)
def test_a_reproductions_own_temporary_folders_are_no_difference(one, other, own):
    now = f"/tmp/jupyter-lineage-{own}/jupyter-lineage-{one}/tmp{other}/x"
    assert same_text(f"/tmp/tmp{one}/x", now, "stream", NOWHERE) is not None


@given(OTHER, MADE_UP, MADE_UP)
def test_such_a_name_elsewhere_is_a_difference(folder, one, other):
    assume(one != other)
    assert same_text(f"{folder}/tmp{one}", f"{folder}/tmp{other}", "stream", NOWHERE) is None


@given(TEMPORARY, DATES, DATES)
def test_a_date_in_a_name_is_a_difference(folder, one, other):
    assume(one != other)
    assert same_text(f"{folder}/tmp{one}", f"{folder}/tmp{other}", "stream", NOWHERE) is None


@given(TEMPORARY, MADE_UP, st.sampled_from(["1", "ab", "_x"]))
def test_a_longer_or_shorter_name_is_a_difference(folder, name, more):
    texts = (f"{folder}/tmp{name}{more}1", f"{folder}/tmp{name}{more}2")
    assert same_text(*texts, "stream", NOWHERE) is None
    assert same_text(f"{folder}/tmpa1", f"{folder}/tmpa2", "stream", NOWHERE) is None


FIGURE = '<div id="{0}" class="plotly-graph-div"></div><script>newPlot("{0}", [1])</script>'


@given(IDS, IDS)
def test_an_elements_id_is_no_difference_wherever_it_is_used(one, other):
    assume(one != other)
    texts = FIGURE.format(one), FIGURE.format(other)
    assert same_text(*texts, "text/html", NOWHERE) == ("ids in HTML",)


@given(IDS, IDS, st.sampled_from(["<td>{}</td>", '<a href="/orders/{}">', "value={}", "{}"]))
def test_an_id_that_is_a_value_is_a_difference(one, other, around):
    assume(one != other)
    texts = around.format(one), around.format(other)
    assert same_text(*texts, "text/html", NOWHERE) is None


@given(IDS, IDS, IDS, IDS)
def test_which_element_an_id_names_is_compared(one, other, third, fourth):
    assume(len({one, other, third, fourth}) == 4)
    page = '<i id="{0}"></i><i id="{1}"></i><script>show("{2}")</script>'
    texts = page.format(one, other, one), page.format(third, fourth, fourth)
    assert same_text(*texts, "text/html", NOWHERE) is None


def test_matplotlibs_svg_is_the_same_in_two_processes_but_not_with_another_point():
    matplotlib = pytest.importorskip("matplotlib")
    from matplotlib.figure import Figure

    def drawn(salt: str, last: int) -> str:
        matplotlib.rcParams["svg.hashsalt"] = salt
        figure = Figure()
        axes = figure.subplots()
        axes.scatter([1, 2], [3, last], c=[1, 2])
        axes.plot([1, 2], [3, 4], marker="o")
        axes.fill_between([1, 2], [3, 4], hatch="/")
        stream = io.StringIO()
        figure.savefig(stream, format="svg", metadata={"Date": salt})
        return stream.getvalue()

    texts = drawn("2024-01-01", 4), drawn("2025-01-01", 4)
    assert texts[0] != texts[1]
    rules = same_text(*texts, "image/svg+xml", NOWHERE)
    assert rules == ("the date in an SVG", "ids in an SVG")
    assert same_text(texts[0], drawn("2025-01-01", 5), "image/svg+xml", NOWHERE) is None


def test_a_quoted_hash_in_an_svg_is_a_difference():
    first, second = (f'<text title="{one}">#{one}</text>' for one in ("0123456789", "0123456780"))
    assert same_text(first, second, "image/svg+xml", NOWHERE) is None
