"""`make install` into a folder: what is there, that it serves, that nothing names the folder, and
that `make uninstall` takes it away; and the Debian package that is made of it."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from systemd.release.deb import package
from tests.daemons import free_port
from tests.release.conftest import make

IMPORTS = """
import importlib, pkgutil, sys
import chatctl, chatd
from pathlib import Path
left_out = ("fronts.grpc", "queue.amqp", "queue.kafka", "queue.nats", "queue.redis", "redis_", "webpush",
            "chatctl.top", "chatctl.chat", "__main__", "playhouse")
for root in (chatd, chatctl):
    for module in pkgutil.walk_packages(root.__path__, root.__name__ + "."):
        if not any(part in module.name for part in left_out):
            importlib.import_module(module.name)
for name in ("psycopg2", "uvloop", "zstandard", "regex", "yaml", "zmq", "nacl.bindings"):
    importlib.import_module(name)
"""


def output(*command: str | Path, **environment: str) -> str:
    done = subprocess.run(
        [str(one) for one in command],
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"], **environment},
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.timeout(600)
def test_it_is_installed_and_removed(tmp_path: Path, wheels: Path) -> None:
    root, where = tmp_path / "root", {"PREFIX": "/usr", "EXTRAS": ""}
    (root / "etc/chatd").mkdir(parents=True)
    (root / "etc/chatd/chatd.toml").write_text("ack_flush_ms = 20\n")
    make("install", DESTDIR=root, **where)
    _is_whole(root)
    _serves(root, tmp_path / "data")
    if shutil.which("dpkg-shlibdeps"):
        _is_packed(shutil.copytree(root, tmp_path / "deb", symlinks=True), tmp_path)
    make("uninstall", DESTDIR=root, **where)
    left = [path for path in root.rglob("*") if not path.is_dir()]
    assert left == [root / "etc/chatd/chatd.toml"]


def _is_whole(root: Path) -> None:
    assert (root / "etc/chatd/chatd.toml").read_text() == "ack_flush_ms = 20\n", "it is the operator's"
    for name in ("chatd", "chatctl"):
        assert (root / "usr/bin" / name).readlink() == Path("../lib/chatd/bin") / name
        assert (root / "usr/bin" / name).read_text().startswith("#!/usr/lib/chatd/bin/python3\n")
    named = subprocess.run(["grep", "-rl", root, root], capture_output=True, text=True, check=False)
    assert named.stdout == "", "a file names the folder that it was only put together in"
    unit = (root / "usr/lib/systemd/system/chatd@.service").read_text()
    assert re.search("^ExecStart=/usr/lib/chatd/bin/chatd ", unit, re.MULTILINE)
    assert "/opt/" not in unit
    assert (root / "usr/lib/sysusers.d/chatd.conf").exists()
    manual = {path.name for path in (root / "usr/share/man/man1").iterdir()}
    assert {"chatd.1", "chatctl.1", "chatctl-send.1"} <= manual
    documents = root / "usr/share/doc/chatd"
    for page in (
        "LICENSE",
        "README.md",
        "systemd/README.md",
        "proto/PROTOCOL.md",
        "chatd/daemon/SETTINGS.md",
    ):
        assert (documents / page).exists()
    completion = root / "usr/share/bash-completion/completions/chatctl"
    assert "chatctl" in output("bash", "-c", f". {completion}; complete -p chatctl")
    assert "#compdef chatctl" in (root / "usr/share/zsh/site-functions/_chatctl").read_text()
    fish = root / "usr/share/fish/vendor_completions.d/chatctl.fish"
    assert fish.read_text().startswith("complete --command chatctl")


def _serves(root: Path, data: Path) -> None:
    """Run it where it lies, without a token of the outer environment."""
    python = root / "usr/lib/chatd/bin/python3"
    output(python, "-I", "-c", IMPORTS)
    uri = f"tcp://127.0.0.1:{free_port()}"
    settings = {"CHATD_DATA_DIR": str(data), "CHATD_GATEWAY_URI": uri, "CHATD_HTTP_URI": "off"}
    with subprocess.Popen(
        [python, "-I", "-m", "chatd", "all"],
        stderr=subprocess.PIPE,
        text=True,
        env={"PATH": os.environ["PATH"], **settings},
    ) as daemon:
        try:
            assert daemon.stderr is not None
            said: list[str] = []
            while not any("chatd is ready" in line for line in said):
                said.append(daemon.stderr.readline())
                assert said[-1], said
            chatctl = (python, "-I", "-m", "chatctl", "--uri", uri, "--as", "alice")
            output(*chatctl, "room", "create", "lobby", CHATD_DATA_DIR=str(data))
            assert output(*chatctl, "send", "lobby", "hello", CHATD_DATA_DIR=str(data)).startswith("lobby")
        finally:
            daemon.terminate()
            daemon.communicate(timeout=60)
    assert daemon.returncode == 0


def _is_packed(root: Path, folder: Path) -> None:
    made = package(root, folder)
    said = output("dpkg-deb", "--info", made)
    assert re.search(r"^ Depends: python3 \(>= 3\.\d+\), python3 \(<< 3\.\d+\), .*libc6", said, re.MULTILINE)
    for script in ("postinst", "prerm", "postrm"):
        output("sh", "-n", root / "DEBIAN" / script)
        assert re.search(rf"\* +{script} ", said)
    assert output("dpkg-deb", "--info", made, "conffiles") == "/etc/chatd/chatd.toml\n"
    listed = output("dpkg-deb", "--contents", made).splitlines()
    assert {line.split()[1] for line in listed} == {"root/root"}
    names = {line.split()[5] for line in listed}
    assert {"./usr/bin/chatd", "./usr/share/man/man1/chatd.1.gz", "./usr/share/doc/chatd/copyright"} <= names
