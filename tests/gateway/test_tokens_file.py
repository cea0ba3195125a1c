from pathlib import Path

import pytest

from chatd.errors import ConfigError
from chatd.gateway.tokens_file import load_tokens

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
    assert load_tokens(path, create=False).authenticate("a.b", "").profile_id == "alice"
    path.write_bytes(b'[tokens.a]\nprofile = "\xff"\n')
    with pytest.raises(ConfigError, match=r"is not UTF-8 \(at byte 23\)"):
        load_tokens(path, create=False)
