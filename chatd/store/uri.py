"""The database's address, judged before libpq sees it: libpq's own errors quote parts of an address
that it cannot read, passwords too."""

from __future__ import annotations

import re

import psycopg2
from psycopg2.extensions import parse_dsn

from chatd.store.encryption import clear_text_fault

_ENCODE = (
    "a user's name, a password or a database's name that holds other characters than A-Z a-z 0-9 - . _ "
    "~ must percent-encode them"
)


def uri_fault(uri: str) -> str:
    """Return the fault of DB_URI, quoting at most a host of it; empty if there is none."""
    if uri.startswith("sqlite:///~"):
        return "begins with ~, which only a shell understands; it must name the whole path"
    if re.match(r"sqlite:///.", uri):
        return ""
    if not re.match(r"postgres(ql)?://", uri):
        return "must be sqlite:////path/of/file or postgresql://user:password@host/database"
    try:
        parsed = parse_dsn(uri)
    except (psycopg2.ProgrammingError, UnicodeError, ValueError):
        return f"is not an address that PostgreSQL understands; {_ENCODE}"
    # libpq ends the password at the first of "@" and "/", and takes the rest for a host, a port or
    # a database.
    authority = uri.partition("://")[2].partition("?")[0]
    ports = str(parsed.get("port", "")).split(",")
    if (
        authority.count("@") > 1
        or "@" in authority.partition("/")[2]
        or any(port and not port.isdigit() for port in ports)
    ):
        return f"has an @ or a port in the wrong place; {_ENCODE}"
    return clear_text_fault(uri)
