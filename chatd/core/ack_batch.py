"""Acks of many streams as one protobuf message of columns.

A message for each stream would take twice as long as everything else that an ack costs.
"""

from collections.abc import Sequence

from chatd.core.model import StreamAcks, StreamKey
from chatd.errors import MalformedFrame
from chatd.pb.node.v1.node_pb2 import AckBatchRequest, Rejection, RemovedRange, RoomCursor, StreamExceptions


def encode_acks(acks: Sequence[StreamAcks]) -> AckBatchRequest:
    """The request for ``acks``. A stream with nothing to write is noted as connected."""
    return AckBatchRequest(
        profile_ids=[one.stream.profile_id for one in acks],
        device_ids=[one.stream.device_id for one in acks],
        epochs=[one.stream.epoch for one in acks],
        cursors=[len(one.cursors) for one in acks],
        room_ids=[room_id for one in acks for room_id in one.cursors],
        seqs=[seq for one in acks for seq in one.cursors.values()],
        exceptions=[_exceptions(index, one) for index, one in enumerate(acks) if one.has_exceptions],
    )


def _exceptions(index: int, acks: StreamAcks) -> StreamExceptions:
    rejected = [Rejection(room_id=room, seq=seq, reason=reason) for room, seq, reason in acks.rejected]
    return StreamExceptions(
        stream=index,
        rejected=rejected,
        replayed=[RoomCursor(room_id=room, seq=seq) for room, seq in acks.replayed],
        failed=RoomCursor(room_id=acks.failed[0], seq=acks.failed[1]) if acks.failed is not None else None,
        removed=[
            RemovedRange(room_id=room_id, first_seq=first, last_seq=last)
            for room_id, first, last in acks.removed
        ],
    )


def decode_acks(request: AckBatchRequest) -> tuple[StreamAcks, ...]:
    """The acks of a request. Raises MalformedFrame if its columns do not fit together."""
    profile_ids, device_ids = list(request.profile_ids), list(request.device_ids)
    epochs, counts = list(request.epochs), list(request.cursors)
    room_ids, seqs = list(request.room_ids), list(request.seqs)
    of_streams = {len(column) for column in (profile_ids, device_ids, epochs, counts)}
    if len(of_streams) > 1 or not sum(counts) == len(room_ids) == len(seqs):
        raise MalformedFrame("the columns of the acks differ in length")
    exceptions = {one.stream: one for one in request.exceptions}
    if any(index >= len(epochs) for index in exceptions):
        raise MalformedFrame("an exception belongs to no stream of the batch")
    found = []
    start = 0
    streams = map(StreamKey, profile_ids, device_ids, epochs)
    for index, (stream, count) in enumerate(zip(streams, counts, strict=True)):
        end = start + count
        cursors = dict(zip(room_ids[start:end], seqs[start:end], strict=True))
        start = end
        more = exceptions.get(index)
        found.append(StreamAcks(stream, cursors) if more is None else _with(stream, cursors, more))
    return tuple(found)


def _with(stream: StreamKey, cursors: dict[str, int], more: StreamExceptions) -> StreamAcks:
    return StreamAcks(
        stream,
        cursors,
        rejected=tuple((one.room_id, one.seq, one.reason) for one in more.rejected),
        replayed=tuple((one.room_id, one.seq) for one in more.replayed),
        failed=(more.failed.room_id, more.failed.seq) if more.HasField("failed") else None,
        removed=tuple((one.room_id, one.first_seq, one.last_seq) for one in more.removed),
    )
