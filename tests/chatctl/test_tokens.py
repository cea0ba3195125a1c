"""chatctl token, against a real daemon."""

import base64
import hashlib
import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chatctl.command import Chatctl
from tests.daemons import Daemon

TOKENS = "".join(
    f'[tokens.{token}]\nprofile = "{profile}"\nrole = "{role}"\n'
    for token, profile, role in (("op", "ops", "operator"), ("t1", "bob", "user"), ("t2", "eve", "user"))
)


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    folder: Path = tmp_path_factory.mktemp("chatd")
    (folder / "tokens.toml").write_text(TOKENS)
    with Daemon("all", folder) as running:
        yield running


def refused(chatctl: Chatctl, token: str) -> str:
    """Wait until the token is refused; the error."""
    deadline = time.monotonic() + 15
    while True:
        shown = chatctl.in_shell(f"--token {token} unread", "2>&1")
        if shown.returncode or time.monotonic() > deadline:
            return shown.stdout


def test_a_token_from_a_file(chatctl: Chatctl, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("t1\n")
    done = chatctl.json("token", "revoke", "--file", str(tmp_path / "token"))
    digest = hashlib.sha256(b"t1").hexdigest()
    assert done["sha256"] == digest
    assert "was revoked (UNAUTHENTICATED)" in refused(chatctl, "t1")
    row = chatctl.json("token", "revoked")[0]
    assert (row["digest"], row["profile_id"], row["expires_at_us"]) == (digest, "", 0)
    assert digest[:16] in chatctl("token", "revoked").stdout


def test_a_profile_s_tokens(chatctl: Chatctl) -> None:
    assert "give --yes" in chatctl("token", "revoke", "--profile", "eve", code=2).stderr
    chatctl("token", "revoke", "--profile", "eve", "--yes")
    assert "was revoked (UNAUTHENTICATED)" in refused(chatctl, "t2")
    chatctl("token", "revoke", "--profile", "nobody", "--yes")  # a second page, whichever test is first
    newest, *older = chatctl.json("token", "revoked")
    page = chatctl("token", "revoked", "--limit", "1", "--json").stderr
    assert page.endswith(f"there are more; for the next ones: --after {newest['version']}\n")
    assert chatctl.json("token", "revoked", "--after", str(newest["version"])) == older


def test_a_jwt_is_kept_until_it_expires(chatctl: Chatctl) -> None:
    claims = base64.urlsafe_b64encode(json.dumps({"exp": 2_000_000_000}).encode()).decode().rstrip("=")
    token = f"eyJ9.{claims}.AAAA"
    chatctl("token", "revoke", "--file", "-", stdin=f"{token}\n")
    row = chatctl.json("token", "revoked")[0]
    assert row["digest"] == hashlib.sha256(token.encode()).hexdigest()
    assert row["expires_at_us"] == 2_000_000_600_000_000
    for wrong in ("a.b.c", "eyJ9.!!!.A", "eyJ9.bnVsbA.A"):
        chatctl("token", "revoke", "--file", "-", stdin=wrong)
        assert chatctl.json("token", "revoked")[0]["expires_at_us"] == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "give one of --profile"),
        (["--profile", "a", "--sha256", "b"], "give one of --profile"),
        (["--sha256", "zz"], "a SHA-256 has 64 characters"),
        (["--file", "/nowhere"], "cannot be read"),
        (["--file", "/dev/null"], "holds no token"),
    ],
)
def test_what_is_wrong_is_the_caller_s_mistake(chatctl: Chatctl, arguments: list[str], says: str) -> None:
    assert says in chatctl("token", "revoke", *arguments, code=2).stderr.replace("\n", " ")
