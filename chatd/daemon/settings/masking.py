"""No secret reaches a log, an error line or a listing."""

import re
from typing import Annotated

from pydantic import SecretStr
from pydantic.fields import FieldInfo


class MayHoldSecret:
    """Marks a field whose value may hold a password: no error quotes it."""


SecretUri = Annotated[str, MayHoldSecret()]


def may_hold_secret(field: FieldInfo) -> bool:
    """True if the field's value must not be quoted as it was given."""
    return field.annotation is SecretStr or any(isinstance(item, MayHoldSecret) for item in field.metadata)


def mask(text: str) -> str:
    """``text`` with the password of any URI in it starred out: one that holds ``@`` too, and one
    among the parameters."""
    text = re.sub(r"(://[^:/?#\s]*):.*@", r"\1:***@", text)
    return re.sub(r"([?&](?:ssl)?password=)[^&\s]*", r"\1***", text, flags=re.IGNORECASE)


def mask_path(url: str) -> str:
    """``url`` with everything behind its host starred out: services give addresses that are secrets
    themselves."""
    found = re.match(r"https?://(?:[^/?#\s]*@)?([^/?#@\s]+)(.*)", url)
    if found is None:
        return "***" if url else ""
    return url.partition("://")[0] + f"://{found[1]}/" + ("***" if len(found[2]) > 1 else "")
