from hashlib import sha256
from pathlib import Path

import pytest

from chatd.core.scopes import ALL_SCOPES, NO_SCOPES, Scope
from chatd.errors import ConfigError
from chatd.gateway.authentication.identity import digest_of
from chatd.gateway.authentication.tokens_file import load_tokens

CANARY = "c4nary"
_ENTRY = 'profile = "alice"\n'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f'[tokens.""]\n{_ENTRY}', "token 1: the token is empty"),
        (f'[tokens.{CANARY}]\n{_ENTRY}[tokens."  "]\n{_ENTRY}', "token 2: the token is empty"),
        (f"[tokens.{CANARY}{'x' * 4096}]\n{_ENTRY}", "token 1: the token is longer than 4096 characters"),
        (
            f"[tokens.{CANARY}.dot]\n{_ENTRY}",
            'token 1: a token that holds a dot must be in quotes: [tokens."…"]',
        ),
        (f"[tokens.{CANARY}]\n{_ENTRY}[tokens.{CANARY}]\n", "is not TOML (at line 3, column "),
        (f"[tokens.{CANARY} x]\n{_ENTRY}", "is not TOML (at line 1, column "),
        (f'[tokens]\n{CANARY} = "alice"\n', "token 1: an entry has profile ="),
        (f'[tokens.x]\nprofile = "{CANARY} {CANARY}"\n', "token 1: profile must be 1 to 128 bytes"),
        (f'[tokens.x]\n{_ENTRY}role = "{CANARY}"\n', 'token 1: role must be "user" or "operator"'),
        (f'[tokens.x]\n{_ENTRY}scopes = ["read"]\n', 'token 1: scopes are for role = "operator"'),
        (
            f'[tokens.x]\n{_ENTRY}role = "operator"\nscopes = ["{CANARY}"]\n',
            "scopes must be a list of read, ",
        ),
        (f'[tokens.x]\n{_ENTRY}role = "operator"\nscopes = []\n', "scopes must be a list of read, "),
        (f'[tokens.x]\n{_ENTRY}devices = "{CANARY}"\n', "token 1: devices must be a list of device ids"),
        (f'[tokens.x]\n{_ENTRY}devices = ["{CANARY} "]\n', "token 1: devices must be a list of device ids"),
        (f'[tokens.x]\n{_ENTRY}key = "{CANARY}"\n', "token 1: key: a key is 64 hexadecimal digits"),
        (f'[tokens.x]\n{_ENTRY}expires = "{CANARY}"\n', "token 1: expires must be a time with its offset"),
        (f"[tokens.x]\n{_ENTRY}issued = 2026-11-01T00:00:00\n", "token 1: issued must be a time with its"),
        (f'[tokens."sha256:{CANARY}"]\n{_ENTRY}', "token 1: sha256: needs a digest of 64 characters"),
        (
            f'[tokens.{CANARY}]\n{_ENTRY}[tokens."sha256:{sha256(CANARY.encode()).hexdigest()}"]\n{_ENTRY}',
            "token 2: an entry before has the same token",
        ),
        (f"# {CANARY}\n", "has no [tokens.…] table"),
        ("", "has no [tokens.…] table"),
    ],
)
def test_a_bad_file_is_refused_and_not_quoted(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "tokens.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as refused:
        load_tokens(path, create=True)
    assert str(refused.value).startswith(f"TOKENS_FILE {path}")
    assert says in str(refused.value)
    assert CANARY not in str(refused.value).replace(str(tmp_path), "")
    assert "\n" not in str(refused.value)


def test_a_byte_order_mark_is_none_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "tokens.toml"
    path.write_bytes(b'\xef\xbb\xbf[tokens."a.b"]\nprofile = "alice"\n')
    assert load_tokens(path, create=False).identify("a.b", digest_of("a.b")) is not None
    path.write_bytes(b'[tokens.a]\nprofile = "\xff"\n')
    with pytest.raises(ConfigError, match=r"is not UTF-8 \(at byte 23\)"):
        load_tokens(path, create=False)


def test_a_digest_stands_for_its_token_and_is_none(tmp_path: Path) -> None:
    path = tmp_path / "tokens.toml"
    name = f"sha256:{digest_of(CANARY).hex()}"
    path.write_text(f'[tokens."{name}"]\n{_ENTRY}')
    table = load_tokens(path, create=False)
    assert table.identify(CANARY, digest_of(CANARY)) is not None
    assert table.identify(name, digest_of(name)) is None


def test_rights_devices_keys_and_times(tmp_path: Path) -> None:
    path = tmp_path / "tokens.toml"
    key = bytes(range(32))
    path.write_text(
        f"""
        [tokens.a]
        profile = "alice"
        devices = ["phone", "laptop"]
        key = "{key.hex()}"
        issued = 2026-11-01T00:00:00Z
        expires = "2027-11-01T02:00:00+02:00"

        [tokens.b]
        profile = "bob"
        role = "operator"

        [tokens.c]
        profile = "carol"
        role = "operator"
        scopes = ["erase", "read"]
        """
    )
    table = load_tokens(path, create=False)
    alice, bob, carol = (table.identify(token, digest_of(token)) for token in "abc")
    assert alice is not None
    assert bob is not None
    assert carol is not None
    assert (alice.devices, alice.key, alice.scopes) == (frozenset({"phone", "laptop"}), key, NO_SCOPES)
    assert alice.expires_at - alice.issued_at == 365 * 86_400
    assert bob.scopes == ALL_SCOPES
    assert carol.scopes == {Scope.ERASE, Scope.READ}
