"""Acks of many streams as columns: they come out as they were, and columns that do not fit are
refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.core.ack_batch import decode_acks, encode_acks
from chatd.core.model import StreamAcks, StreamKey
from chatd.errors import MalformedFrame
from chatd.pb.node.v1.node_pb2 import AckBatchRequest, StreamExceptions

ids = st.text("abc", min_size=1, max_size=3)
seqs = st.integers(1, 2**40)
streams = st.builds(StreamKey, ids, ids, seqs)
cursors = st.tuples(ids, seqs)
acks = st.builds(
    StreamAcks,
    streams,
    st.dictionaries(ids, seqs, max_size=3),
    st.lists(st.tuples(ids, seqs, ids), max_size=2).map(tuple),
    st.lists(cursors, max_size=2).map(tuple),
    st.none() | cursors,
    st.lists(st.tuples(ids, seqs, seqs), max_size=2).map(tuple),
)


@given(st.lists(acks, max_size=6))
def test_what_goes_in_comes_out(batch: list[StreamAcks]) -> None:
    request = AckBatchRequest.FromString(encode_acks(batch).SerializeToString())
    assert decode_acks(request) == tuple(batch)


@pytest.mark.parametrize(
    "request_",
    [
        AckBatchRequest(profile_ids=["a"], device_ids=["d"], epochs=[1]),
        AckBatchRequest(
            profile_ids=["a"], device_ids=["d"], epochs=[1], cursors=[2], room_ids=["r"], seqs=[1]
        ),
        AckBatchRequest(profile_ids=["a"], device_ids=["d"], epochs=[1], cursors=[1], room_ids=["r"]),
        AckBatchRequest(
            profile_ids=["a"],
            device_ids=["d"],
            epochs=[1],
            cursors=[0],
            exceptions=[StreamExceptions(stream=1)],
        ),
    ],
)
def test_columns_that_do_not_fit_are_refused(request_: AckBatchRequest) -> None:
    with pytest.raises(MalformedFrame):
        decode_acks(request_)
