import pytest

from chatd.core.curve import CurveServer, new_key_pair
from chatd.core.zmtp import CurveHandshake, Handshake, NullHandshake
from chatd.errors import StartFailed
from chatd.gateway.fronts.self_test import check_encryption

SERVER = CurveServer(new_key_pair())


def encrypted() -> Handshake:
    return CurveHandshake(SERVER, lambda: 1.0)


def test_encryption_works() -> None:
    check_encryption(encrypted, SERVER.public)


def test_a_server_without_the_key_is_noticed() -> None:
    with pytest.raises(StartFailed, match="knows the key"):
        check_encryption(encrypted, new_key_pair().public)


def test_a_port_without_encryption_is_noticed() -> None:
    with pytest.raises(StartFailed, match="knows the key"):
        check_encryption(NullHandshake, SERVER.public)


def test_one_that_lets_others_in_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As libzmq does without a ZAP handler."""
    monkeypatch.setattr("chatd.gateway.fronts.self_test.new_key_pair", lambda: SERVER.pairs[0])
    with pytest.raises(StartFailed, match="another key"):
        check_encryption(encrypted, SERVER.public)
    calls = iter((encrypted, encrypted, NullHandshake))
    monkeypatch.undo()
    with pytest.raises(StartFailed, match="without it"):
        check_encryption(lambda: next(calls)(), SERVER.public)
