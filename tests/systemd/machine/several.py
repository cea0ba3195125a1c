"""Scenes of several processes: instances, credentials, brokers, keys, alarms."""

import json
import re

from tests.systemd.handbook import commands, settings
from tests.systemd.machine.life import shell
from tests.systemd.machine.machine import Machine
from tests.systemd.machine.unit import Unit, until

PEM = {"cert": "/etc/chatd/tls.crt", "key": "/etc/chatd/tls.key"}


def own_settings(machine: Machine) -> str:
    shown = shell(machine, commands("Settings"))
    assert re.search(r"MAX_MEMBERS_PER_ROOM +5000 +/etc/chatd/chatd.toml", shown), shown
    Unit(machine, "all").until("active: serving as all")
    return "the file's value is in force"


def credentials(machine: Machine) -> str:
    """All files that hold secrets, as root's, which chatd itself cannot read."""
    machine.run(
        "cp /var/lib/chatd/tokens.toml /etc/chatd/tokens.toml; cp /var/lib/chatd/keys/*-all.key /etc/chatd/chatd.key;"
        " chmod 600 /etc/chatd/tokens.toml /etc/chatd/chatd.key"
    )
    unit = Unit(machine, "all")
    machine.write("/etc/systemd/system/chatd@all.service.d/override.conf", settings("Secrets"))
    mark = unit.mark()
    machine.run("systemctl daemon-reload; systemctl restart chatd@all")
    unit.until("active: serving as all")
    assert not unit.lines(mark, "Other users can")
    shell(machine, "chatctl --token-file /var/lib/chatd/tokens.toml nodes")
    machine.run("rm -r /etc/systemd/system/chatd@all.service.d; systemctl daemon-reload")
    return "tokens and key read as credentials"


def instances(machine: Machine) -> str:
    machine.write("/etc/chatd/gateway-2.toml", settings("Several processes"))
    shell(machine, commands("Several processes").replace("chatctl nodes\n", ""))
    for name in ("default", "gateway", "gateway-2"):
        Unit(machine, name).until("active: serving as")
    wanted = [("default", "machine"), ("gateway", "machine"), ("gateway", "machine-gateway-2")]
    until(lambda: _serving(machine) == wanted, lambda: str(_serving(machine)))
    machine.run("systemctl stop chatd.target")
    for name in ("default", "gateway", "gateway-2"):
        Unit(machine, name).until("inactive")
    machine.run("systemctl start chatd.target")
    for name in ("default", "gateway", "gateway-2"):
        Unit(machine, name).until("active: serving as")
    return ", ".join(f"{kind} {name}" for kind, name in wanted)


def _serving(machine: Machine) -> list[tuple[str, str]]:
    found = json.loads(shell(machine, "chatctl nodes --json"))
    return sorted((one["kind"], one["node_id"]) for one in found if int(one["lease_left_us"]) > 0)


def typo(machine: Machine) -> str:
    """An instance that nobody has set."""
    unit = Unit(machine, "gatewy")
    mark = unit.mark()
    machine.fails("systemctl start chatd@gatewy")
    (line,) = unit.lines(mark, "chatd: ")
    assert (unit.show("ExecMainStatus"), unit.show("NRestarts")) == ("2", "0")
    return line


def broker(machine: Machine) -> str:
    machine.run("systemctl start redis-server")
    shell(machine, commands("Brokers"))
    for name in ("default", "gateway", "gateway-2"):
        Unit(machine, name).until("active: serving as")
    shell(
        machine, "chatctl --as alice room create broker bob >/dev/null; chatctl --as alice send broker hello"
    )
    channels = machine.run("redis-cli pubsub channels '*'")
    assert "chatd" in channels, channels
    machine.run("sed -i /^queue_user/d /etc/chatd/chatd.toml; systemctl restart chatd.target")
    return "the queue is in Redis"


def two_machines(machine: Machine) -> str:
    """Both addresses are this machine's; all connections between them are encrypted."""
    machine.run(
        "ip addr add 10.0.0.1/32 dev lo; ip addr add 10.0.0.2/32 dev lo; systemctl stop chatd@gateway-2"
    )
    gateway = Unit(machine, "gateway")
    node = shell(machine, commands("Two machines", 0))
    uri = re.findall(r"tcp://10\.0\.0\.1:7401#[0-9a-f]{64}", node)[0]
    key = "5" * 64
    shell(machine, commands("Two machines", 1), NODE=f"{uri.partition('#')[0]}#{key}")
    waiting = gateway.until("waiting")
    mark = gateway.mark()
    shown = shell(machine, commands("Two machines", 1), NODE=uri)
    own = re.findall(r"tcp://10\.0\.0\.2:7400#([0-9a-f]{64})", shown)[0]
    log = Unit(machine, "default").said("", "chatd keys trust")[-1]
    assert own in log
    gateway.until("waiting")
    shell(machine, commands("Two machines", 2), GATEWAY=own)
    gateway.until("active: serving as gateway")
    gateway.said(mark, "chatd is ready")
    shell(machine, f"chatctl --uri tcp://10.0.0.2:7400#{own} nodes")
    return f"with a wrong key: {waiting}; with the right one, trusted: serving"


def keys(machine: Machine) -> str:
    machine.run(
        "openssl req -x509 -newkey rsa:2048 -nodes -keyout /etc/chatd/tls.key -out /etc/chatd/tls.crt -days 30"
        " -subj /CN=10.0.0.2 -addext subjectAltName=IP:10.0.0.2 2>/dev/null;"
        " chgrp chatd /etc/chatd/tls.key; chmod 640 /etc/chatd/tls.key"
    )
    names = {"http_uri": "https://10.0.0.2:7480", **{f"http_tls_{one}_file": PEM[one] for one in PEM}}
    tls = "".join(f'{name} = "{text}"\\n' for name, text in names.items())
    machine.run(f"printf '{tls}' >>/etc/chatd/gateway.toml; systemctl restart chatd@gateway")
    gateway, node = Unit(machine, "gateway"), Unit(machine, "default")
    shell(machine, commands("TLS and keys", 0))
    code = machine.run(
        "curl -s --cacert /etc/chatd/tls.crt -o /dev/null -w '%{http_code}' https://10.0.0.2:7480/v1/none"
    )
    assert code == "404", code
    mark = node.mark()
    text = commands("TLS and keys", 1)
    first, second = text.split("systemctl reload chatd@default\n", 1)
    shell(machine, first + "systemctl reload chatd@default\n")
    node.said(mark, "Settings and tokens were reloaded")
    machine.run("sleep 12")  # a lease's length: the gateway hears of the next key
    shell(machine, second)
    node.said(mark, "The key was changed")
    gateway.until("active: serving as gateway")
    return "HTTPS answers; a node's key was changed, the gateway came back"


def alarms(machine: Machine) -> str:
    shown = shell(machine, "INSTANCE=gateway chatd keys show --mode gateway --json")
    uri = json.loads(shown)["gateway_uri"]
    text = commands("Alarms").replace("chatctl ", f"chatctl --uri {uri} ")
    text = re.sub("(chatctl .* status)", r"\1 || [ $? = 3 ]", text)  # degraded: addresses were left
    assert "chatd@default.service" in shell(machine, text)
    return "the runbook's commands run"


def monitoring(machine: Machine) -> str:
    shown = shell(machine, commands("Monitoring"))
    assert json.loads(shown.splitlines()[-1])["ready"] is True, shown
    return "readyz says ready"


SCENES = (
    ("settings", "the file's value in force", own_settings),
    ("credentials", "no secret in a file that chatd's user reads", credentials),
    ("three instances", "told apart in chatctl nodes", instances),
    ("an instance without a file", "exit 2, one line", typo),
    ("broker", "the queue is in Redis", broker),
    ("two machines, wrong key first", "waits, then serves", two_machines),
    ("TLS, a key that is changed", "nothing is lost", keys),
    ("monitoring", "ready", monitoring),
    ("alarms", "the runbook's commands run", alarms),
)
