"""chatd token …, as a process: what it prints, and what gateways make of it."""

import re
import sys
from pathlib import Path

import pytest

from chatd.client import HEAD, Client
from chatd.errors import PermissionDenied
from tests import fork_server
from tests.daemon.test_process import chatd
from tests.daemon.test_reload import reload
from tests.daemons import Daemon


async def test_a_token_is_issued_and_good_after_a_reload(tmp_path: Path) -> None:
    with Daemon("all", tmp_path) as daemon:
        where = {"CHATD_DATA_DIR": str(tmp_path)}
        done = chatd("token", "issue", "bob", "--device", "phone", "--expires", "30d", **where)
        assert done.returncode == 0, done.stderr
        (token,) = done.stdout.split()
        assert token not in (tmp_path / "tokens.toml").read_text()
        assert "SIGHUP" in done.stderr
        await reload(daemon, "were reloaded")
        async with Client(daemon.uri, token) as bob:
            await bob.create_room("r")
            async with bob.stream("phone", start=HEAD) as stream:
                await stream.opened()
            with pytest.raises(PermissionDenied):
                async with bob.stream("laptop", start=HEAD) as stream:
                    await stream.opened()
        listed = chatd("token", "list", **where)
        assert token not in listed.stdout
        rows = [line.split("\t") for line in listed.stdout.splitlines()]
        assert rows[0] == ["sha256", "profile", "role", "devices", "key", "issued", "expires"]
        assert rows[1][1:6] == ["operator", "erase operate read", "any", "any", "-"]
        assert rows[2][1:5] == ["bob", "user", "phone", "any"]
        assert re.match(r"\d{4}-\d\d-\d\dT", rows[2][6])


def test_a_token_is_read_from_standard_input(tmp_path: Path) -> None:
    file = tmp_path / "tokens.toml"
    command = [sys.executable, "-m", "chatd", "token", "add", "ops", "--scope", "read", "--file", str(file)]
    command += ["--key", bytes(32).hex()]
    done = fork_server.run(command, input="c4nary\n")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert "c4nary" not in file.read_text() + done.stderr
    row = chatd("token", "list", "--file", str(file)).stdout.splitlines()[-1].split("\t")
    assert row[1:5] == ["ops", "read", "any", "bound"]
    again = fork_server.run(command, input="c4nary\n")
    assert (again.returncode, again.stderr) == (1, "chatd: the file has this token already\n")
    none = fork_server.run(command, input="\n")
    assert (none.returncode, none.stderr) == (2, "chatd: standard input holds no token\n")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["a b"], "profile must be"),
        (["bob", "--expires", "soon"], "is neither a time"),
        (["bob", "--expires", "2027-11-01T00:00:00"], "is neither a time"),
        (["bob", "--scope", "all"], "scopes must be a list of"),
        (["bob", "--key", "x"], "key: "),
    ],
)
def test_what_is_wrong_is_a_line(tmp_path: Path, arguments: list[str], says: str) -> None:
    done = chatd("token", "issue", *arguments, CHATD_DATA_DIR=str(tmp_path))
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1
