"""The parameters behind the question mark of a URL."""

from collections.abc import Mapping, Sequence

from chatd.errors import InvalidArgument
from chatd.gateway.fronts.http.exchange import Exchange

MAX_SEQ = 2**63 - 1


def query(exchange: Exchange, known: tuple[str, ...]) -> Mapping[str, str]:
    """Raises InvalidArgument for a parameter that would be ignored."""
    found = exchange.request.query
    for name in found:
        if name not in known or len(found.getall(name)) > 1:
            raise InvalidArgument(f"the parameters are {', '.join(known)}, each once; not {name[:100]!r}")
    return found


def number(given: Mapping[str, str], name: str, *, most: int = MAX_SEQ) -> int:
    """0 if it is not given. Raises InvalidArgument."""
    text = given.get(name, "0")
    if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= most):
        raise InvalidArgument(f"{name} must be a whole number from 0 to {most:,}, not {text[:100]!r}")
    return int(text)


def flag(given: Mapping[str, str], name: str) -> bool:
    """False if it is not given. Raises InvalidArgument."""
    return word(given, name, ("0", "1")) == "1"


def word(given: Mapping[str, str], name: str, words: Sequence[str]) -> str:
    """The first if it is not given. Raises InvalidArgument."""
    found = given.get(name, words[0])
    if found not in words:
        raise InvalidArgument(f"{name} must be {' or '.join(words)}, not {found[:100]!r}")
    return found
