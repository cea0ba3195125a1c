"""Roles, kinds and rules of rooms, by their names on the command line."""

from collections.abc import Mapping, Sequence
from typing import Annotated

import typer

from chatd.pb.chat.v1 import chat_pb2

ROLES: Mapping[str, chat_pb2.MemberRole] = {
    "guest": chat_pb2.MEMBER_ROLE_GUEST,
    "member": chat_pb2.MEMBER_ROLE_MEMBER,
    "moderator": chat_pb2.MEMBER_ROLE_MODERATOR,
    "admin": chat_pb2.MEMBER_ROLE_ADMIN,
    "owner": chat_pb2.MEMBER_ROLE_OWNER,
}
KINDS: Mapping[str, chat_pb2.RoomKind] = {
    "direct": chat_pb2.ROOM_KIND_DIRECT,
    "group": chat_pb2.ROOM_KIND_GROUP,
    "channel": chat_pb2.ROOM_KIND_CHANNEL,
}
RULES = ("add", "send", "urgent", "mention_all")
APPROVAL = "requires_approval"
KEEP = ("keep_days", "keep_events")


def _name(names: Mapping[str, int], number: int) -> str:
    """The name of a number; the number, if only a later version knows it."""
    return next((name for name, one in names.items() if one == number), str(number))


def role_name(role: int) -> str:
    """A role's name."""
    return _name(ROLES, role)


def kind_name(kind: int) -> str:
    """The name of a kind of rooms."""
    return _name(KINDS, kind)


def parse_role(name: str) -> chat_pb2.MemberRole:
    """Raises typer.BadParameter."""
    if name not in ROLES:
        raise typer.BadParameter(f"{name!a} is no role: {', '.join(ROLES)}")
    return ROLES[name]


def parse_rules(given: Sequence[str]) -> chat_pb2.RoomRules | None:
    """The rules of "RULE=ROLE" each, "requires_approval=yes" or "=no", and numbers of what is kept;
    None: there are none. Raises typer.BadParameter."""
    rules = chat_pb2.RoomRules()
    for one in given:
        rule, _, value = one.partition("=")
        if rule == APPROVAL:
            if value not in ("yes", "no"):
                raise typer.BadParameter(f"{APPROVAL} is yes or no")
            rules.requires_approval = value == "yes"
        elif rule in KEEP:
            setattr(rules, rule, _parse_number(rule, value))
        elif rule in RULES:
            setattr(rules, rule, parse_role(value))
        else:
            raise typer.BadParameter(f"{rule!a} is no rule: {', '.join((*RULES, APPROVAL, *KEEP))}")
    return rules if given else None


def _parse_number(rule: str, value: str) -> int:
    """Raises typer.BadParameter."""
    if not (value.isascii() and value.isdigit()) or int(value[:10]) >= 2**32 or len(value) > 10:
        raise typer.BadParameter(f"{rule} is a number from 0 to {2**32 - 1}")
    return int(value)


def parse_metadata(given: Sequence[str]) -> dict[str, str]:
    """The metadata of "KEY=VALUE" each. Raises typer.BadParameter."""
    metadata: dict[str, str] = {}
    for one in given:
        key, equals, value = one.partition("=")
        if not key or not equals:
            raise typer.BadParameter(f"{one!a} is not KEY=VALUE")
        metadata[key] = value
    return metadata


Role = Annotated[
    str,
    typer.Argument(
        metavar="ROLE", help="guest, member, moderator, admin or owner.", autocompletion=lambda: list(ROLES)
    ),
]
AsRole = Annotated[
    str,
    typer.Option(
        "--role",
        metavar="ROLE",
        help="Their role: guest, member, moderator, admin or owner.",
        autocompletion=lambda: list(ROLES),
    ),
]
Rules = Annotated[
    list[str] | None,
    typer.Option(
        "--rule",
        metavar="RULE=VALUE",
        help="The lowest role that may add, send, send urgent events (urgent) or mention all members "
        "(mention_all), for example add=admin; requires_approval=yes, so that owners approve the changes "
        "of others; keep_days=30 or keep_events=1000, so that the room keeps no more than that. May be "
        "repeated.",
        show_default=False,
    ),
]
Metadata = Annotated[
    list[str] | None,
    typer.Option(
        "--meta",
        metavar="KEY=VALUE",
        help="A fact that applications keep there; may be repeated.",
        show_default=False,
    ),
]
