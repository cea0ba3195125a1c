"""Scenes of mistakes and outages: each gives one clear line, and passes when its cause does."""

from tests.systemd.handbook import commands
from tests.systemd.machine.life import shell
from tests.systemd.machine.machine import Machine
from tests.systemd.machine.unit import Unit, until

ALL = "all"
HOLD = """
import os, pathlib, socket, time
holder = socket.create_server(("127.0.0.1", 7400))
pathlib.Path("hold.pid").write_text(str(os.getpid()))
time.sleep(600)
"""


def _one(unit: Unit, mark: str, text: str) -> str:
    """The one line with which a start fails."""
    unit.said(mark, text)
    (line,) = unit.lines(mark, text)
    return line


def wrong_settings(machine: Machine) -> str:
    unit = Unit(machine, ALL)
    mark = unit.mark()
    machine.write("/etc/chatd/all.toml", "ack_flush_ms = 0\n")
    machine.fails("systemctl restart chatd@all")
    line = _one(unit, mark, "ACK_FLUSH_MS")
    state = (unit.show("ActiveState"), unit.show("ExecMainStatus"), unit.show("NRestarts"))
    assert state == ("failed", "2", "0"), state
    machine.run("rm /etc/chatd/all.toml; systemctl restart chatd@all")
    return line


def open_key(machine: Machine) -> str:
    unit = Unit(machine, ALL)
    mark = unit.mark()
    machine.run("chmod 644 /var/lib/chatd/keys/*.key")
    machine.fails("systemctl restart chatd@all")
    line = _one(unit, mark, "only its owner may read it")
    assert unit.show("ExecMainStatus") == "2"
    machine.run("chmod 600 /var/lib/chatd/keys/*.key; systemctl restart chatd@all")
    return line


def port_in_use(machine: Machine) -> str:
    unit = Unit(machine, ALL)
    machine.run("systemctl stop chatd@all")
    machine.write("/root/hold.py", HOLD)
    holder = machine.start("python3 hold.py")
    until(lambda: "7400" in machine.run("ss -ltn"), lambda: "the port is not held")
    mark = unit.mark()
    machine.run("systemctl start --no-block chatd@all")
    status = unit.until("cannot bind tcp://127.0.0.1:7400: Address already in use")
    assert "next try in" in status
    line = _one(unit, mark, "cannot bind")
    machine.run("kill $(cat hold.pid)")
    holder.wait()
    unit.until("active: serving as all", 90)
    return line


def second_owner(machine: Machine) -> str:
    variables = "CHATD_DATA_DIR=/var/lib/chatd CHATD_GATEWAY_URI='tcp://127.0.0.1:*'"
    said = machine.fails(f"sudo -u chatd env {variables} /opt/chatd/venv/bin/chatd all")
    assert f"is in use by chatd all, node machine, pid {Unit(machine, ALL).show('MainPID')}, since" in said, (
        said
    )
    return said.splitlines()[-1]


def disk_full(machine: Machine) -> str:
    """On a disk of its own, of 64 MB."""
    unit = Unit(machine, ALL)
    machine.run(
        "systemctl stop chatd@all; cp -a /var/lib/chatd /var/lib/chatd.kept;"
        " mount -t tmpfs -o size=64M,mode=0700,uid=chatd,gid=chatd tmpfs /var/lib/chatd;"
        " cp -a /var/lib/chatd.kept/. /var/lib/chatd; systemctl start chatd@all"
    )
    shell(machine, "chatctl --as alice room create disk bob >/dev/null; chatctl --as alice send disk before")
    mark = unit.mark()
    machine.run("head -c 64M /dev/zero >/var/lib/chatd/full 2>/dev/null || true")
    large = (
        'chatctl --as alice --timeout 5 send disk "$(head -c 40000 /dev/urandom | base64 -w0)" 2>&1 || true'
    )
    until(lambda: "STORE_FAILED" in shell(machine, large), lambda: "sends are not refused")
    assert "full" in " ".join(unit.lines(mark, "")), unit.lines(mark, "")
    shell(machine, commands("When the disk fills").replace("chatctl status", "chatctl status || true"))
    machine.run("rm /var/lib/chatd/full")
    shell(machine, "chatctl --as alice send disk after")
    assert unit.show("NRestarts") == "0"
    line = next(line for line in unit.lines(mark, "full"))
    machine.run(
        "systemctl stop chatd@all; umount /var/lib/chatd; rm -rf /var/lib/chatd.kept; systemctl start chatd@all"
    )
    unit.until("active: serving as all")
    return line[:200]


def database_away(machine: Machine) -> str:
    unit = Unit(machine, ALL)
    machine.run("systemctl start postgresql")
    shell(machine, commands("PostgreSQL"))
    unit.until("active: serving as all")
    machine.run("systemctl stop postgresql")
    status = unit.until("the database is away since 20")
    mark = unit.mark()
    machine.run("systemctl restart --no-block chatd@all")
    waiting = unit.until("cannot start, next try in")
    machine.run("systemctl start postgresql")
    unit.until("active: serving as all", 90)
    said = unit.lines(mark, "chatd: ")
    assert len(said) == 1, said
    return f"{status}; {waiting}"


SCENES = (
    ("wrong settings", "exit 2, not started again", wrong_settings),
    ("a key that others can read", "exit 2, one line", open_key),
    ("port in use", "one line, tried again, serves when it is free", port_in_use),
    ("a second process on the data directory", "refused: who has it", second_owner),
    ("disk full", "sends refused, then work again", disk_full),
    ("database away", "STATUS says since when; a start waits", database_away),
)
