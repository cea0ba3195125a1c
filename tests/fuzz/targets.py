"""The fuzz targets: a module for each, with ``check``, which raises if the decoder does anything
but take or refuse an input, and ``SEEDS``, where the search begins. A seed called found-… is an
input that was found, and the fault mended."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module

MODULES = {
    "zmtp": "tests.fuzz.zmtp",
    "curve": "tests.fuzz.curve",
    "websocket": "tests.fuzz.websocket",
    "frames": "tests.fuzz.frames",
    "calls": "tests.fuzz.calls",
    "payloads": "tests.fuzz.payloads",
    "text": "tests.fuzz.text",
    "terminal": "tests.fuzz.terminal",
    "tokens": "tests.fuzz.tokens",
    "addresses": "tests.fuzz.addresses",
    "files": "tests.fuzz.files",
}


@dataclass(frozen=True, slots=True)
class Target:
    """``seeds`` by name."""

    check: Callable[[bytes], None]
    seeds: Mapping[str, bytes]


def load(name: str) -> Target:
    """Import a target, and with it what it tries."""
    module = import_module(MODULES[name])
    return Target(module.check, module.SEEDS)
