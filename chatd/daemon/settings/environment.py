"""The settings in the environment: ``CHATD_`` and the setting's name, or the name alone.

A name alone may be another program's, and stands aside for the longer one. A name that begins with
CHATD_ is chatd's: one that no setting has is a mistake that somebody should hear of.
"""

import os
from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from chatd.daemon.settings.masking import may_hold_secret
from chatd.daemon.settings.settings import FIELDS

PREFIX = "CHATD_"
OTHERS = frozenset(("CHATD_CONFIG", "CHATD_INSTANCE", "CHATD_URI", "CHATD_TOKEN", "CHATD_PROFILE"))
"""Variables that are no settings: the files of settings, and those of clients."""


def variable(name: str) -> str:
    """The text of ``name``'s variable; empty if neither form of it is set."""
    return os.environ.get(PREFIX + name) or os.environ.get(name, "")


def read_environment() -> dict[str, str]:
    """Key of each setting that the environment has → its text. An empty one counts as unset."""
    return {key: text for key in FIELDS if (text := variable(key.upper()))}


def warnings(environment: Mapping[str, str] = os.environ) -> Iterator[str]:
    """A line for each variable that will not do what somebody meant it to; none quotes a value."""
    known = {key.upper() for key in FIELDS}
    known |= {f"{key.upper()}_FILE" for key, field in FIELDS.items() if may_hold_secret(field)}
    for name in sorted(environment):
        plain = name.removeprefix(PREFIX)
        if name == plain or name in OTHERS:
            continue
        if plain not in known:
            yield f"{name!a}: there is no such setting{suggestion(name, [PREFIX + one for one in known])}"
        elif environment[name] and environment.get(plain, environment[name]) not in ("", environment[name]):
            yield f"{plain}: it is not looked at, since {name} is set too and differs"


def suggestion(name: str, known: Mapping[str, object] | list[str]) -> str:
    """The known name that is nearest to a wrong one, as the end of a sentence."""
    near = get_close_matches(name, known, n=1, cutoff=0.75)
    return f"; did you mean {near[0]}?" if near else "; chatd settings lists them"
