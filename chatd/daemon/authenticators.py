"""The tokens that a gateway accepts: those of its files, and the ways to read them again."""

from collections.abc import Iterator
from dataclasses import dataclass

from chatd.daemon.settings import Settings
from chatd.gateway.authentication.jwt_keys import load_jwt_keys
from chatd.gateway.authentication.jwt_tokens import JwtTokens
from chatd.gateway.authentication.token_table import TokenTable
from chatd.gateway.authentication.tokens_file import load_tokens


@dataclass(frozen=True, slots=True)
class TokenFiles:
    """The authenticators that files say all about. They are asked in this order."""

    table: TokenTable
    jwt: JwtTokens | None

    def __iter__(self) -> Iterator[TokenTable | JwtTokens]:
        yield self.table
        if self.jwt is not None:
            yield self.jwt


def load_token_files(settings: Settings, *, create: bool = False) -> TokenFiles:
    """Read the files. With ``create`` a missing token file is made. Raises ConfigError,
    StartFailed."""
    section = settings.authentication
    table = load_tokens(section.tokens(settings.place), create=create)
    if section.jwt_keys_file is None:
        return TokenFiles(table, None)
    return TokenFiles(table, JwtTokens(load_jwt_keys(section.jwt_keys_file), section.jwt_rule()))
