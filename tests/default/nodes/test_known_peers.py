"""Whose keys are known, by the file and by others' leases."""

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from chatd.core.audit import AuditLine
from chatd.core.curve import new_key_pair
from chatd.default.nodes.known_peers import KnownPeers
from chatd.errors import ConfigError
from chatd.files.trusted_keys import write_trusted

ONE, TWO = new_key_pair().public, new_key_pair().public


class Peers:
    def __init__(self, folder: Path) -> None:
        self.file = folder / "trusted"
        self.revocations = 0
        self.lines: list[AuditLine] = []
        self.known = KnownPeers(self.file, audit=self.lines.append, revoked=self._revoked)

    def _revoked(self) -> None:
        self.revocations += 1

    def lets_in(self, key: bytes) -> bool:
        return self.known.is_known(key, "10.0.0.1")


@pytest.fixture
def peers(tmp_path: Path) -> Peers:
    return Peers(tmp_path)


def test_nobody_is_known_without_a_file(peers: Peers) -> None:
    assert not peers.lets_in(ONE)
    assert peers.known.trusted() == []


def test_a_key_that_is_written_is_known_at_once(peers: Peers) -> None:
    assert not peers.lets_in(ONE)
    write_trusted(peers.file, {ONE: "g"})
    assert peers.lets_in(ONE)
    assert peers.known.trusted() == [ONE]


def test_nobody_vouches_for_what_others_vouch_for(peers: Peers) -> None:
    peers.known.vouched_for([ONE])
    assert peers.lets_in(ONE)
    assert peers.known.trusted() == []


def test_a_key_that_was_let_in_and_is_taken_back_ends_connections_once(peers: Peers) -> None:
    write_trusted(peers.file, {ONE: "g", TWO: "h"})
    assert peers.lets_in(ONE)
    write_trusted(peers.file, {})
    assert peers.known.trusted() == []
    assert not peers.lets_in(ONE)
    assert peers.revocations == 1, "nobody has come with the other key"


def test_a_key_that_others_vouch_for_is_taken_back_with_their_word(peers: Peers) -> None:
    peers.known.vouched_for([ONE])
    peers.lets_in(ONE)
    peers.known.vouched_for([TWO])
    assert (peers.revocations, peers.lets_in(ONE)) == (1, False)


def test_a_key_that_is_known_otherwise_stays(peers: Peers) -> None:
    write_trusted(peers.file, {ONE: "g"})
    peers.known.vouched_for([ONE])
    peers.lets_in(ONE)
    write_trusted(peers.file, {})
    peers.known.read_again()
    assert (peers.revocations, peers.lets_in(ONE)) == (0, True)


def test_a_file_that_is_wrong_changes_nothing(peers: Peers) -> None:
    write_trusted(peers.file, {ONE: "g"})
    assert peers.lets_in(ONE)
    peers.file.write_text("nonsense\n")
    with capture_logs() as logs:
        assert peers.known.trusted() == [ONE]
        assert peers.known.trusted() == [ONE]
    assert [line["log_level"] for line in logs] == ["error"]
    with pytest.raises(ConfigError):
        Peers(peers.file.parent)


def test_nobody_is_refused_aloud_before_the_leases_were_read(peers: Peers) -> None:
    with capture_logs() as logs:
        assert not peers.lets_in(ONE)
    assert (logs, peers.lines, peers.known.refused.value) == ([], [], 0)


def test_a_refusal_is_counted_and_said_once_with_the_line_to_type(peers: Peers) -> None:
    peers.known.vouched_for([])
    with capture_logs() as logs:
        for _ in range(3):
            assert not peers.lets_in(ONE)
        assert not peers.lets_in(TWO)
        assert not peers.lets_in(peers.known.stranger.public)
    assert [line["event"].rpartition("type: ")[2] for line in logs] == [
        f"chatd keys trust {key.hex()}" for key in (ONE, TWO)
    ]
    assert peers.known.refused.value == len(peers.lines) == 4
    assert {(line.address, line.objects) for line in peers.lines} == {
        ("10.0.0.1", ONE.hex()),
        ("10.0.0.1", TWO.hex()),
    }
