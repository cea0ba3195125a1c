"""Entries are added to the token file: whole or not at all, one process at a time. The rest of the
file stays as it was written, comments too."""

import json
from dataclasses import dataclass
from pathlib import Path

from chatd.errors import AlreadyExists, os_error
from chatd.files.claim import Claim
from chatd.files.durable import replace_file
from chatd.gateway.authentication.identity import digest_of
from chatd.gateway.authentication.tokens_file import DIGEST_PREFIX, load_tokens, parse_tokens


@dataclass(frozen=True, slots=True)
class Entry:
    """The words that the file is to have for a token; empty: nothing. Times as TOML has them."""

    profile: str
    role: str = ""
    scopes: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    key: str = ""
    issued: str = ""
    expires: str = ""

    def to_toml(self, digest: bytes) -> str:
        lines = [f'[tokens."{DIGEST_PREFIX}{digest.hex()}"]', f"profile = {_text(self.profile)}"]
        lines += [
            f"{name} = {_text(value)}" for name, value in (("role", self.role), ("key", self.key)) if value
        ]
        lines += [
            f"{name} = [{', '.join(map(_text, values))}]"
            for name, values in (("scopes", self.scopes), ("devices", self.devices))
            if values
        ]
        lines += [
            f"{name} = {time}" for name, time in (("issued", self.issued), ("expires", self.expires)) if time
        ]
        return "\n".join(lines) + "\n"


def add_token(path: Path, token: str, entry: Entry, holder: str) -> None:
    """Add a token by its digest; a file that is missing is made first, as a gateway makes it.
    ``holder`` describes this process. Raises ConfigError for what would be wrong in the file,
    AlreadyExists, StartFailed while another process changes it."""
    digest = digest_of(token)
    with Claim(path.with_name(f"{path.name}.lock"), f"the token file {path}", holder):
        if load_tokens(path, create=True).identify(token, digest) is not None:
            raise AlreadyExists("the file has this token already")
        try:
            before = path.read_text(encoding="utf-8-sig")
            gap = "\n" if before.endswith("\n") else "\n\n"
            content = before + gap + entry.to_toml(digest)
            parse_tokens(path, content.encode("utf-8", "surrogatepass"))
            replace_file(path, content)
        except OSError as exc:
            raise os_error(f"TOKENS_FILE {path}", exc) from exc


def _text(value: str) -> str:
    """A TOML string: one of JSON is one, but for this character."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
