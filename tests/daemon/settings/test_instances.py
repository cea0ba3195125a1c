"""Several processes of one machine, each with a name and a file of its own."""

import json
import socket
from pathlib import Path

import pytest

from chatd.daemon.settings.sources import load_settings
from chatd.errors import ConfigError
from tests.daemon.test_process import chatd


@pytest.fixture
def etc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CONFIGURATION_DIRECTORY", str(tmp_path))
    monkeypatch.setenv("CHATD_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("CHATD_INSTANCE", raising=False)
    monkeypatch.delenv("NODE_ID", raising=False)
    (tmp_path / "chatd.toml").write_text("ack_flush_ms = 20\nwindow_bytes = 2000000\n")
    (tmp_path / "gateway-2.toml").write_text('MODE = "gateway"\nack_flush_ms = 30\n')
    return tmp_path


def test_its_file_beats_the_one_for_all(etc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load_settings(None, None, instance="gateway-2", system_config=etc / "chatd.toml")
    assert (settings.mode, settings.instance) == ("gateway", "gateway-2")
    assert (settings.streams.ack_flush_ms, settings.origins["ack_flush_ms"]) == (
        30,
        str(etc / "gateway-2.toml"),
    )
    assert settings.origins["window_bytes"] == str(etc / "chatd.toml")
    monkeypatch.setenv("ACK_FLUSH_MS", "40")
    monkeypatch.setenv("CHATD_INSTANCE", "gateway-2")  # for commands that belong to no process
    assert load_settings("gateway", None).streams.ack_flush_ms == 40


def test_its_name_is_the_machines_and_its_own(etc: Path) -> None:
    host = socket.gethostname()
    assert load_settings(None, None, instance="gateway-2").node.node_id == f"{host}-gateway-2"
    assert load_settings(None, None, instance="gateway").node.node_id == host
    (etc / "gateway-2.toml").write_text('mode = "gateway"\nnode_id = "mine"\n')
    assert load_settings(None, None, instance="gateway-2").node.node_id == "mine"


@pytest.mark.parametrize("mode", ["all", "default", "gateway"])
def test_one_that_is_called_like_a_mode_needs_no_file(etc: Path, mode: str) -> None:
    assert load_settings(None, None, instance=mode).mode == mode


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("gatewy", None, r"the instance gatewy: there is no .*/gatewy\.toml, and it is no mode$"),
        ("gateway-2", "", r"gateway-2\.toml: mode must be default, gateway, all$"),
        ("gateway-2", 'mode = "both"', "mode must be"),
        (
            "gateway-2",
            'mode = "all"\nnode = 1',
            r"'node': there is no such setting \(from .*/gateway-2\.toml\)",
        ),
        ("../x", None, "its name has 1 to 32 of the characters"),
    ],
)
def test_what_no_start_can_mend(etc: Path, name: str, text: str | None, why: str) -> None:
    if text is not None:
        (etc / f"{name}.toml").write_text(text)
    with pytest.raises(ConfigError, match=why):
        load_settings(None, None, instance=name)


def test_the_command(etc: Path) -> None:
    shown = chatd("run", "gateway-2", "--check-config", "--json")
    assert json.loads(shown.stdout)["ACK_FLUSH_MS"] == {"value": "30", "from": str(etc / "gateway-2.toml")}
    wrong = chatd("run", "gatewy")
    assert (wrong.returncode, wrong.stderr.count("\n")) == (2, 1)
