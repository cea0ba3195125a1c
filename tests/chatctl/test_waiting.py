"""Nobody waits without a word."""

import pytest

from chatctl import waiting
from chatctl.waiting import SpeakingClient
from chatd.errors import Unavailable
from chatd.pb.admin.v1 import admin_pb2

METHOD = "AdminService/ListNodes"


async def test_it_says_once_that_there_is_no_answer_yet(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(waiting, "SILENT_SECONDS", 0.1)
    async with SpeakingClient("tcp://127.0.0.1:1", "token", call_timeout=0.3) as client:
        for _ in range(2):
            with pytest.raises(Unavailable):
                await client.call(METHOD, admin_pb2.ListNodesRequest(), admin_pb2.ListNodesResponse)
    assert capsys.readouterr().err == "no answer yet; waiting for 0.3 s at most (--timeout)\n"


async def test_a_short_wait_needs_no_word(capsys: pytest.CaptureFixture[str]) -> None:
    async with SpeakingClient("tcp://127.0.0.1:1", "token", call_timeout=0.1) as client:
        with pytest.raises(Unavailable):
            await client.call(METHOD, admin_pb2.ListNodesRequest(), admin_pb2.ListNodesResponse)
    assert capsys.readouterr().err == ""
