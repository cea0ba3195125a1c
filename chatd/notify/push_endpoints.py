"""Addresses that chatd will POST to because a client named them: those of services the operators
allow, never one inside their network.

An entry is a host, which stands for its subdomains too, over https and only at public addresses; or
a whole origin, ``http://127.0.0.1:8000``, which is taken as it is.
"""

import ipaddress
import re
from collections.abc import Iterable
from urllib.parse import SplitResult, urlsplit

MAX_ENDPOINT = 2_048
"""Characters of an endpoint."""
_URL = re.compile(r"[!-\[\]-~]*")
"""ASCII without spaces, controls and backslashes."""


class PushEndpoints:
    """``allowed``: the entries."""

    def __init__(self, allowed: Iterable[str]) -> None:
        entries = [entry.strip().lower().rstrip("/") for entry in allowed if entry.strip()]
        self._origins = frozenset(entry for entry in entries if "://" in entry)
        self._hosts = tuple(entry.lstrip(".") for entry in entries if "://" not in entry)

    def fault(self, endpoint: str) -> str:
        """The fault of an endpoint, in words; empty when there is none."""
        try:
            parts = urlsplit(endpoint)
            port = parts.port
        except ValueError:
            return "it is no URL"
        if len(endpoint) > MAX_ENDPOINT or not _URL.fullmatch(endpoint):
            return f"it is no URL of at most {MAX_ENDPOINT} characters"
        if parts.username is not None or parts.password is not None:
            return "it holds a user's name"
        if _origin(parts) in self._origins:
            return ""
        if parts.scheme != "https" or port not in (None, 443):
            return "it must be https, at the usual port"
        host = (parts.hostname or "").rstrip(".")
        if not any(host == known or host.endswith(f".{known}") for known in self._hosts):
            return "its host is not among those allowed here"
        return ""

    def is_trusted(self, endpoint: str) -> bool:
        """True if the endpoint's whole origin was named: then it may be at any address."""
        return _origin(urlsplit(endpoint)) in self._origins


def is_public(address: str) -> bool:
    """True for an IP address of the open Internet."""
    found = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(found, "ipv4_mapped", None) or getattr(found, "sixtofour", None)
    return found.is_global and not found.is_multicast and (mapped is None or is_public(str(mapped)))


def _origin(parts: SplitResult) -> str:
    return f"{parts.scheme}://{parts.netloc}".lower()
