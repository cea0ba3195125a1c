"""Audit lines: who did what, from where, on what, and what came of it. They hold ids and numbers,
never contents, names or tokens."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cache, lru_cache

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import DecodeError, Message

from chatd.core.rate_limit import address_key
from chatd.pb.admin.v1 import admin_pb2

LOCAL = "local"
"""The address of a client on a local socket."""
DONE = "done"
MAX_TEXT = 128
"""Characters kept of an id or of an outcome: ids that are in order have no more."""
MAX_IDS = 20
"""Ids kept of a list; the rest is counted."""


class AuditKind(IntEnum):
    """The numbers of ``admin.v1.AuditKind``."""

    ACT = admin_pb2.AUDIT_KIND_ACT
    """Something was changed; each time is a line."""
    USE = admin_pb2.AUDIT_KIND_USE
    """Something was read, or done that profiles do all day; counted within a minute."""
    REFUSED = admin_pb2.AUDIT_KIND_REFUSED
    """Somebody was refused; counted within a minute."""


@dataclass(frozen=True, slots=True)
class AuditLine:
    """``profile_id`` is that of the token; empty: nobody was authenticated. ``acting_for``: another
    profile that it acted for. ``repeated``: how often the same came without a line of its own. A
    line has no id and no time until it is kept."""

    kind: AuditKind
    profile_id: str
    acting_for: str
    address: str
    gateway_id: str
    what: str
    objects: str = ""
    outcome: str = DONE
    repeated: int = 0
    line_id: str = ""
    at_us: int = 0

    @property
    def key(self) -> tuple[object, ...]:
        """See ``key_of``."""
        return key_of(
            self.kind,
            self.profile_id,
            self.acting_for,
            self.address,
            self.what,
            self.outcome if self.kind is AuditKind.REFUSED else self.objects,
        )

    def to_pb(self) -> admin_pb2.AuditLine:
        return admin_pb2.AuditLine(
            line_id=self.line_id,
            at_us=self.at_us,
            kind=admin_pb2.AuditKind.Name(self.kind),
            profile_id=self.profile_id,
            acting_for=self.acting_for,
            address=self.address,
            gateway_id=self.gateway_id,
            what=self.what,
            objects=self.objects,
            outcome=self.outcome,
            repeated=self.repeated,
        )


def key_of(
    kind: AuditKind, profile_id: str, acting_for: str, address: str, what: str, detail: str
) -> tuple[object, ...]:
    """Lines with the same key are one within a minute. Someone who is refused makes one line,
    whatever it tries next: no names that it makes up come into it, nor the hosts of one network.
    ``detail`` is the outcome of a refusal, else the objects."""
    network = _network(address)
    if kind is AuditKind.REFUSED:
        return profile_id, network, what, detail
    return profile_id, network, what, acting_for, detail


@lru_cache(maxsize=1_024)
def _network(address: str) -> str:
    return address_key(address) or address


def from_pb(line: admin_pb2.AuditLine) -> AuditLine:
    """Raises ValueError for a kind that is not known."""
    return AuditLine(
        AuditKind(line.kind),
        line.profile_id,
        line.acting_for,
        line.address,
        line.gateway_id,
        line.what,
        line.objects,
        line.outcome,
        line.repeated,
        line.line_id,
        line.at_us,
    )


def make_line_id(at_us: int, random: bytes) -> str:
    """Ids of lines ascend with their times; ``random`` tells those of one microsecond apart."""
    return f"{at_us:014x}{random.hex()}"


def objects_of(kind: type[Message], payload: bytes) -> str:
    """The ids and numbers that an encoded request names: "room_id=lobby up_to_seq=7". One that
    cannot be read names none."""
    fields = _named_fields(kind.DESCRIPTOR)
    if not fields:
        return ""
    try:
        request = kind.FromString(payload)
    except DecodeError:
        return ""
    found = (
        (field.name, _shown(getattr(request, field.name), repeated=field.is_repeated)) for field in fields
    )
    return " ".join(f"{name}={value}" for name, value in found if value)


def _shown(value: object, *, repeated: bool) -> str:
    if not value:
        return ""
    if isinstance(value, bytes):
        return value[:8].hex()
    if value is True:
        return "yes"
    if not repeated:
        return shorten(str(value))
    assert isinstance(value, Sequence)
    more = f",+{len(value) - MAX_IDS}" if len(value) > MAX_IDS else ""
    return ",".join(shorten(str(one)) for one in value[:MAX_IDS]) + more


def shorten(text: str) -> str:
    """The text as a line keeps it: PostgreSQL cannot hold a NUL."""
    return text.replace("\0", "\\0")[:MAX_TEXT]


@cache
def _named_fields(descriptor: Descriptor) -> tuple[FieldDescriptor, ...]:
    """Fields of a request itself that name what it is about. Where a page begins is none of it."""
    return tuple(
        field
        for field in descriptor.fields
        if not field.name.startswith(("after_", "before_line"))
        and (
            (field.type == field.TYPE_STRING and field.name.endswith(("_id", "_ids")))
            or (field.type in _NUMBERS and field.name.endswith(("seq", "_us")))
            or (field.type == field.TYPE_BYTES and field.name == "digest")
            or field.name in ("all", "dry_run", "level", "payloads")
        )
    )


_NUMBERS = (FieldDescriptor.TYPE_UINT64, FieldDescriptor.TYPE_INT64)
