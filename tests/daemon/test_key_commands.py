"""``chatd keys``: a process's own key, and those that it trusts, in files."""

import json
import os
import pwd
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from chatd.files.claim import Claim
from chatd.files.key_file import load_keys
from chatd.files.trusted_keys import read_trusted
from tests.daemon.test_process import chatd

KEY = "0123456789abcdef" * 4
HOST = {"GATEWAY_URI": "tcp://0.0.0.0:7400", "GATEWAY_PUBLIC_URI": "tcp://chat.example:7400", "NODE_ID": "n1"}


def keys(folder: Path, *arguments: str, code: int = 0, **settings: str) -> str:
    """The command's stdout, or its stderr if it fails."""
    done = chatd("keys", *arguments, CHATD_DATA_DIR=str(folder), **{**HOST, **settings})
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr if code else done.stdout


def shown(folder: Path, *arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(keys(folder, *arguments, "--json"))
    return found


def test_the_key_is_made_and_the_address_is_the_one_to_copy(tmp_path: Path) -> None:
    said = shown(tmp_path / "data", "show")
    file = tmp_path / "data/keys/n1-all.key"
    pair = load_keys(file, create=False).current
    key = pair.public.hex()
    assert said == {"file": str(file), "key": key, "gateway_uri": f"tcp://chat.example:7400#{key}"}
    text = keys(tmp_path / "data", "show")
    assert text.splitlines()[-1].split() == ["gateway", "uri:", f"tcp://chat.example:7400#{key}"]
    assert pair.secret.hex() not in text
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_each_mode_has_a_key_of_its_own(tmp_path: Path) -> None:
    assert shown(tmp_path, "show")["key"] != shown(tmp_path, "show", "--mode", "gateway")["key"]
    said = shown(tmp_path, "show", "--mode", "default")
    assert ("gateway_uri" in said, said["default_uri"]) == (False, f"ipc://{tmp_path}/run/default")
    text = keys(tmp_path, "show", "--mode", "default", DEFAULT_URI="tcp://0.0.0.0:7401", PUBLIC_HOST="node")
    assert text.splitlines()[-1].split() == ["default", "uri:", f"tcp://node:7401#{said['key']}"]
    assert "--mode" in keys(tmp_path, "show", "--mode", "other", code=2)


def test_a_key_is_changed_in_two_steps(tmp_path: Path) -> None:
    old = shown(tmp_path, "show")["key"]
    between = shown(tmp_path, "rotate")
    new = between["key"]
    assert (between["old_key"], new != old) == (old, True)
    assert between["gateway_uri"].endswith(f"#{new}")
    assert "already" in keys(tmp_path, "rotate", code=2)
    assert shown(tmp_path, "show") == between
    after = shown(tmp_path, "rotate", "--finish")
    assert (after["key"], "old_key" in after) == (new, False)
    assert "not being changed" in keys(tmp_path, "rotate", "--finish", code=2)


def test_there_is_nothing_to_change_before_the_first_start(tmp_path: Path) -> None:
    assert "No such file" in keys(tmp_path, "rotate", code=1)
    assert not list(tmp_path.iterdir())


def test_a_file_of_settings_counts(tmp_path: Path) -> None:
    config = tmp_path / "chatd.toml"
    config.write_text(f'key_file = "{tmp_path}/mine"\n')
    assert shown(tmp_path, "show", "--config", str(config))["file"] == str(tmp_path / "mine")
    config.write_text("key_file = 1 2\n")
    assert "chatd.toml" in keys(tmp_path, "show", "--config", str(config), code=2)


def test_keys_of_others_are_trusted_and_no_longer(tmp_path: Path) -> None:
    path = tmp_path / "keys/trusted"
    keys(tmp_path, "trust", KEY.upper(), "gateway two")
    keys(tmp_path, "trust", f"tcp://10.0.0.2:7400#{KEY[::-1]}")
    assert read_trusted(path) == {bytes.fromhex(KEY): "gateway two", bytes.fromhex(KEY[::-1]): ""}
    assert json.loads(keys(tmp_path, "trusted", "--json"))[0] == {"key": KEY, "name": "gateway two"}
    assert keys(tmp_path, "trusted").splitlines() == [f"{KEY}  gateway two", KEY[::-1]]
    keys(tmp_path, "untrust", "gateway two")
    keys(tmp_path, "untrust", KEY[::-1])
    assert read_trusted(path) == {}
    assert "no such key" in keys(tmp_path, "untrust", KEY, code=2)


def test_a_key_that_is_none_is_not_repeated(tmp_path: Path) -> None:
    """It may be a secret, pasted by mistake."""
    said = keys(tmp_path, "trust", KEY[1:], code=2)
    assert KEY[1:20] not in said
    assert "64 hexadecimal digits" in said
    assert not (tmp_path / "keys").exists()


def test_a_name_reaches_no_terminal_raw(tmp_path: Path) -> None:
    keys(tmp_path, "trust", KEY, "red \x1b[31m\nsecond line")
    assert "\x1b" not in keys(tmp_path, "trusted")
    assert len(keys(tmp_path, "trusted").splitlines()) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can work in another's folder")
def test_another_users_data_is_left_alone(tmp_path: Path) -> None:
    """chatd could not read what root writes there."""
    nobody = pwd.getpwnam("nobody")
    os.chown(tmp_path, nobody.pw_uid, nobody.pw_gid)
    for arguments in (("show",), ("trust", KEY)):
        assert "sudo -u nobody" in keys(tmp_path, *arguments, code=2)
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a folder that is closed to it")
def test_a_folder_that_cannot_be_entered_is_named(tmp_path: Path) -> None:
    """Without these rights root is a user like others."""
    os.chown(tmp_path, 65_534, 65_534)
    tmp_path.chmod(0o700)
    without = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")
    done = subprocess.run(
        [*without, sys.executable, "-m", "chatd", "keys", "show"],
        env={**os.environ, "CHATD_DATA_DIR": str(tmp_path / "data"), "NODE_ID": "n1"},
        capture_output=True,
        text=True,
        check=False,
    )
    said = f"chatd: {tmp_path}/data/keys/n1-all.key: Permission denied\n"
    assert (done.returncode, done.stderr) == (1, said)


def test_what_another_command_changes_is_not_lost(tmp_path: Path) -> None:
    """One that comes between its reading and its writing says so, and changes nothing."""
    keys(tmp_path, "show")
    for file, commands in (
        ("trusted", [("trust", KEY), ("untrust", KEY)]),
        ("n1-all.key", [("rotate",), ("rotate", "--finish")]),
    ):
        path = tmp_path / "keys" / file
        with Claim(path.with_name(f"{file}.lock"), str(path), "a test"):
            before = path.read_bytes() if path.exists() else b""
            for command in commands:
                assert f"{path} is in use by a test" in keys(tmp_path, *command, code=1)
            assert (path.read_bytes() if path.exists() else b"") == before
    keys(tmp_path, "trust", KEY)
    assert read_trusted(tmp_path / "keys/trusted") == {bytes.fromhex(KEY): ""}
