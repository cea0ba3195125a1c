"""The file of the tokens, TOML: a table for each token. No error quotes a token.

```toml
[tokens.4f1c…]
profile = "operator"
role = "operator"        # or "user"
```
"""

import os
import secrets
import tempfile
from pathlib import Path

from chatd.core.ids import check_id
from chatd.core.toml import parse_toml
from chatd.errors import ConfigError, InvalidId
from chatd.gateway.authentication import MAX_TOKEN_CHARACTERS, Identity, TokenTable, digest_of

_ROLES = ("user", "operator")


def load_tokens(path: Path, *, create: bool) -> TokenTable:
    """Read the token file. With ``create`` a missing one is made, holding one operator's token. Raises ConfigError."""
    try:
        if create and not path.exists():
            _create(path)
        tokens = parse_toml(path.read_bytes()).get("tokens")
    except FileNotFoundError as exc:
        raise ConfigError(f"TOKENS_FILE {path} does not exist") from exc
    except OSError as exc:
        raise ConfigError(f"TOKENS_FILE {path}: {exc.strerror}") from exc
    except ValueError as exc:
        raise ConfigError(f"TOKENS_FILE {path} {exc}") from exc
    if not isinstance(tokens, dict) or not tokens:
        raise ConfigError(f"TOKENS_FILE {path} has no [tokens.…] table")
    identities = (_identity(f"TOKENS_FILE {path}, token {number}", token, entry) for number, (token, entry) in enumerate(tokens.items(), 1))
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
        raise ConfigError(f'{where}: an entry has profile = "…" and role = "user" or "operator", nothing else')
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
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    text = (
        "# Tokens that chatd accepts, one table each; read at start. Keep this file to yourself.\n"
        f'[tokens.{secrets.token_hex(24)}]\nprofile = "operator"\nrole = "operator"\n'
    )
    # Whoever sees the file sees all of it, and of several that start at once one makes it.
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
        os.link(temporary, path)
    except FileExistsError:
        pass
    finally:
        os.unlink(temporary)
