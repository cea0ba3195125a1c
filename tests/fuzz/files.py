"""The fuzz target of files that people write: TOML, the tokens in it, and trusted keys. An error
says where the fault is, and quotes nothing. An input is a file's content."""

import re
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from chatd.core.toml import parse_toml
from chatd.errors import ConfigError
from chatd.files.trusted_keys import read_trusted, write_trusted
from chatd.gateway.authentication.tokens_file import parse_tokens

FAULT = re.compile(
    r"is not UTF-8 \(at byte \d+\)|is not TOML \(at (line \d+, column \d+|end of document|an unknown place)\)"
)
PATH = Path("tokens.toml")
FOLDER = tempfile.TemporaryDirectory(prefix="chatd-fuzz-")


def check(data: bytes) -> None:
    fault = said(parse_toml, data)
    assert not fault or FAULT.fullmatch(fault)
    assert said(partial(parse_tokens, PATH), data).isprintable()
    check_keys(data)


def said(parse: Callable[[bytes], object], data: bytes) -> str:
    """The error's text; empty if there is none."""
    try:
        parse(data)
    except (ValueError, ConfigError) as exc:
        return str(exc)
    return ""


def check_keys(data: bytes) -> None:
    path = Path(FOLDER.name) / "trusted"
    path.write_bytes(data)
    try:
        trusted = read_trusted(path)
    except ConfigError:
        return
    write_trusted(path, trusted)
    assert read_trusted(path) == trusted


def _token(entry: str) -> bytes:
    return f"[tokens.secret]\nprofile = 'alice'\n{entry}\n".encode()


SEEDS = {
    "tokens": _token("role = 'operator'\nscopes = ['read']"),
    "times": _token("issued = 2026-11-01T00:00:00Z\nexpires = '0001-01-01T00:00:00+14:00'"),
    "devices": _token("devices = ['phone', '']\nkey = 'rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7'"),
    "digest": f"[tokens.'sha256:{'9f' * 32}']\nprofile = 'bob'\n".encode(),
    "mark": "\ufeff[tokens.x]\nprofile = 'a\u0301'".encode(),
    "not-utf-8": b"[tokens.x]\nprofile = '\xff'",
    "bad": b"[tokens.x\nprofile =",
    "found-deep": b"x = " + b"[" * 5_000,
    "found-deep-tables": b"x = " + b"{a=" * 3_000,
    "found-digits": b"x = " + b"9" * 5_000,
    "dates": b"x = 0000-13-40T99:99:99",
    "keys": b"# Gateways\n" + b"5e" * 32 + b" gateway one\n\n" + b"ab" * 32 + b"\n",
    "bad-keys": b"zz gateway",
}
