"""Contexts: what they hold, where, and what beats them."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.chatctl.command import Chatctl
from tests.daemons import Daemon

NOWHERE = "tcp://127.0.0.1:1"


@pytest.fixture
def bare(chatctl: Chatctl, tmp_path: Path) -> Chatctl:
    """chatctl whose environment names no service, but a folder for contexts."""
    for name in ("CHATD_URI", "CHATD_DATA_DIR", "CHATD_TOKEN", "CHATCTL_CONTEXT"):
        chatctl.environment.pop(name, None)
    chatctl.environment |= {
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "XDG_DATA_HOME": str(tmp_path / "none"),
    }
    return chatctl


def add(bare: Chatctl, name: str, uri: str, *options: str) -> str:
    return bare("context", "add", name, "--uri", uri, *options).stdout


def test_a_context_holds_address_token_file_and_profile(bare: Chatctl, uri: str, tokens: str) -> None:
    add(bare, "here", uri, "--token-file", os.path.relpath(tokens), "--as", "alice")
    assert bare.json("context", "show", "here") == {
        "name": "here",
        "current": False,
        "uri": uri,
        "token_file": tokens,
        "profile": "alice",
    }
    assert "not found" in bare("status", code=2).stderr
    assert bare.json("--context", "here", "unread") == []
    bare("context", "use", "here")
    assert bare.json("unread") == []
    assert [(one["name"], one["current"]) for one in bare.json("context", "list")] == [("here", True)]
    bare("context", "use", "--none")
    bare("status", code=2)
    bare.environment["CHATCTL_CONTEXT"] = "here"
    assert bare.json("context", "show")["name"] == "here"
    assert bare.json("unread") == []


def test_an_option_beats_the_environment_which_beats_the_context(
    bare: Chatctl, uri: str, tokens: str
) -> None:
    add(bare, "here", uri, "--token-file", tokens)
    add(bare, "nowhere", NOWHERE, "--token-file", tokens)
    bare("context", "use", "nowhere")
    quick = ("--timeout", "0.3", "status")
    bare(*quick, code=69)
    bare("--uri", uri, "status")
    bare.environment["CHATD_URI"] = uri
    bare("status")
    bare("--uri", NOWHERE, *quick, code=69)
    bare("--context", "nowhere", *quick, code=69)
    bare.environment["CHATD_URI"] = NOWHERE
    bare("--context", "here", "status")
    bare("--context", "here", "--uri", "tcp://127.0.0.1:2", *quick, code=69)


def test_a_token_of_the_environment_is_not_for_a_context_that_is_named(
    bare: Chatctl, uri: str, tokens: str
) -> None:
    add(bare, "here", uri, "--token-file", tokens)
    bare.environment |= {"CHATD_TOKEN": "wrong", "CHATCTL_CONTEXT": "here"}
    bare("status", code=1)
    bare("--context", "here", "status")
    bare("--token", "wrong too", "--context", "here", "status", code=1)


def test_no_token_is_kept_and_nobody_else_may_read(bare: Chatctl, uri: str) -> None:
    bare.environment["CHATD_TOKEN"] = "a-secret-token"
    add(bare, "here", uri + "#" + "5e" * 32)
    file = Path(bare.environment["XDG_CONFIG_HOME"]) / "chatd" / "contexts.toml"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert "a-secret-token" not in file.read_text()
    assert "5e5e" in file.read_text()
    assert [one.name for one in file.parent.iterdir()] == ["contexts.toml"]


def test_contexts_are_removed_and_replaced_when_that_is_said(bare: Chatctl, uri: str) -> None:
    add(bare, "here", uri)
    assert "give --yes" in bare("--uri", NOWHERE, "context", "add", "here", code=2).stderr
    bare("--uri", NOWHERE, "context", "add", "here", "--yes")
    assert bare.json("context", "show", "here")["uri"] == NOWHERE
    bare("context", "use", "here")
    assert "give --yes" in bare("context", "remove", "here", code=2).stderr
    bare("context", "remove", "here", "--yes")
    assert bare.json("context", "list") == []
    assert "no context is in use" in bare("context", "show", code=2).stderr


@pytest.mark.parametrize("name", ["", "-x", "a b", "é", "x" * 65, "a\x1b"])
def test_names_are_plain(bare: Chatctl, name: str) -> None:
    assert "1 to 64 letters" in bare("--uri", NOWHERE, "context", "add", "--", name, code=2).stderr


def test_what_is_not_there_is_said(bare: Chatctl, uri: str) -> None:
    assert "nothing to keep" in bare("context", "add", "here", code=2).stderr
    assert "there are none" in bare("context", "use", "prod", code=2).stderr
    add(bare, "here", uri)
    assert "no context 'prod'; there are: here" in bare("--context", "prod", "status", code=2).stderr
    bare("context", "use", code=2)
    file = Path(bare.environment["XDG_CONFIG_HOME"]) / "chatd" / "contexts.toml"
    file.write_text("[contexts]\nhere = 3\n")
    assert "does not hold chatctl's contexts" in bare("status", code=2).stderr


@pytest.fixture
def uri(daemon: Daemon) -> str:
    return daemon.uri


@pytest.fixture
def tokens(daemon: Daemon) -> str:
    return str(daemon.folder / "tokens.toml")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a home that is closed to it")
def test_a_home_of_another_user_has_no_contexts(bare: Chatctl, tmp_path: Path) -> None:
    """It is HOME after sudo. Without these rights root is a user like others."""
    tmp_path.chmod(0o700)
    os.chown(tmp_path, 65_534, 65_534)
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        bare.environment.pop(name)
    bare.environment["HOME"] = str(tmp_path / "home")
    without = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")
    done = subprocess.run(
        [*without, sys.executable, "-m", "chatctl", "status"],
        env=bare.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "no token: chatd's data directory is not found at /var/lib/chatd and" in done.stderr
