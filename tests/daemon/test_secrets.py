"""A canary in every secret, and everything that chatd and chatctl print is searched for it."""

import itertools
from pathlib import Path

import pytest

from chatd.daemon.settings.masking import may_hold_secret
from chatd.daemon.settings.settings import SECTIONS
from chatd.daemon.settings.sources import load_settings
from chatd.errors import ConfigError
from tests.daemon.test_process import chatctl, chatd
from tests.daemons import Daemon, free_port

CANARY = "c4nary"
SECRETS = {
    "DB_URI": f"postgresql://chatd:{CANARY}@127.0.0.1:1/chatd?sslpassword={CANARY}",
    "NOTIFY_WEBHOOK_URL": f"https://{CANARY}:{CANARY}@127.0.0.1/{CANARY}?token={CANARY}",
    "NOTIFY_WEBHOOK_SECRET": CANARY,
    "AUTH_WEBHOOK_URL": f"https://{CANARY}:{CANARY}@127.0.0.1:1/{CANARY}?key={CANARY}",
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
