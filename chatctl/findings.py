"""Findings: the things that an operator would look at. Pure: times are given."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from chatctl.columns import counted
from chatctl.times import age
from chatd import __version__
from chatd.pb.admin.v1 import admin_pb2 as admin

SLOW_SECONDS = 1.0
"""An answer that took longer is bad."""
STALE_US = 3_000_000
"""A gateway asks every second; one that has not for so long is not well."""
_LOOK = "see if it runs, and if it reaches the node"
_QUEUE = "see if QUEUE_USER_EVENT_DELIVERY_URI is right there, and if the broker that it names runs"


@dataclass(frozen=True, slots=True)
class Finding:
    """``is_good`` False: ``advice`` says what to do."""

    name: str
    is_good: bool
    found: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Looked:
    """The answers to what was asked. ``took``: seconds for the first of them. None: it was not
    asked, because the database is away."""

    status: admin.GetStatusResponse
    took: float
    nodes: admin.ListNodesResponse
    laggards: admin.ListOutboxResponse | None = None
    letters: admin.ListDeadLettersResponse | None = None
    notifications: admin.ListNotificationsResponse | None = None


def findings(looked: Looked, *, now_us: int, owed_for_us: int) -> list[Finding]:
    """A finding for each thing that was looked at. Connected devices may be owed events for
    ``owed_for_us`` microseconds."""
    laggards, letters, dead = looked.laggards, looked.letters, looked.notifications
    return [
        _answers(looked.status, looked.took),
        *serving(looked.status, looked.nodes, now_us=now_us),
        _versions(looked.nodes),
        _owed(laggards, now_us, owed_for_us) if laggards else _not_known("deliveries"),
        _given_up("dead letters", letters.letters, letters.more, "chatctl dead-letter list; replay or drop")
        if letters
        else _not_known("dead letters"),
        _given_up(
            "notifications", dead.notifications, dead.more, "chatctl notify list --state dead; retry or drop"
        )
        if dead
        else _not_known("notifications"),
    ]


def _not_known(name: str) -> Finding:
    return Finding(name, True, "not known while the database is away")


def serving(status: admin.GetStatusResponse, nodes: admin.ListNodesResponse, *, now_us: int) -> list[Finding]:
    """The findings about the database and every process: does all of it serve?"""
    return [
        _database(status, now_us),
        *_cache(status),
        *_nodes(nodes, status, now_us),
        *_gateways(status, nodes),
    ]


def _answers(status: admin.GetStatusResponse, took: float) -> Finding:
    found = f"node {status.node_id} answers in {took * 1e3:.0f} ms"
    return Finding(
        "answer",
        took < SLOW_SECONDS,
        found,
        "" if took < SLOW_SECONDS else "look at its load: chatctl stat, chatctl top",
    )


def _database(status: admin.GetStatusResponse, now_us: int) -> Finding:
    if not status.database_away_since_us:
        return Finding("database", True, f"{status.database} takes writes")
    away = age(now_us - status.database_away_since_us)
    return Finding(
        "database",
        False,
        f"{status.database} has been away for {away}",
        "start it, or free its disk; senders are refused meanwhile",
    )


def _cache(status: admin.GetStatusResponse) -> Iterator[Finding]:
    if status.cache_problem:
        advice = "see if CACHE_URI is right; connections cannot be listed, all else goes on"
        yield Finding("cache", False, status.cache_problem, advice)


def _nodes(nodes: admin.ListNodesResponse, status: admin.GetStatusResponse, now_us: int) -> Iterator[Finding]:
    """While the database is away nobody can renew a lease: silence since then says nothing. A
    process that was started again, or changed its key, has left a lease behind."""
    living = {_place(one) for one in nodes.nodes if one.lease_left_us > 0}
    away_us = now_us - status.database_away_since_us if status.database_away_since_us else 0
    for one in nodes.nodes:
        name = f"{one.kind} {one.node_id}"
        if one.refused:
            yield Finding(name, False, f"refused: {one.refused}", "upgrade it, or the node that answers")
        elif one.lease_left_us <= 0 and _place(one) in living:
            continue
        elif 0 <= -one.lease_left_us < away_us:
            yield Finding(name, True, "not known to be silent: the database, which has its lease, is away")
        elif one.lease_left_us <= 0 and one.drained:
            yield Finding(name, True, f"was stopped {age(-one.lease_left_us)} ago")
        elif one.lease_left_us <= 0:
            found = f"silent for {age(-one.lease_left_us)}, at {one.uri}"
            yield Finding(name, False, found, "start it again, or wait an hour if it was ended for good")
        elif one.drained:
            kind = "gateway" if one.kind == "gateway" else "node"
            found = f"drained by an operator; chatctl {kind} resume {one.node_id} lets it serve again"
            yield Finding(name, True, found)
        else:
            yield Finding(name, True, f"serves at {one.uri}")


def _place(node: admin.Node) -> tuple[str, str, str]:
    """A process by its place, whatever its key."""
    return node.kind, node.node_id, node.uri.partition("#")[0]


def _gateways(status: admin.GetStatusResponse, nodes: admin.ListNodesResponse) -> Iterator[Finding]:
    """Gateways' own words. One that has a lease and does not ask is heard by others, or
    has just ended without a word."""
    if not status.gateways:
        yield Finding("gateways", False, "no gateway asks the node", "start one: chatd gateway")
    # One whose lease has ended is known to be silent already.
    leased = {_place(one) for one in nodes.nodes if one.lease_left_us > 0 and not one.refused}
    asking = {("gateway", one.gateway_id, one.uri.partition("#")[0]): one for one in status.gateways}
    for place, one in asking.items():
        name = f"gateway {one.gateway_id}"
        if one.heard_for_us > STALE_US and place in leased:
            yield Finding(name, False, f"has not asked for {age(one.heard_for_us)}", _LOOK)
        elif one.queue_problem:
            yield Finding(name, False, one.queue_problem, _QUEUE)
    if status.uptime_seconds * 1_000_000 > STALE_US:
        for kind, gateway_id, _ in sorted(leased - asking.keys()):
            if kind == "gateway":
                yield Finding(f"gateway {gateway_id}", False, f"does not ask node {status.node_id}", _LOOK)


def _versions(nodes: admin.ListNodesResponse) -> Finding:
    versions = sorted({one.version for one in nodes.nodes if one.lease_left_us > 0} | {__version__})
    advice = "" if len(versions) == 1 else "finish the upgrade: nodes, gateways and this chatctl differ"
    return Finding("versions", len(versions) == 1, ", ".join(versions), advice)


def _owed(laggards: admin.ListOutboxResponse, now_us: int, owed_for_us: int) -> Finding:
    """Devices that are away are owed events for days, and that is right."""
    since = now_us - owed_for_us
    late = [one for one in laggards.rows if one.online and one.oldest_at_us < since]
    limit = age(owed_for_us)
    if not late:
        return Finding("deliveries", True, f"no connected device is owed an event for longer than {limit}")
    first = late[0]
    are = "is" if len(late) == 1 else "are"
    found = f"{counted(len(late), 'connected device')} {are} owed events for longer than {limit}"
    advice = f"chatctl why {first.room_id}:{first.acked_seq + 1} {first.profile_id}/{first.device_id}"
    return Finding("deliveries", False, found, advice)


def _given_up(name: str, rows: Sequence[object], more: bool, advice: str) -> Finding:
    found = f"{len(rows):,}{'+' if more else ''} given up" if rows else "none given up"
    return Finding(name, not rows, found, advice if rows else "")
