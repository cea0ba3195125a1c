"""The things that can be done with a row. Each is a question, then one call."""

from chatctl import drains
from chatctl.absent import Absent
from chatctl.columns import counted
from chatctl.many_letters import DROP, REPLAY, Filter, Kind, handle_all, matching
from chatctl.notifications import drop_dead, retry_dead
from chatctl.top.page import Action
from chatd.client import Client
from chatd.pb.admin.v1 import admin_pb2 as admin


def replay(letter: admin.DeadLetter) -> Action:
    """Deliver a dead letter once more."""

    async def run(client: Client) -> str:
        request = admin.ReplayDeadLettersRequest(letter_ids=[letter.letter_id])
        done = await client.call("AdminService/ReplayDeadLetters", request, admin.ReplayDeadLettersResponse)
        if not done.replayed:
            raise Absent("the letter does not exist, or its event is no longer kept")
        return f"{letter.letter_id} is delivered once more"

    return Action("r", "replay", f"Deliver dead letter {letter.letter_id} once more?", run)


def drop(letter: admin.DeadLetter) -> Action:
    """Forget a dead letter."""

    async def run(client: Client) -> str:
        request = admin.DropDeadLettersRequest(letter_ids=[letter.letter_id])
        done = await client.call("AdminService/DropDeadLetters", request, admin.DropDeadLettersResponse)
        if not done.dropped:
            raise Absent("the letter does not exist")
        return f"{letter.letter_id} is dropped"

    return Action("d", "drop", f"Drop dead letter {letter.letter_id} for good?", run)


def replay_all(letter: admin.DeadLetter) -> Action:
    """Deliver all dead letters of the letter's device once more."""
    return _all("R", REPLAY, letter)


def drop_all(letter: admin.DeadLetter) -> Action:
    """Forget all dead letters of the letter's device."""
    return _all("D", DROP, letter)


def _all(key: str, kind: Kind, letter: admin.DeadLetter) -> Action:
    only = Filter(letter.profile_id, letter.device_id, "")
    name = f"{letter.profile_id}/{letter.device_id}"

    async def ask(client: Client) -> str:
        return f"{kind.verb} {counted(await matching(client, kind, only), 'dead letter')} of {name}?"

    async def run(client: Client) -> str:
        pages: list[int] = []
        await handle_all(client, kind, only, pages.append)
        return f"{counted(sum(pages), 'dead letter')} of {name} {kind.done}"

    return Action(key, f"{kind.verb.lower()} the device's", ask, run)


def forget(device: admin.Device) -> Action:
    """Forget a device."""
    name = f"{device.profile_id}/{device.device_id}"

    async def run(client: Client) -> str:
        request = admin.ForgetDeviceRequest(profile_id=device.profile_id, device_id=device.device_id)
        done = await client.call("AdminService/ForgetDevice", request, admin.ForgetDeviceResponse)
        if not done.forgotten:
            raise Absent(f"there is no device {name}")
        return f"{name} is forgotten"

    return Action("f", "forget", f"Forget device {name} and all events it is owed, for good?", run)


def kick(one: admin.Connection | admin.OpenStream) -> Action:
    """End a device's stream."""
    name = f"{one.profile_id}/{one.device_id}"

    async def run(client: Client) -> str:
        request = admin.KickConnectionsRequest(profile_id=one.profile_id, device_id=one.device_id)
        done = await client.call("AdminService/KickConnections", request, admin.KickConnectionsResponse)
        silent = "".join(f"; {name} did not answer" for name in done.silent)
        return f"{len(done.ended)} ended of {name}{silent}"

    return Action("k", "kick", f"End the stream of {name}? It may come back.", run)


def drain(node: admin.Node) -> Action:
    """Take a process out of service."""

    async def run(client: Client) -> str:
        request = drains.draining(node.kind, node.node_id)
        done = await client.call("AdminService/DrainProcess", request, admin.DrainProcessResponse)
        return f"{node.kind} {node.node_id} is being drained; {drains.left(node.kind, done)}"

    return Action("d", "drain", f"Drain {node.kind} {node.node_id}? It serves nobody until resumed.", run)


def resume(node: admin.Node) -> Action:
    """Let a drained process serve again."""

    async def run(client: Client) -> str:
        request = drains.resuming(node.kind, node.node_id)
        await client.call("AdminService/ResumeProcess", request, admin.ResumeProcessResponse)
        return f"{node.kind} {node.node_id} serves again"

    return Action("r", "resume", f"Let {node.kind} {node.node_id} serve again?", run)


def notify_again(one: admin.Notification) -> Action:
    """Try the dead notifications of a device again."""
    name = f"{one.profile_id}/{one.device_id}"

    async def run(client: Client) -> str:
        request = admin.RetryNotificationsRequest(profile_id=one.profile_id, device_id=one.device_id)
        return f"{await retry_dead(client, request)} dead notifications of {name} are tried again"

    return Action("r", "retry", f"Try the dead notifications of {name} again?", run)


def drop_notification(one: admin.Notification) -> Action:
    """Forget the dead notifications of a device."""
    name = f"{one.profile_id}/{one.device_id}"

    async def run(client: Client) -> str:
        request = admin.DropNotificationsRequest(profile_id=one.profile_id, device_id=one.device_id)
        return f"{await drop_dead(client, request)} dead notifications of {name} are dropped"

    return Action("d", "drop", f"Drop the dead notifications of {name}?", run)
