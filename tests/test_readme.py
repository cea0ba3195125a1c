"""The README says what is so."""

from pathlib import Path

from chatd.daemon.settings_table import table
from chatd.errors import WIRE_ERRORS

ROOT = Path(__file__).parent.parent


def test_every_setting_is_in_the_table() -> None:
    readme = (ROOT / "README.md").read_text()
    for name, default, meaning in table():
        assert f"| `{name}` | {default} | {meaning} |" in readme, "renew it with: chatd settings --markdown"


def test_every_error_is_in_the_protocol() -> None:
    protocol = (ROOT / "proto/PROTOCOL.md").read_text()
    for code, error in WIRE_ERRORS.items():
        retry, closes = ("yes" if flag else "no" for flag in (error.retry, error.closes))
        assert f"| {code} | {error.name} | {error.fault} | {retry} | {closes} |" in protocol


def test_the_documents_that_are_named_are_there() -> None:
    for name in ("proto/PROTOCOL.md", "chatd/ARCHITECTURE.md", "tests/README.md", "systemd/README.md", "CHANGELOG.md", "LICENSE"):
        assert (ROOT / name).is_file()
