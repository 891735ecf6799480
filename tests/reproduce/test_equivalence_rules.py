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


ADDRESSES = st.integers(0x7F0000000000, 0x7FFFFFFFFFFF)


@pytest.mark.parametrize(
    "form",
    [
        "<object object at 0x{:012x}>",
        "<function <lambda> at 0x{:x}>",
        "<bound method A.f of <__main__.A object at 0x{:x}>>",
        "<code object f at 0x{:x}, file 'a.py', line 1>",
        "<weakref at 0x{:x}; dead>",
        "<Future at 0x{:x} state=finished>",
        "[1, <a.B at 0x{:x}>]",
        "Generator(PCG64) at 0x{:X}",
        "<pre>&lt;a.B at 0x{:x}&gt;</pre>",
    ],
)
@given(ADDRESSES, ADDRESSES)
def test_the_address_of_an_object_is_no_difference(form, one, other):
    where = "text/html" if "&lt;" in form else "text/plain"
    assert same_text(form.format(one), form.format(other), where, NOWHERE) is not None


@pytest.mark.parametrize("form", ["value at 0x{:x}", "0x{:x}", "at 0x{:x}>", "<\nat 0x{:x}>"])
@given(ADDRESSES, ADDRESSES)
def test_a_number_elsewhere_is_a_difference(form, one, other):
    assume(one != other)
    assert same_text(form.format(one), form.format(other), "stream", NOWHERE) is None


@given(ADDRESSES, ADDRESSES, ADDRESSES, ADDRESSES)
def test_which_object_an_address_names_is_compared(one, other, third, fourth):
    assume(one != other and third != fourth)
    form = "<a at 0x{:x}> <a at 0x{:x}>"
    texts = form.format(one, other), form.format(third, fourth)
    assert same_text(*texts, "stream", NOWHERE) is not None
    twice = form.format(third, third)
    assert same_text(form.format(one, other), twice, "stream", NOWHERE) is None


BAR = " 45%|####5     | 45/100 [{}{}]"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("00:01<00:02, 30.12it/s", "00:02<00:03,  9.9it/s"),
        ("00:01<00:02, 30.12it/s", "1:00:02<2:00:03,  1.20s/it"),
        ("00:00<?, ?it/s", "00:00<00:00, 5.1k examples/s"),
        ("00:01<00:02, 3.2MB/s", "00:01<00:01, 12kB/s"),
    ],
)
@pytest.mark.parametrize("rest", ["", ", loss=0.25", ", epoch 1/3", ", 1/3"])
def test_times_of_a_bar_are_no_difference_and_what_comes_after_is(first, second, rest):
    texts = BAR.format(first, rest), BAR.format(second, rest)
    assert same_text(*texts, "stream", NOWHERE) == ("times of progress bars",)
    if rest:
        other = BAR.format(second, rest.replace("3", "4").replace("5", "6"))
        assert same_text(texts[0], other, "stream", NOWHERE) is None


def test_a_real_bar_shows_its_loss_to_the_verdict():
    tqdm = pytest.importorskip("tqdm")

    def printed(loss, rate):
        meter = tqdm.tqdm.format_meter(100, 100, 3.0 / rate, ncols=80, postfix=f"loss={loss}")
        return f"  0%|          | 0/100 [00:00<?, ?it/s]\r{meter}"

    assert same_text(printed(0.5, 1), printed(0.5, 7), "stream", NOWHERE) is not None
    assert same_text(printed(0.5, 1), printed(0.6, 1), "stream", NOWHERE) is None
