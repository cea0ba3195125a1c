"""The SDK by itself: in a clean environment it is installed with what it needs and no more, is
typed, and does what its page shows."""

import re
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from chatd.client import once as connect_once
from systemd.release.sdk import make_tree
from tests.daemons import Daemon, operator_token

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "chatd/client/README.md").read_text()
NEEDED = {"chatd-client", "cffi", "protobuf", "pycparser", "pynacl", "pyzmq", "zstandard"}


@pytest.mark.timeout(600)
def test_in_a_clean_environment(tmp_path: Path, wheels: Path) -> None:
    subprocess.run([sys.executable, "-m", "systemd.release.sdk", tmp_path / "sdk"], cwd=ROOT, check=True)
    (built,) = (tmp_path / "sdk").glob("*.whl")
    assert len(list((tmp_path / "sdk").glob("*.tar.gz"))) == 1
    venv.create(tmp_path / "clean", with_pip=False)
    python = str(tmp_path / "clean/bin/python3")
    pip = [sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--quiet", "--no-index", "--find-links", wheels, built], check=True)
    listed = subprocess.run(
        [*pip, "list", "--format=freeze"], check=True, capture_output=True, text=True
    ).stdout
    assert {line.split("==")[0].lower() for line in listed.split()} == NEEDED

    asked, once = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert len([line for line in asked.splitlines() if line.strip()]) <= 10
    with Daemon("all", tmp_path / "data") as daemon:
        token = operator_token(daemon.folder)
        connect_once(daemon.uri, token, lambda bob: bob.create_room("lobby"))
        for name, text in (("asked", asked), ("once", once)):
            assert "tcp://127.0.0.1:7400" in text
            text = text.replace("tcp://127.0.0.1:7400", daemon.uri).replace("the-token-of-bob", token)
            (tmp_path / name).write_text(text)
        command = [python, "-u", "-I"]
        with subprocess.Popen([*command, tmp_path / "asked"], stdout=subprocess.PIPE) as program:
            assert program.stdout is not None
            try:
                subprocess.run([*command, tmp_path / "once"], check=True)
                # The device is its profile's first: it is owed all of the room.
                shown = {program.stdout.readline().split(b" ", 2)[2] for _ in range(3)}
                assert shown == {
                    b"operator operator joined\n",
                    b"operator hello\n",
                    b"operator the backup is done\n",
                }
            finally:
                program.kill()


def test_types_are_part_of_it(tmp_path: Path) -> None:
    make_tree(tmp_path)
    assert (tmp_path / "chatd/py.typed").exists()
    assert (tmp_path / "chatd/pb/chat/v1/chat_pb2.pyi").exists()
    for part in ("daemon", "default", "gateway", "store", "pb/admin", "conformance"):
        assert not (tmp_path / "chatd" / part).exists()
    names = (tmp_path / "pyproject.toml").read_text()
    assert "uvloop" not in names
    assert "pyzmq>=" in names
    assert "](" not in (tmp_path / "README.md").read_text()
