from pathlib import Path

import pytest

from chatd.errors import ConfigError
from chatd.files.trusted_keys import read_trusted, write_trusted

KEY = bytes(range(32))


def test_what_was_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "trusted"
    assert read_trusted(path) == {}
    trusted = {KEY: "gateway two", bytes(32): ""}
    write_trusted(path, trusted)
    assert read_trusted(path) == trusted


def test_people_write_it_too(tmp_path: Path) -> None:
    path = tmp_path / "trusted"
    path.write_text(f"# gateways\n\n  {KEY.hex().upper()}   g\x1b2  \n")
    (name,) = read_trusted(path).values()
    assert "\x1b" not in name


@pytest.mark.parametrize("line", ["tcp://a:1", KEY.hex()[1:], KEY.hex() + "#name"])
def test_an_error_says_the_line(tmp_path: Path, line: str) -> None:
    path = tmp_path / "trusted"
    path.write_text(f"# one\n{line}\n")
    with pytest.raises(ConfigError, match="line 2"):
        read_trusted(path)
