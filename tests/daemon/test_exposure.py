"""Places with secrets that other users can read are named at start."""

import json
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatd.daemon.exposure import exposed_mode
from tests.certificates import Authority
from tests.daemons import Daemon
from tests.gateway.authentication.issuer import RULE, Issuer, jwks

SENTENCE = "Other users can read this"


@pytest.fixture
def open_path() -> Iterator[Path]:
    """A folder that every user can reach: pytest closes its own."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def test_what_others_can_read(open_path: Path) -> None:
    folder, file = open_path / "folder", open_path / "folder" / "tokens.toml"
    folder.mkdir()
    file.write_text("")
    for folder_mode, file_mode, seen in (
        (0o755, 0o644, ("0755", "0644")),
        (0o711, 0o644, ("0711", "0644")),
        (0o711, 0o640, ("0711", "0640")),
        (0o711, 0o600, ("0711", "")),
        (0o700, 0o644, ("", "")),
        (0o750, 0o640, ("0750", "0640")),
        (0o750, 0o604, ("0750", "")),
    ):
        folder.chmod(folder_mode)
        file.chmod(file_mode)
        assert (exposed_mode(folder), exposed_mode(file)) == seen
    assert exposed_mode(open_path / "missing") == ""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to others")
def test_what_somebody_else_owns_may_be_for_its_group(open_path: Path) -> None:
    """As root's file for chatd's group is."""
    file = open_path / "chatd.toml"
    file.write_text("")
    os.chown(file, 12_345, 12_345)
    file.chmod(0o640)
    assert exposed_mode(file) == ""
    file.chmod(0o644)
    assert exposed_mode(file) == "0644"


def test_said_at_start(open_path: Path) -> None:
    folder, config = open_path / "data", open_path / "chatd.toml"
    folder.mkdir()
    folder.chmod(0o700)
    config.write_text('notify_webhook_secret = "s"\n')
    config.chmod(0o644)
    settings = {"LOG_FORMAT": "json", "CHATD_CONFIG": str(config)}
    with Daemon("all", folder, settings) as closed:
        assert named(closed.log) == [(str(config), "passwords")]
    folder.chmod(0o755)
    (folder / "tokens.toml").chmod(0o644)
    config.chmod(0o600)
    with Daemon("all", folder, settings, name="again") as opened:
        assert named(opened.log) == [(str(folder), "data"), (str(folder / "tokens.toml"), "tokens")]


def test_a_certificates_key_is_one_of_the_secrets(open_path: Path) -> None:
    certificate, key = Authority(open_path, "authority").issue("gate", "localhost")
    for mode, uri, seen in (
        (0o600, "https://127.0.0.1:*", []),
        (0o644, "https://127.0.0.1:*", [(str(key), "a private key")]),
        (0o644, "http://127.0.0.1:*", []),  # it is not read
    ):
        key.chmod(mode)
        files = {"HTTP_TLS_CERT_FILE": certificate, "HTTP_TLS_KEY_FILE": key}
        name = f"of-{mode}-{uri[:5].strip(':')}"
        with Daemon("all", open_path / name, {"LOG_FORMAT": "json", "HTTP_URI": uri, **files}) as daemon:
            assert [one for one in named(daemon.log) if one[1] != "data"] == seen


def test_what_others_can_change_is_said_at_start(open_path: Path) -> None:
    folder, config, issuer = open_path / "data", open_path / "chatd.toml", open_path / "keys.json"
    (folder / "keys").mkdir(parents=True)
    believed = [folder / "tokens.toml", issuer, folder / "keys" / "trusted", config]
    believed[0].write_text('[tokens.t]\nprofile = "p"\n')
    issuer.write_text(jwks([Issuer()]))
    believed[2].write_text("")
    config.write_text("max_members_per_room = 10\n")
    for path in (folder, folder / "keys"):
        path.chmod(0o711)
    settings = {"LOG_FORMAT": "json", "CHATD_CONFIG": str(config), "JWT_KEYS_FILE": issuer, **RULE}
    for mode, expected in ((0o644, []), (0o622, [str(path) for path in believed])):
        for path in believed:
            path.chmod(mode)
        with Daemon("all", folder, settings, name=f"of-{mode}") as daemon:
            lines = [json.loads(line) for line in daemon.log.read_text().splitlines()]
        found = [line["path"] for line in lines if "Other users can change this" in line["message"]]
        assert found == expected


@pytest.mark.parametrize("umask", [0o000, 0o022])
def test_what_chatd_makes_is_its_users_alone(open_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        apart = {"RUNTIME_DIR": open_path / "data" / "run", "GATEWAY_URI": f"ipc://{open_path}/gateway"}
        node, gateway = (
            Daemon(mode, open_path / "log", {**apart, "CHATD_DATA_DIR": open_path / "data"})
            for mode in ("default", "gateway")
        )
        with node, gateway:
            made = [open_path / "gateway", *(open_path / "data").rglob("*")]
            modes = {path: stat.S_IMODE(path.stat().st_mode) for path in [open_path / "data", *made]}
    finally:
        os.umask(before)
    names = {path.name for path in modes}
    assert {"chatd.db", "chatd.db-wal", "tokens.toml", "keys", "log-default.json"} <= names, names
    assert not {path: oct(mode) for path, mode in modes.items() if mode & 0o077}


def named(log: Path) -> list[tuple[str, str]]:
    lines = [json.loads(line) for line in log.read_text().splitlines() if SENTENCE in line]
    return [(line["path"], line["holds"]) for line in lines]
