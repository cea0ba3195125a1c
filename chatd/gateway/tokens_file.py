"""The file of the tokens, TOML: a table for each token. No error quotes a token.

```toml
[tokens.4f1c…]
profile = "operator"
role = "operator"        # or "user"
```
"""

import secrets
from pathlib import Path

from chatd.core.ids import check_id
from chatd.core.toml import parse_toml
from chatd.errors import ConfigError, InvalidId, os_error
from chatd.files.durable import make_folder, write_new_file
from chatd.gateway.authentication import MAX_TOKEN_CHARACTERS, Identity, TokenTable, digest_of

_ROLES = ("user", "operator")


def load_tokens(path: Path, *, create: bool) -> TokenTable:
    """Read the token file. With ``create`` a missing one is made, holding one operator's token.
    Raises ConfigError for what is wrong in it, StartFailed if it cannot be read now."""
    try:
        if create and not path.exists():
            _create(path)
        tokens = parse_toml(path.read_bytes()).get("tokens")
    except OSError as exc:
        raise os_error(f"TOKENS_FILE {path}", exc) from exc
    except ValueError as exc:
        raise ConfigError(f"TOKENS_FILE {path} {exc}") from exc
    if not isinstance(tokens, dict) or not tokens:
        raise ConfigError(f"TOKENS_FILE {path} has no [tokens.…] table")
    identities = (
        _identity(f"TOKENS_FILE {path}, token {number}", token, entry)
        for number, (token, entry) in enumerate(tokens.items(), 1)
    )
    return TokenTable({identity.digest: identity for identity in identities})


def _identity(where: str, token: str, entry: object) -> Identity:
    """One entry. The token itself never appears in an error."""
    if not token.strip():
        raise ConfigError(f"{where}: the token is empty; it would let in everybody who sends none")
    if len(token) > MAX_TOKEN_CHARACTERS:
        raise ConfigError(f"{where}: the token is longer than {MAX_TOKEN_CHARACTERS} characters")
    if isinstance(entry, dict) and any(isinstance(value, dict) for value in entry.values()):
        raise ConfigError(f'{where}: a token that holds a dot must be in quotes: [tokens."…"]')
    if not isinstance(entry, dict) or entry.keys() - {"profile", "role"}:
        raise ConfigError(
            f'{where}: an entry has profile = "…" and role = "user" or "operator", nothing else'
        )
    role = entry.get("role", "user")
    if role not in _ROLES:
        raise ConfigError(f'{where}: role must be "user" or "operator"')
    try:
        profile = check_id("profile", str(entry.get("profile", "")))
    except InvalidId:
        # Without its text, which quotes the value: somebody may have put the token there.
        raise ConfigError(f'{where}: profile must be 1 to 128 bytes without white space and ":"') from None
    return Identity(profile, operator=role == "operator", digest=digest_of(token))


def _create(path: Path) -> None:
    make_folder(path.parent)
    text = (
        "# Tokens that chatd accepts, one table each; read at start and at SIGHUP. Keep this file to yourself.\n"
        f'[tokens.{secrets.token_hex(24)}]\nprofile = "operator"\nrole = "operator"\n'
    )
    write_new_file(path, text)
