"""The Debian package in a clean root: installed, run, upgraded, removed, purged.

`make deb-test` makes the package and names it in CHATD_DEB; the root is debootstrap's, which takes
a minute, so the suite leaves this out.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.daemons import free_port

DEB = os.environ.get("CHATD_DEB", "")
pytestmark = [
    pytest.mark.skipif(not DEB, reason="make deb-test makes the package and a root for it"),
    pytest.mark.skipif(
        os.geteuid() != 0 or shutil.which("debootstrap") is None, reason="needs root and debootstrap"
    ),
    pytest.mark.timeout(900),
]


def said(*command: str | Path) -> str:
    done = subprocess.run([str(one) for one in command], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Debian of this machine's release with what the package depends on, and the package."""
    folder = tmp_path_factory.mktemp("root")
    release = dict(line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines())
    sites = said("apt-get", "indextargets", "--format", "$(SITE) $(CODENAME)").splitlines()
    mirror, codename = next(line.split() for line in sites if line.endswith(release["VERSION_CODENAME"]))
    needed = "python3,systemd,init-system-helpers,libstdc++6,man-db"
    said("debootstrap", "--variant=minbase", f"--include={needed}", codename, folder, mirror)
    shutil.copy(DEB, folder / "chatd.deb")
    folder.chmod(0o755)
    return folder


def inside(root: Path, *command: str) -> str:
    return said(
        "chroot",
        root,
        "/usr/bin/env",
        "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
        "DEBIAN_FRONTEND=noninteractive",
        *command,
    )


def test_it_is_installed_and_runs(root: Path) -> None:
    inside(root, "dpkg", "-i", "/chatd.deb")
    assert inside(root, "dpkg", "--verify", "chatd") == ""
    assert inside(root, "chatd", "--version") == inside(root, "chatctl", "--version").replace(
        "chatctl", "chatd"
    )
    assert ":chat delivery daemon:/var/lib/chatd:" in inside(root, "getent", "passwd", "chatd")
    assert inside(root, "stat", "-c", "%U:%G %a", "/etc/chatd/chatd.toml") == "root:chatd 640\n"
    assert "chatctl-send" in inside(root, "man", "-w", "chatctl-send")
    inside(root, "systemd-analyze", "verify", "--man=no", "/usr/lib/systemd/system/chatd@.service")
    inside(root, "install", "-d", "-o", "chatd", "-g", "chatd", "-m", "700", "/var/lib/chatd")
    port = free_port()
    user = ["setpriv", "--reuid=chatd", "--regid=chatd", "--clear-groups", "env", "HOME=/var/lib/chatd"]
    settings = [
        "CHATD_DATA_DIR=/var/lib/chatd",
        f"CHATD_GATEWAY_URI=tcp://127.0.0.1:{port}",
        "CHATD_HTTP_URI=off",
    ]
    extras = [f"CHATD_GRPC_URI=http://127.0.0.1:{free_port()}"]
    with subprocess.Popen(
        ["chroot", root, *user, *settings, *extras, "chatd", "all"], stderr=subprocess.PIPE, text=True
    ) as daemon:
        try:
            assert daemon.stderr is not None
            lines: list[str] = []
            while not any("chatd is ready" in line for line in lines):
                lines.append(daemon.stderr.readline())
                assert lines[-1], "".join(lines)
            chatctl = ["chatctl", "--uri", f"tcp://127.0.0.1:{port}", "--as", "alice"]
            inside(root, *user, settings[0], *chatctl, "room", "create", "lobby")
            assert "lobby" in inside(root, *user, settings[0], *chatctl, "send", "lobby", "hello")
        finally:
            daemon.terminate()
            daemon.communicate(timeout=60)
    assert daemon.returncode == 0


def test_an_upgrade_keeps_what_was_changed(root: Path) -> None:
    settings = root / "etc/chatd/chatd.toml"
    settings.write_text("ack_flush_ms = 20\n")
    inside(root, "dpkg", "-i", "/chatd.deb")
    assert settings.read_text() == "ack_flush_ms = 20\n"
    assert settings.stat().st_mode & 0o777 == 0o640
    assert "ACK_FLUSH_MS" in inside(root, "env", "CHATD_DATA_DIR=/tmp", "chatd", "all", "--check-config")


def test_removal_leaves_settings_and_purge_leaves_messages(root: Path) -> None:
    inside(root, "dpkg", "--remove", "chatd")
    assert not (root / "usr/lib/chatd").exists()
    assert not (root / "usr/bin/chatd").is_symlink()
    assert (root / "etc/chatd/chatd.toml").exists()
    assert not list(root.glob("usr/lib/systemd/system/chatd*"))
    inside(root, "dpkg", "--purge", "chatd")
    assert not (root / "etc/chatd").exists()
    assert (root / "var/lib/chatd/chatd.db").exists()
    assert inside(root, "getent", "passwd", "chatd")
