import json

import pytest
import structlog

from chatd.daemon.logs import configure


@pytest.mark.parametrize("style", ["json", "text"])
def test_hostile_fields_are_escaped(style: str, capfd: pytest.CaptureFixture[str]) -> None:
    configure("info", style)
    structlog.get_logger().info("A device said something", client='\x1b[31mred\n{"fake": 1}\u202e')
    written = capfd.readouterr().err
    assert written.count("\n") == 1
    assert "\x1b[31mred" not in written
    assert "\u202e" not in written
    if style == "json":
        assert json.loads(written)["message"] == "A device said something"
    structlog.reset_defaults()


def test_levels_are_respected(capfd: pytest.CaptureFixture[str]) -> None:
    configure("warning", "json")
    structlog.get_logger().info("quiet")
    assert capfd.readouterr().err == ""
    structlog.reset_defaults()
