"""Scenes of the database's copies: backed up, restored, moved, as the handbook says."""

import json

from tests.systemd.handbook import commands
from tests.systemd.machine.life import shell
from tests.systemd.machine.machine import Machine
from tests.systemd.machine.unit import Unit

ROOM = "chatctl --as alice room create copies bob >/dev/null"
SEND = "chatctl --as alice send copies hello >/dev/null"


def _head(machine: Machine) -> int:
    """The room's newest event."""
    return int(json.loads(shell(machine, "chatctl room show copies --json"))["head_seq"])


def _back_up_and_restore(machine: Machine, number: int) -> str:
    """The events that were sent behind the backup are gone, and the next one takes their place."""
    unit = Unit(machine, "all")
    before = _head(machine)
    shell(machine, commands("Backup", number))
    shell(machine, SEND)
    assert "nothing was found" in shell(machine, commands("Restore", number))
    unit.until("active: serving as all")
    assert _head(machine) == before
    shell(machine, SEND)
    assert _head(machine) == before + 1
    return f"back at event {before}, nothing was found; the next one is {before + 1}"


def restored(machine: Machine) -> str:
    shell(machine, ROOM)
    return _back_up_and_restore(machine, 0)


def moved(machine: Machine) -> str:
    """PostgreSQL is as before in the end, for the scene that begins with it."""
    before = _head(machine)
    machine.run("systemctl start postgresql")
    shell(machine, commands("Move to PostgreSQL"))
    Unit(machine, "all").until("active: serving as all")
    assert _head(machine) == before
    said = _back_up_and_restore(machine, 1)
    machine.run(
        "systemctl stop 'chatd@*'; sed -i /^db_uri/d /etc/chatd/chatd.toml;"
        " sudo -u postgres dropdb chatd; sudo -u postgres dropuser chatd"
    )
    return said


SCENES = (
    ("backup and restore", "what the backup has, and nothing is found", restored),
    ("move to PostgreSQL, backup and restore there", "the same", moved),
)
