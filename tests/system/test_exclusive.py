"""Two daemons on one place: the second is refused and told who is there; the first serves on. The
places of the dead are free."""

import json
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.daemon.test_process import chatctl, chatd
from tests.daemons import Daemon, free_port


def refused(daemon: Daemon) -> str:
    """The one line with which it ends."""
    done = chatd(daemon.mode, **daemon.settings)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr.splitlines()[-1]


def serves(gateway: Daemon) -> bool:
    """True if a call reaches the default node behind the gateway."""
    tokens = str(Path(gateway.settings["CHATD_DATA_DIR"]) / "tokens.toml")
    done: subprocess.CompletedProcess[str] = chatctl(
        "--uri", gateway.uri, "--token-file", tokens, "--timeout", "5", "room", "list"
    )
    return done.returncode == 0


def test_a_second_default_node_on_a_data_directory(tmp_path: Path) -> None:
    first = Daemon("default", tmp_path)
    with first, Daemon("gateway", tmp_path) as gateway:
        holder = f"is in use by chatd default, node default, pid {first.pid}, since 20"
        assert f"node default in the data directory {tmp_path} {holder}" in refused(
            Daemon("default", tmp_path)
        )
        assert f"the database {tmp_path}/chatd.db {holder}" in refused(
            Daemon("default", tmp_path, name="other")
        )
        elsewhere = {"DB_URI": f"sqlite:///{tmp_path}/other/other.db"}
        assert f"ipc://{tmp_path}/run/default {holder}" in refused(
            Daemon("default", tmp_path, elsewhere, name="other")
        )
        assert serves(gateway)
    with Daemon("default", tmp_path, name="other"), gateway:
        assert serves(gateway)


def test_names_of_gateways(tmp_path: Path) -> None:
    """Two in one data directory differ by their names; so do two at one default node."""
    shared = {"GATEWAY_SHARE_PORT": "true", "GATEWAY_URI": f"tcp://127.0.0.1:{free_port()}"}
    names = ("g1", "g2")
    with Daemon("default", tmp_path), ExitStack() as stack:
        first, second = (
            stack.enter_context(Daemon("gateway", tmp_path, shared, name=name)) for name in names
        )
        holder = f"is in use by chatd gateway, node g1, pid {first.pid}, since 20"
        again = Daemon("gateway", tmp_path, {"NODE_ID": "g1"}, name="again")
        assert f"gateway g1 in the data directory {tmp_path} {holder}" in refused(again)
        first.uri = second.uri = shared["GATEWAY_URI"]
        until(lambda: [one["node_id"] for one in listed(first)] == ["default", "g1", "g2"])
        twin = Daemon(
            "gateway",
            tmp_path / "twin",
            {"NODE_ID": "g2", "DEFAULT_URI": f"ipc://{tmp_path}/run/default"},
        )
        stack.callback(twin.stop)
        twin.start(wait=False)
        why = f"its NODE_ID, g2, is that of the gateway at {second.uri}"
        until(lambda: why in twin.log.read_text())
        second.kill()
        until(lambda: "chatd is ready" in twin.log.read_text())  # its predecessor is silent


def listed(gateway: Daemon) -> list[dict[str, object]]:
    """The processes that ``chatctl nodes`` shows."""
    tokens = str(Path(gateway.settings["CHATD_DATA_DIR"]) / "tokens.toml")
    done = chatctl("--uri", gateway.uri, "--token-file", tokens, "nodes", "--json")
    found: list[dict[str, object]] = json.loads(done.stdout) if done.returncode == 0 else []
    return sorted(found, key=lambda one: (str(one["kind"]), str(one["node_id"])))


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_sockets_of_the_dead_are_taken_over(tmp_path: Path) -> None:
    first = Daemon("default", tmp_path).start()
    first.kill()
    assert (tmp_path / "run" / "default").is_socket()
    with first, Daemon("gateway", tmp_path, {"GATEWAY_URI": f"ipc://{tmp_path}/run/gateway"}) as gateway:
        gateway.uri = gateway.settings["GATEWAY_URI"]
        assert serves(gateway)
        second = Daemon("gateway", tmp_path, {"GATEWAY_URI": gateway.uri}, name="second")
        assert f"{gateway.uri} is in use by chatd gateway, node gateway, pid {gateway.pid}, since" in refused(
            second
        )
        assert serves(gateway)


def test_two_on_one_sqlite_file(tmp_path: Path) -> None:
    (tmp_path / "link.db").symlink_to(tmp_path / "first" / "chatd.db")
    with Daemon("all", tmp_path / "first") as first:
        second = Daemon("all", tmp_path / "second", {"DB_URI": f"sqlite:///{tmp_path}/link.db"})
        assert f"is in use by chatd all, node all, pid {first.pid}, since" in refused(second)
        assert serves(first)
    with second:
        assert serves(second)


LEASE = 5.0


def test_two_on_mem_and_one_postgres(tmp_path: Path, postgres_uri: str) -> None:
    settings = {"DB_URI": postgres_uri, "NODE_LEASE_SECONDS": LEASE}
    first, second = (Daemon("all", tmp_path / name, settings, name=name) for name in ("first", "second"))
    with first:
        assert f"the database is in use by node first, pid {first.pid}, since 20" in refused(second)
        assert "a node on mem:// serves a database alone" in refused(
            Daemon("default", tmp_path / "third", settings)
        )
        assert serves(first)
        first.kill()
        first.start()  # its predecessor is provably gone: its place in the data directory is free
        assert serves(first)
    with second:  # the first has given its lease back
        assert serves(second)
        second.kill()
        killed = time.monotonic()
        assert "the database is in use by node second" in refused(first)
        while True:  # as systemd does
            try:
                first.start()
                break
            except RuntimeError:
                assert time.monotonic() < killed + 10 * LEASE
        assert time.monotonic() - killed > LEASE / 3
        assert serves(first)
        first.stop()


def test_two_on_one_postgres_with_one_name(tmp_path: Path, postgres_uri: str) -> None:
    """On two machines all defaults are the same: the path of the socket, and the name, where all
    hosts are called alike."""
    (tmp_path / "run").mkdir()

    def node(machine: str, name: str, uri: str) -> Daemon:
        settings = {"DB_URI": postgres_uri, "DEFAULT_URI": uri, "NODE_ID": name}
        return Daemon("default", tmp_path / machine, settings)

    path = f"ipc://{tmp_path}/run/calls"
    with node("one", "host", path) as first:
        other = node("two", "host", f"tcp://127.0.0.1:{free_port()}")
        assert f"in use by node host, at {path}, since 20" in refused(other)
        assert "each node needs a NODE_ID of its own" in refused(other)
        other.settings["NODE_ID"] = "other"
        with other:
            assert first.process is not None
            assert first.process.poll() is None


def test_a_node_that_stood_still_gives_way(tmp_path: Path, postgres_uri: str) -> None:
    settings = {"DB_URI": postgres_uri, "NODE_LEASE_SECONDS": 1}
    first, second = (Daemon("all", tmp_path / name, settings, name=name) for name in ("first", "second"))
    with first:
        assert first.process is not None
        subprocess.run(["kill", "-STOP", str(first.pid)], check=True)
        time.sleep(1.5)  # its lease ends
        with second:
            subprocess.run(["kill", "-CONT", str(first.pid)], check=True)
            assert first.process.wait(timeout=20) == 1
            assert "The node cannot go on" in first.log.read_text()
            assert serves(second)


@pytest.mark.parametrize("modes", [("default", "gateway")])
def test_the_instances_of_the_unit_share_their_folders(tmp_path: Path, modes: tuple[str, str]) -> None:
    """As systemd/README.md says: one StateDirectory, one RuntimeDirectory, the host's name as
    NODE_ID."""
    shared = {
        "STATE_DIRECTORY": tmp_path / "state",
        "RUNTIME_DIRECTORY": tmp_path / "run",
        "CHATD_DATA_DIR": "",
        "NODE_ID": "",
    }
    default, gateway = (Daemon(mode, tmp_path, shared) for mode in modes)
    with default, gateway:
        gateway.settings["CHATD_DATA_DIR"] = str(tmp_path / "state")
        assert serves(gateway)
