"""Trouble that may pass by itself ends chatd with 1, and systemd tries again; settings that can
never work end it with 2, and it does not. One line in both cases."""

from pathlib import Path

import pytest

from tests.daemon.test_process import chatd
from tests.daemons import free_port

MISSING = {
    "NOTIFY_VAPID_KEY": {
        "NOTIFIERS": "webpush",
        "NOTIFY_VAPID_SUBJECT": "mailto:a@b",
        "NOTIFY_VAPID_KEY": "{folder}/none/key.pem",
    },
    "TOKENS_FILE": {"TOKENS_FILE": "/sys/chatd/tokens.toml"},
    "DATA_DIR": {"CHATD_DATA_DIR": "/sys/chatd"},
    "DB_URI": {"DB_URI": "sqlite:////sys/chatd/chatd.db"},
    "CHATD_CONFIG": {"CHATD_CONFIG": "{folder}/none/chatd.toml"},
    "the address": {"GATEWAY_URI": "ipc:///sys/chatd/socket"},
    "the database": {"DB_URI": "postgresql://u@127.0.0.1:1/d"},
}
WRONG = {
    "no path": {"CHATD_DATA_DIR": "{folder}/file/data"},
    "no key": {
        "NOTIFIERS": "webpush",
        "NOTIFY_VAPID_SUBJECT": "mailto:a@b",
        "NOTIFY_VAPID_KEY": "{folder}/file",
    },
    "no tokens": {"TOKENS_FILE": "{folder}/file"},
    "no settings": {"CHATD_CONFIG": "{folder}/bad.toml"},
    "a folder": {"TOKENS_FILE": "{folder}"},
    "no address": {"GATEWAY_URI": "tcp://127.0.0.1"},
    "too long": {"DB_URI": f"sqlite:////tmp/{'x' * 300}/chatd.db"},
}


@pytest.mark.parametrize(("name", "code"), [*((name, 1) for name in MISSING), *((name, 2) for name in WRONG)])
def test_exit_codes(tmp_path: Path, name: str, code: int) -> None:
    (tmp_path / "file").write_text("nothing")
    (tmp_path / "bad.toml").write_text("nothing")
    given = {**MISSING, **WRONG}[name]
    usual = {"CHATD_DATA_DIR": str(tmp_path / "data"), "GATEWAY_URI": f"tcp://127.0.0.1:{free_port()}"}
    done = chatd("all", **usual | {key: value.format(folder=tmp_path) for key, value in given.items()})
    assert done.returncode == code, done.stderr
    said = [line for line in done.stderr.splitlines() if not line.startswith("{")]
    assert len(said) == 1
    assert said[0].startswith("chatd: ")
