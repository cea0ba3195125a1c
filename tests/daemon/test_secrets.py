"""A canary in every secret; all that chatd and chatctl print, keep or pass on is searched for
it."""

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from chatd.daemon.settings.masking import may_hold_secret
from chatd.daemon.settings.settings import SECTIONS
from chatd.daemon.settings.sources import load_settings
from chatd.errors import ConfigError
from chatd.store.database import Database
from tests.daemon.test_process import chatctl, chatd
from tests.daemons import Daemon, free_port

CANARY = "c4nary"
SECRETS = {
    "DB_URI": f"postgresql://chatd:{CANARY}@127.0.0.1:1/chatd?sslpassword={CANARY}",
    "NOTIFY_WEBHOOK_URL": f"https://{CANARY}:{CANARY}@127.0.0.1/{CANARY}?token={CANARY}",
    "NOTIFY_WEBHOOK_SECRET": CANARY,
    "AUTH_WEBHOOK_URL": f"https://{CANARY}:{CANARY}@127.0.0.1:1/{CANARY}?key={CANARY}",
    "CACHE_URI": f"redis://u:{CANARY}@127.0.0.1:1/cache",
    "QUEUE_USER_EVENT_DELIVERY_URI": f"redis://u:{CANARY}@127.0.0.1:1/delivery",
}
TOKENS = f'[tokens.{CANARY}]\nprofile = "operator"\nrole = "operator"\n'


def halves(text: str) -> bool:
    """True if the canary, or one of its halves, is in ``text``: an error may show the end of a
    password."""
    return any(part in text for part in (CANARY, "c4n", "ary"))


def test_every_secret_is_known_here() -> None:
    marked = {
        name.upper()
        for section in SECTIONS.values()
        for name, field in section.model_fields.items()
        if may_hold_secret(field)
    }
    assert marked == SECRETS.keys()


@pytest.mark.parametrize("mode", ["all", "gateway"])
@pytest.mark.parametrize("wrong", ["", "NODE_ID"])
def test_settings(tmp_path: Path, mode: str, wrong: str) -> None:
    given = SECRETS | {
        "CHATD_DATA_DIR": str(tmp_path),
        "NOTIFIERS": "webhook",
        **({wrong: "a b"} if wrong else {}),
    }
    for options in ((), ("--json",)):
        shown = chatd(mode, "--check-config", *options, **given)
        assert shown.returncode == (2 if wrong else 0)
        assert not halves(shown.stdout + shown.stderr)


SPOILT = {
    "DB_URI": (
        "c4nary",
        "mysql://u:c4nary@h/d",
        "postgresql://u:c4n%ary@h/d",
        "postgresql://u:c4n/ary@h/d",
        "postgresql://u:c4n@ary@h/d",
        "postgresql://u:c4nary%@h/d",
        "postgresql://u:c4nary%zz@h/d",
        "postgresql://u@h/d?password=c4nary%zz",
    ),
    "NOTIFY_WEBHOOK_URL": ("c4nary", "ftp://c4nary@h", "https://c4n ary"),
    "NOTIFY_WEBHOOK_SECRET": (" ",),
    "AUTH_WEBHOOK_URL": ("c4nary", "http://c4nary@h/", "https://c4n ary:c4nary@[/"),
    "CACHE_URI": ("c4nary", "rediss://u:c4n%ary@h:x/q", "mysql://u:c4nary@h/q"),
    "QUEUE_USER_EVENT_DELIVERY_URI": ("c4nary", "redis://u:c4nary@h:x/q", "mysql://u:c4nary@h/q"),
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in SPOILT.items() for value in values]
)
def test_a_spoilt_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """From a file, where it may be of another kind too, and from the environment."""
    usual = {
        "CHATD_DATA_DIR": str(tmp_path),
        "NOTIFIERS": "webhook",
        "CHATD_CONFIG": "",
        "RUNTIME_DIR": str(tmp_path),
    }
    other = {key: text for key, text in SECRETS.items() if key != name}
    for key, text in (usual | other).items():
        monkeypatch.setenv(key, text)
    config = tmp_path / "chatd.toml"
    for text in (f'"{value}"', f'["{value}"]', f'{{ {CANARY} = "{value}" }}', f'"{value}'):
        config.write_text(f"{name.lower()} = {text}\n")
        with pytest.raises(ConfigError) as refused:
            load_settings("default", config)
        assert not halves(str(refused.value))
    started = chatd("default", **usual, **other, **{name: value})
    assert started.returncode in (1, 2)
    assert not halves(started.stdout + started.stderr)


def test_a_running_daemon_and_chatctl(tmp_path: Path) -> None:
    (tmp_path / "tokens.toml").write_text(TOKENS)
    settings = {name: value for name, value in SECRETS.items() if name != "DB_URI"} | {
        "NOTIFIERS": "webhook",
        "LOG_LEVEL": "debug",
    }
    printed = ""
    with Daemon("all", tmp_path, settings) as running:
        files = ["--token-file", str(tmp_path / "tokens.toml")]
        for token, command in itertools.product(
            (files, ["--token", f"x{CANARY}"], ["--token", f"{CANARY}\udcff"]), ("status", "nodes")
        ):
            done = chatctl("--uri", running.uri, "--timeout", "3", *token, command)
            printed += done.stdout + done.stderr
        refused = chatctl("--uri", f"tcp://127.0.0.1:{free_port()}", "--timeout", "0.3", *files, "status")
        printed += refused.stdout + refused.stderr
    (tmp_path / "tokens.toml").write_text(TOKENS * 2)
    again = chatctl(*files, "status")
    printed += again.stdout + again.stderr + running.log.read_text()
    assert not halves(printed.replace(str(tmp_path), ""))


def in_files(folder: Path, given: dict[str, str]) -> dict[str, str]:
    """Settings that name files with the secrets; the last is one of systemd's credentials."""
    folder.mkdir()
    for name, value in given.items():
        (folder / name.lower()).write_text(f"{value}\n")
        (folder / name.lower()).chmod(0o600)
    *names, credential = given
    (folder / "credentials").mkdir()
    (folder / credential.lower()).rename(folder / "credentials" / credential.lower())
    return {
        "CREDENTIALS_DIRECTORY": str(folder / "credentials"),
        **{f"{name}_FILE": str(folder / name.lower()) for name in names},
    }


def everything_in(database: Database) -> str:
    tables = (
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
        if database.engine == "postgres"
        else "SELECT name FROM sqlite_master WHERE type IN ('table', 'view')"
    )
    rows = [row for (table,) in database.rows(tables) for row in database.rows(f"SELECT * FROM {table}")]
    assert rows
    return "\n".join(str([bytes(one) if isinstance(one, memoryview) else one for one in row]) for row in rows)


def test_a_deployment_whose_secrets_are_in_files(tmp_path: Path, db_uri: str) -> None:
    """Started, used, reloaded, told of wrong files, crashed: the canary is in no line, argument,
    child, table or file but its own."""
    data, secrets = tmp_path / "data", tmp_path / "secrets"
    data.mkdir(mode=0o700)
    (data / "tokens.toml").write_text(TOKENS)
    program = tmp_path / "notify.sh"
    program.write_text(f"#!/bin/sh\nenv > {tmp_path}/env\ntr '\\0' ' ' </proc/$$/cmdline >> {tmp_path}/env\n")
    program.chmod(0o700)
    with_password = db_uri.replace("@", f":{CANARY}@")
    settings = in_files(secrets, {**SECRETS, "DB_URI": with_password}) | {
        "NOTIFIERS": "webhook,exec,log",
        "NOTIFY_EXEC": str(program),
        "LOG_LEVEL": "debug",
        "CHATD_DATA_DIR": str(data),
        "RUNTIME_DIR": str(tmp_path / "run"),
    }
    printed = ""
    node, gateway = (Daemon(mode, tmp_path, settings) for mode in ("default", "gateway"))
    for mode in ("default", "all"):
        shown = chatd(mode, "--check-config", "--json", **settings)
        assert json.loads(shown.stdout)["NOTIFY_WEBHOOK_SECRET"]["from"].startswith(str(secrets))
        printed += shown.stdout + shown.stderr
    with node, gateway:
        common = ["--uri", gateway.uri, "--token-file", str(data / "tokens.toml"), "--as", "bob"]
        for command in (
            ["room", "create", "lobby"],
            ["notify", "register", "one", "--notifier", "exec"],
            ["notify", "register", "two", "--notifier", "webhook"],
            ["notify", "test", "bob", "one"],
            ["notify", "test", "bob", "two"],
            ["audit"],
            ["status"],
        ):
            done = chatctl(*common, *command)
            assert "Traceback" not in done.stderr
            printed += done.stdout + done.stderr
        for pid in (node.pid, gateway.pid):
            printed += Path(f"/proc/{pid}/cmdline").read_text()
            printed += Path(f"/proc/{pid}/environ").read_text()
        (secrets / "db_uri").write_text(f"mysql://u:{CANARY}@h/d")
        (data / "tokens.toml").write_text(TOKENS + TOKENS)
        for daemon in (node, gateway):
            wanted = daemon.log.read_text().count("not reloaded") + 1
            os.kill(daemon.pid, signal.SIGHUP)
            deadline = time.monotonic() + 10
            while daemon.log.read_text().count("not reloaded") < wanted:
                assert time.monotonic() < deadline, daemon.log.read_text()
                time.sleep(0.05)
        printed += everything_in(Database(db_uri))
        printed += (tmp_path / "env").read_text()
        os.kill(node.pid, signal.SIGABRT)
    for name in ("default.log", "gateway.log"):
        printed += (tmp_path / name).read_text()
    for file in data.rglob("*"):
        if file.is_file() and file.name != "tokens.toml":
            printed += file.read_bytes().decode(errors="replace")
    assert "PATH=" in printed
    assert not halves(printed)


@pytest.mark.parametrize("style", ["json", "text"])
def test_a_traceback_shows_no_values(style: str) -> None:
    code = (
        "import structlog\nfrom chatd.daemon.logs import configure\n"
        "from chatd.notify.choice import NotifierSettings\n"
        f"configure('debug', {style!r})\n"
        "def fail(secret):\n    held = NotifierSettings(1, None, secret, secret, None, '', ())\n"
        "    structlog.get_logger().debug('A fault', settings=repr(held))\n    raise ValueError('x')\n"
        "import sys\nsecret = sys.stdin.read()\n"
        "try:\n    fail(secret)\nexcept ValueError:\n    structlog.get_logger().exception('It failed')\n"
        "fail(secret)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], input=CANARY, capture_output=True, text=True, check=False, timeout=20
    )
    assert done.stderr.count("ValueError") == 2
    assert not halves(done.stderr)
