"""No password of a URI reaches a log, an error line or a listing."""

import re


def mask(text: str) -> str:
    """``text`` with the password of any URI in it starred out: one that holds ``@`` too, and one among the
    parameters."""
    text = re.sub(r"(://[^:/?#\s]*):.*@", r"\1:***@", text)
    return re.sub(r"([?&](?:ssl)?password=)[^&\s]*", r"\1***", text, flags=re.IGNORECASE)
