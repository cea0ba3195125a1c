"""Entries that are added to the token file."""

import stat
import tomllib
from pathlib import Path

import pytest

from chatd.core.scopes import Scope
from chatd.errors import AlreadyExists, ConfigError, StartFailed
from chatd.files.claim import Claim
from chatd.gateway.authentication.identity import digest_of
from chatd.gateway.authentication.tokens_edit import Entry, add_token
from chatd.gateway.authentication.tokens_file import load_tokens

COMMENTED = """# Ours.

[tokens.plain]   # the first
profile = "alice"
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "tokens.toml"
    made.write_text(COMMENTED)
    made.chmod(0o640)
    return made


def test_what_is_there_stays_as_it_is(path: Path) -> None:
    add_token(path, "c4nary", Entry("bob"), "a test")
    text = path.read_text()
    assert text.startswith(COMMENTED)
    assert "c4nary" not in text
    assert stat.S_IMODE(path.stat().st_mode) == 0o640, "a group that read it reads it still"
    table = load_tokens(path, create=False)
    assert [one.profile_id for one in table] == ["alice", "bob"]
    assert table.identify("c4nary", digest_of("c4nary")) is not None


def test_everything_an_entry_may_say(path: Path) -> None:
    entry = Entry(
        'b"\\\U0001f600\u00e9',
        role="operator",
        scopes=("read", "erase"),
        devices=("phone",),
        issued="2026-11-26T00:00:00Z",
        expires="2027-11-26T00:00:00Z",
    )
    add_token(path, "t", entry, "a test")
    found = load_tokens(path, create=False).identify("t", digest_of("t"))
    assert found is not None
    assert (found.profile_id, found.scopes) == (entry.profile, frozenset({Scope.READ, Scope.ERASE}))
    assert (found.devices, found.expires_at - found.issued_at) == (frozenset({"phone"}), 365 * 86_400)


def test_a_file_without_a_last_line_end(path: Path) -> None:
    path.write_text(COMMENTED.rstrip())
    add_token(path, "t", Entry("bob"), "a test")
    assert len(load_tokens(path, create=False)) == 2


def test_a_missing_file_is_made_as_a_gateway_makes_it(tmp_path: Path) -> None:
    path = tmp_path / "new/tokens.toml"
    add_token(path, "t", Entry("bob"), "a test")
    assert [one.profile_id for one in load_tokens(path, create=False)] == ["operator", "bob"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("token", "entry", "error"),
    [
        ("plain", Entry("bob"), AlreadyExists),
        ("t", Entry("b b"), ConfigError),
        ("t", Entry("b\udc00"), ConfigError),
        ("t", Entry("b", role="operator", scopes=("all",)), ConfigError),
        ("t", Entry("b", key="x"), ConfigError),
        ("t", Entry("b", expires="soon"), ConfigError),
        ("t", Entry('b"\n[tokens.c4nary]\nprofile = "c'), ConfigError),
    ],
)
def test_a_wrong_entry_leaves_the_file_alone(
    path: Path, token: str, entry: Entry, error: type[Exception]
) -> None:
    with pytest.raises(error):
        add_token(path, token, entry, "a test")
    assert path.read_text() == COMMENTED


def test_a_wrong_file_is_left_alone(path: Path) -> None:
    path.write_bytes(b"\xff")
    with pytest.raises(ConfigError):
        add_token(path, "t", Entry("bob"), "a test")
    assert path.read_bytes() == b"\xff"


def test_one_at_a_time(path: Path) -> None:
    with (
        Claim(path.with_name("tokens.toml.lock"), "it", "somebody else"),
        pytest.raises(StartFailed, match="in use by somebody else"),
    ):
        add_token(path, "t", Entry("bob"), "a test")
    assert tomllib.loads(path.read_text())["tokens"].keys() == {"plain"}
