"""Libraries that only some need are extras, and named where they are missing."""

import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from chatd.core.broker_address import SCHEMES
from chatd.errors import ConfigError, extra
from chatd.files.certificate import expires_us
from chatd.gateway.authentication.jwt_keys import load_jwt_keys
from chatd.notify.choice import NotifierSettings, make_notifiers
from tests.certificates import Authority

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
BROKERS = {driver for driver, *_ in SCHEMES.values()}
NAMED = {"grpc", "jwt", "tui", "webpush"} | BROKERS
"""Brokers' are tried in ``transport/queue/test_broker.py``, gRPC in ``gateway/fronts/grpc``."""


def _webpush() -> None:
    make_notifiers(["webpush"], NotifierSettings(1.0, None, "", "", Path("key"), "", ()))


@pytest.mark.parametrize(
    ("name", "module", "ours", "needed_by", "ask"),
    [
        ("webpush", "pywebpush", "chatd.notify.webpush", "NOTIFIERS=webpush", _webpush),
        ("jwt", "jwt", "", "JWT_KEYS_FILE", lambda: load_jwt_keys(Path("keys"))),
        ("jwt", "cryptography", "", "JWT_KEYS_FILE", lambda: load_jwt_keys(Path("keys"))),
    ],
)
def test_it_is_named(
    name: str,
    module: str,
    ours: str,
    needed_by: str,
    ask: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for held in list(sys.modules):
        if held == module or held.startswith((f"{module}.", *([ours] if ours else []))):
            monkeypatch.delitem(sys.modules, held)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ConfigError) as missing:
        ask()
    assert str(missing.value) == (
        f"{needed_by} needs the extra {name}, which is not installed: pip install 'chatd[{name}]', or make "
        f"install EXTRAS={name} where make has installed chatd"
    )


@pytest.mark.parametrize("screen", ["top", "chat"])
def test_a_screen_without_its_library(screen: str) -> None:
    """In a process of its own: here parts of the screen may be imported already."""
    code = (
        "import sys; sys.modules['textual'] = None; sys.stdin.isatty = sys.stdout.isatty = lambda: True; "
        f"from chatctl.{screen}.command import {screen}; {screen}(None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    needed = (
        f"chatctl {screen} needs the extra tui, which is not installed: pip install 'chatd[tui]', or make"
    )
    assert needed in done.stderr


def test_a_module_of_ours_that_is_missing_is_a_fault_of_ours() -> None:
    with pytest.raises(ModuleNotFoundError, match="chatd"), extra("jwt", "this"):
        import chatd.nowhere  # type: ignore[import-not-found]  # noqa: F401


def test_every_extra_is_named_somewhere_and_part_of_dev() -> None:
    assert set(EXTRAS) == NAMED | {"dev", "fuzz", "lock"}
    code = "".join(path.read_text() for part in ("chatd", "chatctl") for path in (ROOT / part).rglob("*.py"))
    assert set(re.findall(r'\bextra\("(\w+)"', code)) == NAMED - BROKERS

    def packages(requirements: list[str]) -> set[str]:
        return {re.split(r"[\[<>=]", one)[0] for one in requirements}

    dev = packages(EXTRAS["dev"]) | {"grpcio"}  # grpcio-tools brings it
    for name in NAMED:
        assert packages(EXTRAS[name]) <= dev
        assert not packages(EXTRAS[name]) & packages(PROJECT["dependencies"])


def test_a_certificate_is_read_without_an_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate, key = Authority(tmp_path, "authority").issue("server", "localhost")
    from cryptography.x509 import load_pem_x509_certificate

    wanted = load_pem_x509_certificate(certificate.read_bytes()).not_valid_after_utc.timestamp()
    monkeypatch.setitem(sys.modules, "cryptography", None)
    assert expires_us(certificate) == wanted * 1_000_000
    der = certificate.read_text().splitlines()
    for damaged in (der[:3] + der[-1:], der[:1] + der[-1:], [der[0], "MIIB", der[-1]]):
        certificate.write_text("\n".join(damaged))
        assert expires_us(certificate) == 0
    assert expires_us(key) == 0
