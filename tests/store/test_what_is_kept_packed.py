"""Digests and outputs lie deflated in the database: a round trip loses nothing."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from jupyter_lineage.store.queries import (
    pack_digests,
    pack_outputs,
    unpack_digests,
    unpack_outputs,
)

_texts = st.text(st.characters())  # half of a surrogate pair too: a kernel may print one
_digests = st.dictionaries(_texts, st.dictionaries(_texts, st.none() | st.booleans() | _texts))


@given(_digests)
def test_digests_come_back_as_they_were(digests):
    assert unpack_digests(pack_digests(digests)) == digests


@given(_digests)
def test_digests_kept_as_plain_json_are_still_read(digests):
    assert unpack_digests(json.dumps(digests)) == digests


@given(st.lists(st.dictionaries(_texts, _texts)))
def test_outputs_come_back_as_they_were(outputs):
    assert unpack_outputs(pack_outputs(outputs)) == outputs


def test_digests_take_less_than_half_of_their_json():
    digests = {
        f"name_{number}": {"digest": f"sha256:{number * 7919:064x}", "type": "DataFrame"}
        for number in range(14)
    }
    assert 2 * len(pack_digests(digests)) < len(json.dumps(digests))
