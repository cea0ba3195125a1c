"""The token file: where it is looked for, which token is taken, what is wrong with it."""

from pathlib import Path

import pytest
import typer

from chatctl import token_file
from chatctl.token_file import data_folders, first_token, own_token
from tests.chatctl.command import Chatctl

USER = '[tokens.of-a-user]\nprofile = "eve"\nrole = "user"\n'
OPERATOR = '[tokens.of-an-operator]\nprofile = "root"\nrole = "operator"\n'


def test_the_first_operators_token_is_taken_else_the_first(tmp_path: Path) -> None:
    path = tmp_path / "tokens.toml"
    path.write_text(USER + OPERATOR)
    assert first_token(path) == "of-an-operator"
    path.write_text(USER)
    assert first_token(path) == "of-a-user"


def test_a_digest_is_no_token(tmp_path: Path) -> None:
    path = tmp_path / "tokens.toml"
    digest = '[tokens."sha256:00"]\nprofile = "root"\nrole = "operator"\n'
    path.write_text(digest + USER)
    assert first_token(path) == "of-a-user"
    path.write_text(digest)
    with pytest.raises(typer.BadParameter, match="holds only digests; give --token"):
        first_token(path)


@pytest.mark.parametrize("content", [b"", b"[tokens]\n", b"tokens = 3\n", b"[tokens", b"\xff"])
def test_a_file_that_is_none_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "tokens.toml"
    path.write_bytes(content)
    with pytest.raises(typer.BadParameter, match="is not a chatd token file"):
        first_token(path)


def test_a_missing_or_unreadable_file_is_told_apart(tmp_path: Path) -> None:
    with pytest.raises(typer.BadParameter, match="does not exist; give --token or --token-file"):
        first_token(tmp_path / "tokens.toml")
    with pytest.raises(typer.BadParameter, match="cannot be read"):
        first_token(tmp_path)


def test_it_is_in_the_data_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", "/state")
    monkeypatch.delenv("CHATD_DATA_DIR", raising=False)
    assert data_folders() == [Path("/state")]
    monkeypatch.setenv("CHATD_DATA_DIR", "/data")
    assert data_folders() == [Path("/data")]


def test_it_is_said_where_it_was_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CHATD_DATA_DIR", "DATA_DIR", "STATE_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    system, home = tmp_path / "system", tmp_path / "home"
    monkeypatch.setattr(token_file, "SYSTEM", system)
    monkeypatch.setenv("XDG_DATA_HOME", str(home))
    with pytest.raises(typer.BadParameter, match=f"is not found at {system} and {home}/chatd; start chatd"):
        own_token()
    system.mkdir()
    with pytest.raises(typer.BadParameter, match=f"{system} holds no tokens.toml that this user may read"):
        own_token()
    (home / "chatd").mkdir(parents=True)
    (home / "chatd/tokens.toml").write_text(USER)
    assert own_token() == "of-a-user"
    (system / "tokens.toml").write_text(OPERATOR)
    assert own_token() == "of-an-operator"


def test_a_token_file_that_is_none_is_the_callers_mistake(chatctl: Chatctl, tmp_path: Path) -> None:
    chatctl("--token-file", "/nowhere", "status", code=2)
    chatctl("--token-file", str(tmp_path), "status", code=2)
    (tmp_path / "tokens.toml").write_text("[tokens]\n")
    chatctl("--token-file", str(tmp_path / "tokens.toml"), "status", code=2)
