"""The fuzz target of every call: whatever its payload holds, it is answered or refused with an
error of chatd's, and what it has written holds nothing that a database cannot.

An input is a byte for the method, one for the caller, and the payload. The node is put together as
it is for serving, but nothing is asked or written.
"""

import asyncio
import dataclasses
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from chatd.core.scopes import ALL_SCOPES
from chatd.core.string_fields import normalise_ids
from chatd.daemon.default_node import assemble
from chatd.daemon.settings.sources import load_settings
from chatd.default.answer import Call, Caller, Role, Write
from chatd.errors import ChatdError
from chatd.store.database import Database
from chatd.text import nfc
from chatd.transport.process_calls import ProcessCalls
from tests.fuzz.messages import filled, strings

CALLERS = (Caller("alice"), Caller("operator", ALL_SCOPES))


def _methods() -> tuple[Call[Any], ...]:
    loop = asyncio.new_event_loop()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = load_settings("default", None, system_config=folder / "none")
        made = assemble(
            loop,
            settings,
            Database(f"sqlite:///{folder}/x.db"),
            lambda: None,
            lambda error: None,
            ProcessCalls(),
        )
    loop.close()
    calls = [method for method in made.methods if isinstance(method, Call)]
    assert len(calls) == len(made.methods)
    return tuple(sorted(calls, key=lambda call: call.name))


METHODS = _methods()


def check(data: bytes) -> None:
    first, second, payload = *data[:2].ljust(2, b"\0"), data[2:]
    method = METHODS[first % len(METHODS)]
    caller = Caller("") if method.role is Role.GATEWAY else CALLERS[second % len(CALLERS)]
    assert "\0" not in method.objects(payload), "the audit keeps it"
    try:
        answer = method.answer(caller, payload)
    except ChatdError:
        return
    if method.role is Role.GATEWAY:  # it has looked at its strings already
        return
    request = method.request.FromString(payload)
    given = list(strings(request))
    assert not any("\0" in value for _, value in given)
    ids = {value for name, value in given if _is_id(name) and nfc(value) != value}
    ids.difference_update(value for name, value in given if not _is_id(name))
    normalise_ids(request)
    assert all(nfc(value) == value for name, value in strings(request) if _is_id(name))
    if isinstance(answer, Write):
        answer.command.locks()
        written = set(_texts(answer.command))
        assert not any("\0" in text for text in written)
        assert not ids & written, "an id is written in the form in which it came"


def _is_id(name: str) -> bool:
    return name.endswith(("_id", "_ids")) or name == "mentions"


def _texts(value: object) -> Iterator[str]:
    """Every string in a command."""
    if isinstance(value, str):
        yield value
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from _texts(getattr(value, field.name))
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield from _texts(key)
            yield from _texts(one)
    elif isinstance(value, tuple | list | frozenset | set):
        for one in value:
            yield from _texts(one)


TEXTS = {"": "alice", "-nul": "a\0b", "-accent": "cafe\u0301"}
SEEDS = {
    f"{number:02}-{method.name.replace('/', '.')}{kind}": bytes([number, 1])
    + filled(method.request(), text).SerializeToString()
    for number, method in enumerate(METHODS)
    for kind, text in TEXTS.items()
}
