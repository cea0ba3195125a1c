"""TOML as operators write it, with or without a byte order mark. An error says where the fault is
and quotes nothing: a file may hold secrets."""

import re
import tomllib
from typing import Any


def parse_toml(content: bytes) -> dict[str, Any]:
    """The document in ``content``. Raises ValueError with the place of the fault; the error that
    led to it, which quotes the file, is dropped."""
    try:
        return tomllib.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as exc:
        fault = f"is not UTF-8 (at byte {exc.start + 1})"
    except (ValueError, RecursionError) as exc:  # also numbers of too many digits, and deep nesting
        fault = f"is not TOML ({_place(str(exc))})"
    raise ValueError(fault)


def _place(message: str) -> str:
    found = re.search(r"\((at line \d+, column \d+|at end of document)\)$", message)
    return found[1] if found else "at an unknown place"
