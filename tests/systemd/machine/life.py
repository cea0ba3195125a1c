"""Scenes of one instance's life: installed, booted, restarted, killed, upgraded, stopped."""

import json
import re
import time

from tests.systemd.handbook import commands
from tests.systemd.machine.machine import Machine
from tests.systemd.machine.unit import Unit, until

FUNCTIONS = "Install", 1
MOST_EXPOSED = 1.2


def shell(machine: Machine, text: str, **variables: str) -> str:
    """Commands of the handbook as they stand there, in a shell that has its functions."""
    given = "".join(f"{name}='{value}'\n" for name, value in variables.items())
    functions = commands(*FUNCTIONS).replace("chatctl status\n", "")
    return machine.run(f"cd /root/chatd\nexport PAGER=cat\n{functions}{given}{text}")


def install(machine: Machine) -> str:
    text = commands("Install").replace("apt-get install python3-venv sudo\n", "")  # the base has them
    shell(machine, text)
    assert Unit(machine, "all").until("active: serving as all")
    assert "events" in shell(machine, commands(*FUNCTIONS))
    machine.run("cp /root/chatd/tests/systemd/machine/{load,knock}.py /root")
    size = machine.run("du -sm /opt/chatd").split()[0]
    return f"serving as all; {size} MB in /opt/chatd"


def score(machine: Machine) -> str:
    shown = machine.run("systemd-analyze security chatd@all --no-pager")
    found = float(re.findall(r"exposure level for \S+: ([\d.]+)", shown)[0])
    assert found <= MOST_EXPOSED, shown
    filters = machine.run("grep Seccomp: /proc/$(systemctl show --value -p MainPID chatd@all)/status").split()
    assert filters[1] == "2"
    return f"{found}, seccomp filter in force"


def boot(machine: Machine) -> str:
    machine.shut_down()
    began = time.monotonic()
    machine.boot()
    Unit(machine, "all").until("active: serving as all")
    return f"serving {time.monotonic() - began:.0f} s after power-on"


def _knocked(machine: Machine, action: str, seconds: int = 20) -> list[dict[str, float]]:
    """The fate of connections to both ports while ``action`` happens."""
    knocking = [machine.start(f"python3 knock.py {port} {seconds}") for port in (7400, 7480)]
    time.sleep(3)
    machine.run(action)
    found = [json.loads(one.communicate(timeout=180)[0]) for one in knocking]
    Unit(machine, "all").until("active: serving as all")
    return found


def _refused_nowhere(machine: Machine, action: str, cut: int) -> str:
    found = _knocked(machine, action)
    assert all(one["refused"] == 0 and one["cut"] <= cut and one["answered"] > 20 for one in found), found
    answered, longest = sum(one["answered"] for one in found), max(one["longest"] for one in found)
    return f"{answered:.0f} answered, 0 refused, longest {longest:.1f} s"


def restart(machine: Machine) -> str:
    return _refused_nowhere(machine, "systemctl restart chatd@all", cut=0)


def killed(machine: Machine) -> str:
    return _refused_nowhere(machine, "systemctl kill -s KILL chatd@all", cut=2)


def without_store(machine: Machine) -> str:
    machine.write("/etc/systemd/system/chatd@all.service.d/s.conf", "[Service]\nFileDescriptorStoreMax=0\n")
    machine.run("systemctl daemon-reload; systemctl restart chatd@all")
    found = _knocked(machine, "systemctl restart chatd@all")
    machine.run(
        "rm -r /etc/systemd/system/chatd@all.service.d; systemctl daemon-reload; systemctl restart chatd@all"
    )
    assert sum(one["refused"] for one in found) > 0, "the store makes no difference"
    return f"{sum(one['refused'] for one in found):.0f} refused, {sum(one['answered'] for one in found):.0f} answered"


def reload(machine: Machine) -> str:
    unit = Unit(machine, "all")
    mark, pid = unit.mark(), unit.show("MainPID")
    shell(machine, commands("Operation"))
    unit.said(mark, "Settings and tokens were reloaded")
    unit.until("active: serving as all")
    assert unit.show("MainPID") == pid
    return "the same process; said in one line"


def _under_load(machine: Machine, action: str) -> str:
    load = machine.start("rm -f load.end; /opt/chatd/venv/bin/python load.py")
    time.sleep(6)
    machine.run(action)
    machine.run("sleep 5; touch load.end")
    text = load.communicate(timeout=300)[0]
    found = json.loads(text.splitlines()[-1])
    assert (found["lost"], found["in_order"]) == (0, True), text
    assert found["sent"] > 10, text
    return f"{found['sent']} sent, 0 lost, in order, longest send {found['longest']:.1f} s"


def upgrade(machine: Machine) -> str:
    machine.run("sed -i 's/^__version__ = .*/__version__ = \"0.1.1\"/' /root/chatd/chatd/__init__.py")
    done = _under_load(machine, "cd /root/chatd\n" + commands("Upgrade"))
    assert float(re.findall(r"longest send ([0-9.]+)", done)[0]) > 0.5, "the restart was under load"
    assert "0.1.1" in machine.run("/opt/chatd/venv/bin/chatd --version")
    Unit(machine, "all").until("active: serving as all")
    return done


def killed_under_load(machine: Machine) -> str:
    return _under_load(machine, "systemctl kill -s KILL chatd@all")


def watchdog(machine: Machine) -> str:
    unit = Unit(machine, "all")
    pid, restarts = unit.show("MainPID"), int(unit.show("NRestarts"))
    machine.run(f"kill -STOP {pid}")
    until(lambda: int(unit.show("NRestarts")) > restarts, lambda: "it was not restarted", 90)
    unit.until("active: serving as all")
    assert unit.show("MainPID") != pid
    return "a process that hangs is replaced"


def drain(machine: Machine) -> str:
    """The port is free afterwards: nobody waits for a process that does not come."""
    began = time.monotonic()
    machine.run("systemctl stop chatd.target")
    unit = Unit(machine, "all")
    unit.until("inactive")
    took = time.monotonic() - began
    assert (unit.show("Result"), unit.show("ExecMainStatus")) == ("success", "0"), unit.status
    refused = json.loads(machine.run("python3 knock.py 7400 1"))
    assert refused["answered"] == 0 < refused["refused"], "the port is free"
    machine.run("systemctl start chatd.target")
    unit.until("active: serving as all")
    return f"exit 0 after {took:.1f} s; the port is free"


SCENES = (
    ("install", "serving as all", install),
    ("score", "at most 1.2, and it runs", score),
    ("boot", "serving without help", boot),
    ("restart", "no connection refused", restart),
    ("kill -9", "no connection refused", killed),
    ("restart without FileDescriptorStoreMax=", "some refused, to compare", without_store),
    ("reload", "the same process", reload),
    ("upgrade under load", "nothing lost", upgrade),
    ("kill -9 under load", "nothing lost", killed_under_load),
    ("watchdog", "a loop that hangs is restarted", watchdog),
    ("stop", "exit 0, in time", drain),
)
