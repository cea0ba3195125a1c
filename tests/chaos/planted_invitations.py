"""Faults about invitations that are planted in a healthy history, as ``planted.py`` has others."""

from collections.abc import Callable
from dataclasses import replace

from tests.chaos import healthy
from tests.chaos.healthy import Healthy
from tests.chaos.history import Block, Change, Joined, Ok, Shown, Uninvited
from tests.chaos.planted import change_of, index_of

GUEST = healthy.INVITED


def leak_to_an_invited(history: Healthy) -> None:
    """The event that invites is delivered to the one that it invites."""
    _, invited = index_of(history, Ok, healthy.ASKED_AGAIN)
    told = next(
        one for one in history.records if isinstance(one, Shown) and (one.room, one.seq) == ("a", invited.seq)
    )
    history.records.append(replace(told, profile=GUEST, recipient=""))


def accept_twice(history: Healthy) -> None:
    """Both acceptances are acknowledged, each with a membership of its own."""
    for kind in (Change, Ok, Uninvited):
        history.records = [
            one
            for one in history.records
            if not (isinstance(one, kind) and getattr(one, "op", healthy.DECLINED) == healthy.DECLINED)
        ]
    for op in (120, 121):
        history.records.append(Change(history.now(), op, GUEST, "a", joins=True))
        history.records.append(Ok(history.now(), op, history.change(Joined, GUEST)))


def accept_what_was_declined(history: Healthy) -> None:
    history.records.append(Change(history.now(), 120, GUEST, "a", joins=True))
    history.records.append(Ok(history.now(), 120, history.change(Joined, GUEST)))


def end_an_invitation_that_was_accepted(history: Healthy) -> None:
    history.records.append(Change(history.now(), 120, GUEST, "a", joins=False, invitation=True))
    history.records.append(Ok(history.now(), 120, history.change(Uninvited, GUEST)))


def become_a_member_without_a_call(history: Healthy) -> None:
    """The invited profile is added at once."""
    invitation, _ = change_of(history, healthy.ASKED_ACCEPTANCE)
    del history.records[invitation]
    history.records.remove(index_of(history, Ok, healthy.ASKED_ACCEPTANCE)[1])


def end_an_invitation_by_no_call(history: Healthy) -> None:
    for kind in (Change, Ok):
        history.records = [
            one for one in history.records if not (isinstance(one, kind) and one.op == healthy.DECLINED)
        ]


def lose_an_acceptance(history: Healthy) -> None:
    """It was acknowledged, and the log has no membership from its seq on."""
    history.records.append(Change(history.now(), 120, GUEST, "a", joins=True))
    history.records.append(Ok(history.now(), 120, 1_000))


def lose_an_invitation(history: Healthy) -> None:
    """It was acknowledged, and the log does not have it."""
    _, before = index_of(history, Ok, healthy.ASKED_LEAVING)
    history.records.append(Change(before.t, 120, GUEST, "a", joins=True, invitation=True))
    history.records.append(Ok(before.t, 120, 1_000))


def lose_a_declining(history: Healthy) -> None:
    """Its caller was told that it was done, and no seq."""
    history.records = [one for one in history.records if not isinstance(one, Uninvited)]


def invite_who_has_blocked(history: Healthy) -> None:
    index, invitation = change_of(history, healthy.ASKED_AGAIN)
    block = Block(invitation.t - 0.8, 130, GUEST, "ann", True)
    history.records[index:index] = [block, Ok(invitation.t - 0.6, 130, 0)]


PLANTED_INVITATIONS: list[tuple[Callable[[Healthy], None], str]] = [
    (leak_to_an_invited, "X"),
    (accept_twice, "X"),
    (accept_what_was_declined, "X"),
    (end_an_invitation_that_was_accepted, "X"),
    (become_a_member_without_a_call, "X"),
    (end_an_invitation_by_no_call, "X"),
    (lose_an_acceptance, "L"),
    (lose_an_invitation, "L"),
    (lose_a_declining, "L"),
    (invite_who_has_blocked, "X"),
]
