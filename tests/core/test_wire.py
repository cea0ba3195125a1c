from google.protobuf.struct_pb2 import Struct
from hypothesis import given
from hypothesis import strategies as st

from chatd.core.wire import delivery_record, encode_delivery, varint
from chatd.pb.events.v1.payloads_pb2 import EventDelivery, EventLink
from chatd.pb.gateway.v1.gateway_pb2 import Ack, ServerFrame


@given(st.integers(0, 2**63))
def test_varints_are_protobufs(value: int) -> None:
    assert Ack(up_to=value).SerializeToString() == (b"\x08" + varint(value) if value else b"")


@given(st.text(), st.integers(1, 2**60), st.text(max_size=2000))
def test_records_join_to_a_frame(event_id: str, seq: int, text: str) -> None:
    link = EventLink(event_id=event_id, room_id="r", seq=seq, sender_id="s")
    payload = Struct()
    payload["text"] = text
    delivery = encode_delivery(link, payload.SerializeToString())
    assert EventDelivery.FromString(delivery) == EventDelivery(event=link, payload=payload)
    frame = ServerFrame.FromString(delivery_record(delivery) * 3)
    assert list(frame.deliveries) == [EventDelivery(event=link, payload=payload)] * 3
