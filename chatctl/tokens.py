"""chatctl token …: tokens that are no longer good, on every gateway. ``chatd token`` adds them."""

import base64
import binascii
import hashlib
import json
import re
import sys
from pathlib import Path
from typing import Annotated

import typer

from chatctl.arguments import MAX_SEQ, AsJson, Limit, Yes
from chatctl.columns import Column, Columns, or_dash, unlisted
from chatctl.confirmation import confirm
from chatctl.invocation import call, output
from chatctl.lists import lists
from chatctl.paging import next_page
from chatctl.times import clock
from chatd.pb.admin.v1 import admin_pb2

app = typer.Typer(
    no_args_is_help=True,
    help="Revoke tokens and list those that were revoked. Operators only.",
)

_LEEWAY_US = 600_000_000
"""A gateway may take a token for a little longer than it says."""

COLUMNS: Columns[admin_pb2.Revocation] = (
    Column("version", "version"),
    Column("sha256", "digest", or_dash, get=lambda one: one.digest.hex()),
    Column("profile", "profile_id", or_dash),
    Column("issued until", "before_us", clock),
    Column("kept until", "expires_at_us", lambda at_us: clock(at_us) if at_us else "-"),
)

AfterVersion = Annotated[
    int,
    typer.Option(
        "--after", metavar="VERSION", min=0, max=MAX_SEQ, help="Only those that are listed after this one."
    ),
]


@app.command()
def revoke(
    context: typer.Context,
    profile: Annotated[
        str, typer.Option("--profile", help="All tokens of this profile that were issued until now.")
    ] = "",
    digest: Annotated[
        str, typer.Option("--sha256", help="The token with this SHA-256, as chatd token list shows it.")
    ] = "",
    file: Annotated[
        Path | None, typer.Option("--file", help="The token in this file; - is standard input.")
    ] = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Revoke a token, or all of a profile: their streams end within seconds, on every gateway. A
    token of a profile that does not say when it was issued is meant, too.

    Example: chatctl token revoke --profile bob
    """
    if sum(map(bool, (profile, digest, file))) != 1:
        raise typer.BadParameter("give one of --profile, --sha256 and --file")
    request = admin_pb2.RevokeTokensRequest(profile_id=profile)
    if profile:
        confirm(f"Revoke all tokens that profile {profile} was issued until now?", yes=yes)
    elif digest:
        if not re.fullmatch("[0-9a-fA-F]{64}", digest):
            raise typer.BadParameter("a SHA-256 has 64 characters, 0-9 and a-f")
        request.digest = bytes.fromhex(digest)
        confirm("Revoke this token?", yes=yes)
    elif file is not None:
        token = _read(file)
        request.digest = hashlib.sha256(token.encode()).digest()
        request.expires_at_us = _expiry_us(token)
    done = call(context, "AdminService/RevokeTokens", request, admin_pb2.RevokeTokensResponse)
    meant = ("profile_id", profile) if profile else ("sha256", request.digest.hex())
    output(context, as_json).details(
        done, (unlisted(meant[0], get=lambda _: meant[1]), unlisted("before_us", detail=clock))
    )


@app.command()
@lists
def revoked(
    context: typer.Context, after: AfterVersion = 0, limit: Limit = 100, as_json: AsJson = False
) -> None:
    """List what was revoked, the newest first.

    Example: chatctl token revoked
    """
    request = admin_pb2.ListRevocationsRequest(before_version=after, limit=limit)
    page = call(context, "AdminService/ListRevocations", request, admin_pb2.ListRevocationsResponse)
    output(context, as_json).rows(
        page.revocations,
        COLUMNS,
        more=next_page(page.more, f"{page.revocations[-1].version}" if page.more else ""),
    )


def _read(file: Path) -> str:
    """The token in a file. Raises typer.BadParameter."""
    try:
        text = sys.stdin.readline() if str(file) == "-" else file.read_text(encoding="utf-8-sig")
    except OSError as exc:
        raise typer.BadParameter(f"{file} cannot be read ({exc.strerror})") from exc
    except UnicodeDecodeError as exc:
        raise typer.BadParameter(f"{file} holds no token") from exc
    if not text.strip():
        raise typer.BadParameter(f"{file} holds no token")
    return text.strip()


def _expiry_us(token: str) -> int:
    """When the token certainly expires, if it is a JWT that says so; 0: it is not known."""
    parts = token.split(".")
    if len(parts) != 3:
        return 0
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        return int(claims["exp"]) * 1_000_000 + _LEEWAY_US
    except (binascii.Error, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return 0
