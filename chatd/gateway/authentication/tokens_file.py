"""The file of the tokens, TOML: a table for each token, or for its SHA-256 digest, so that the
file holds no secret. No error quotes a token.

```toml
[tokens.4f1c…]
profile = "operator"
role = "operator"               # or "user"
scopes = ["read", "operate"]    # of "read", "operate", "erase"; default: all

[tokens."sha256:9f86…"]
profile = "alice"
devices = ["phone", "laptop"]   # those that it may stream for; default: any
key = "5e31…"                  # the public key that its client must have (chatctl key)
issued = 2026-11-01T00:00:00Z
expires = 2027-11-01T00:00:00Z
```
"""

import math
import re
import secrets
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from chatd.core.address import parse_key
from chatd.core.ids import check_id
from chatd.core.toml import parse_toml
from chatd.errors import ConfigError, InvalidArgument, InvalidId, os_error
from chatd.files.durable import make_folder, write_new_file
from chatd.gateway.authentication.identity import (
    MAX_TOKEN_CHARACTERS,
    Identity,
    device_ids,
    digest_of,
    rights,
)
from chatd.gateway.authentication.token_table import TokenTable

SOURCE = "file"
DIGEST_PREFIX = "sha256:"
_KEYS = ("profile", "role", "scopes", "devices", "key", "issued", "expires")


def load_tokens(path: Path, *, create: bool) -> TokenTable:
    """Read the token file. With ``create`` a missing one is made, holding one operator's token.
    Raises ConfigError for what is wrong in it, StartFailed if it cannot be read now."""
    try:
        if create and not path.exists():
            _create(path)
        content = path.read_bytes()
    except OSError as exc:
        raise os_error(f"TOKENS_FILE {path}", exc) from exc
    return TokenTable(parse_tokens(path, content))


def parse_tokens(path: Path, content: bytes) -> dict[bytes, Identity]:
    """The identities in the file's content, by their tokens' digests, in the file's order. Raises
    ConfigError."""
    try:
        tokens = parse_toml(content).get("tokens")
    except ValueError as exc:
        raise ConfigError(f"TOKENS_FILE {path} {exc}") from exc
    if not isinstance(tokens, dict) or not tokens:
        raise ConfigError(f"TOKENS_FILE {path} has no [tokens.…] table")
    identities: dict[bytes, Identity] = {}
    for number, (token, entry) in enumerate(tokens.items(), 1):
        where = f"TOKENS_FILE {path}, token {number}"
        identity = _identity(where, token, entry)
        if identity.digest in identities:
            raise ConfigError(f"{where}: an entry before has the same token")
        identities[identity.digest] = identity
    return identities


def _identity(where: str, token: str, entry: object) -> Identity:
    """One entry. The token itself never appears in an error."""
    digest = _digest(where, token)
    if isinstance(entry, dict) and any(isinstance(value, dict) for value in entry.values()):
        raise ConfigError(f'{where}: a token that holds a dot must be in quotes: [tokens."…"]')
    if not isinstance(entry, dict) or entry.keys() - set(_KEYS):
        raise ConfigError(f'{where}: an entry has profile = "…", and may have {", ".join(_KEYS[1:])}')
    try:
        profile = check_id("profile", str(entry.get("profile", "")))
    except InvalidId:
        # Without its text, which quotes the value: somebody may have put the token there.
        raise ConfigError(f'{where}: profile must be 1 to 128 bytes without white space and ":"') from None
    try:
        return Identity(
            profile,
            rights(entry.get("role"), entry.get("scopes")),
            digest,
            SOURCE,
            devices=device_ids(entry.get("devices")),
            key=_key(entry),
            issued_at=_time(entry, "issued", 0.0),
            expires_at=_time(entry, "expires", math.inf),
        )
    except InvalidArgument as exc:
        raise ConfigError(f"{where}: {exc}") from exc


def _digest(where: str, token: str) -> bytes:
    if token.startswith(DIGEST_PREFIX):
        text = token.removeprefix(DIGEST_PREFIX)
        if not re.fullmatch(r"[0-9a-f]{64}", text):
            raise ConfigError(f"{where}: {DIGEST_PREFIX} needs a digest of 64 characters, 0-9 and a-f")
        return bytes.fromhex(text)
    if not token.strip():
        raise ConfigError(f"{where}: the token is empty; it would let in everybody who sends none")
    if len(token) > MAX_TOKEN_CHARACTERS:
        raise ConfigError(f"{where}: the token is longer than {MAX_TOKEN_CHARACTERS} characters")
    return digest_of(token)


def _key(entry: Mapping[str, object]) -> bytes:
    """Raises InvalidArgument."""
    if "key" not in entry:
        return b""
    try:
        return parse_key(str(entry["key"]))
    except ConfigError as exc:
        raise InvalidArgument(f"key: {exc}") from exc


def _time(entry: Mapping[str, object], key: str, default: float) -> float:
    """Seconds since the Unix epoch. Raises InvalidArgument."""
    if key not in entry:
        return default
    value = entry[key]
    try:
        time = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        time = None
    if not isinstance(time, datetime) or time.tzinfo is None:
        raise InvalidArgument(f"{key} must be a time with its offset, such as 2027-11-01T00:00:00Z")
    return time.timestamp()


def _create(path: Path) -> None:
    make_folder(path.parent)
    text = (
        "# Tokens that chatd accepts, one table each; read at start and at SIGHUP. Keep this file to yourself.\n"
        f'[tokens.{secrets.token_hex(24)}]\nprofile = "operator"\nrole = "operator"\n'
    )
    write_new_file(path, text)
