"""Who a token belongs to. A static table for now, read once from a TOML file of its own.

```toml
[tokens.4f1c…]
profile = "operator"
role = "operator"        # or "user"
```
"""

import hmac
import os
import secrets
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

from chatd.core.ids import check_id
from chatd.errors import ConfigError, InvalidId, PermissionDenied, Unauthenticated
from chatd.pb.node.v1.node_pb2 import Caller, Role
from chatd.text import nfc

_ROLES = {"user": Role.ROLE_USER, "operator": Role.ROLE_OPERATOR}


@dataclass(frozen=True, slots=True)
class Identity:
    """An authenticated client: whose it is and what it may do."""

    profile_id: str
    operator: bool

    def to_caller(self) -> Caller:
        return Caller(profile_id=self.profile_id, role=Role.ROLE_OPERATOR if self.operator else Role.ROLE_USER)


class TokenTable:
    """Tokens and their identities."""

    def __init__(self, identities: dict[str, Identity]) -> None:
        self._identities = identities

    def authenticate(self, token: str, act_for: str) -> Identity:
        """The identity of ``token``, acting for the profile ``act_for`` if given.

        Raises Unauthenticated for an unknown token, PermissionDenied when a user names another profile, InvalidId.
        """
        identity = None
        # Every token is compared, each in constant time: how long it takes tells nothing about the tokens.
        for known, candidate in self._identities.items():
            if hmac.compare_digest(known.encode(), token.encode()):
                identity = candidate
        if identity is None:
            raise Unauthenticated("no such token")
        act_for = nfc(act_for)
        if not act_for or act_for == identity.profile_id:
            return identity
        if not identity.operator:
            raise PermissionDenied("only an operator's token may act for another profile")
        return Identity(check_id("profile_id", act_for), operator=True)


def load_tokens(path: Path, *, create: bool) -> TokenTable:
    """Read the token file. With ``create`` a missing one is made, holding one operator's token. Raises ConfigError."""
    try:
        if create and not path.exists():
            _create(path)
        with path.open("rb") as file:
            document = tomllib.load(file)
    except FileNotFoundError as exc:
        raise ConfigError(f"TOKENS_FILE {path} does not exist") from exc
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
        raise ConfigError(f"TOKENS_FILE {path}: {exc}") from exc
    tokens = document.get("tokens")
    if not isinstance(tokens, dict) or not tokens:
        raise ConfigError(f"TOKENS_FILE {path} has no [tokens.…] table")
    return TokenTable({token: _identity(path, number, entry) for number, (token, entry) in enumerate(tokens.items(), 1)})


def _identity(path: Path, number: int, entry: object) -> Identity:
    """One entry. The token itself never appears in an error."""
    where = f"TOKENS_FILE {path}, token {number}"
    if not isinstance(entry, dict) or entry.keys() - {"profile", "role"}:
        raise ConfigError(f'{where}: an entry has profile = "…" and role = "user" or "operator", nothing else')
    role = entry.get("role", "user")
    if role not in _ROLES:
        raise ConfigError(f'{where}: role must be "user" or "operator"')
    try:
        return Identity(check_id("profile", str(entry.get("profile", ""))), operator=role == "operator")
    except InvalidId as exc:
        raise ConfigError(f"{where}: {exc}") from exc


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
