"""A Debian 12 with systemd as its first process, in a container of systemd-nspawn: made by
debootstrap, without a network of others, and gone when the test ends."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[3]
PACKAGES = "systemd,systemd-sysv,dbus,python3,python3-venv,sudo,openssl,iproute2,curl,postgresql,redis-server"
EXTRAS = "redis,jwt,grpc"
ENVIRONMENT = (
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME=/root",
    "LANG=C.UTF-8",
)
NEEDED = ("debootstrap", "systemd-nspawn", "nsenter")


class Machine:
    """``folder`` keeps what is slow to make: the base system, and the wheels of what chatd needs,
    for there is no network inside."""

    def __init__(self, folder: Path) -> None:
        self._base, self._wheels = folder / "base", folder / "wheels"
        self.root = folder / "root"
        self._process: subprocess.Popen[bytes] | None = None

    def make(self) -> None:
        """Make a new machine, with the checkout in /root/chatd."""
        if not self._base.exists():
            archive = _output("apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages")
            new = self._base.with_name("base.new")
            shutil.rmtree(new, ignore_errors=True)
            new.parent.mkdir(parents=True, exist_ok=True)
            _call(
                "debootstrap",
                "--variant=minbase",
                f"--include={PACKAGES}",
                "bookworm",
                new,
                archive.split()[0],
            )
            new.rename(self._base)
        checkout = self.root / "root/chatd"
        shutil.rmtree(self.root, ignore_errors=True)
        _call("cp", "-a", self._base, self.root)
        checkout.mkdir()
        files = _output("git", "-C", ROOT, "ls-files", "-z").split("\0")
        for name in filter(None, files):
            target = checkout / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target, follow_symlinks=False)
        if not self._wheels.exists():
            wanted = ("setuptools>=77", "wheel", "async-timeout", f"{checkout}[{EXTRAS}]")
            _call(sys.executable, "-m", "pip", "wheel", "-q", "-w", self._wheels, *wanted)
            for own in self._wheels.glob("chatd-*"):
                own.unlink()
            shutil.rmtree(checkout / "build", ignore_errors=True)
        _call("cp", "-r", self._wheels, self.root / "wheels")
        self.write("/etc/pip.conf", "[global]\nno-index = true\nfind-links = /wheels\n")
        self.write("/etc/hostname", "machine\n")
        self.write("/etc/hosts", "127.0.0.1 localhost machine\n")

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        """Make a file of root's in it."""
        file = self.root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)

    def boot(self) -> None:
        """Return when all units of the start have been started."""
        self._process = subprocess.Popen(
            [
                *("systemd-nspawn", "--quiet", f"--directory={self.root}", "--boot", "--register=no"),
                *("--keep-unit", "--private-network", "--console=pipe"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        end = time.monotonic() + 120
        while (self._try("systemctl is-system-running").stdout.strip()) not in ("running", "degraded"):
            if time.monotonic() > end or self._process.poll() is not None:
                raise AssertionError("the machine did not start")
            time.sleep(0.2)

    def shut_down(self) -> None:
        """Stop it as an operator does; it ends whatever happens."""
        if self._process is None:
            return
        self._try("systemctl poweroff")
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
        self._process = None

    def remove(self) -> None:
        """Leave nothing but what is slow to make."""
        shutil.rmtree(self.root, ignore_errors=True)

    def run(self, commands: str, *, user: str = "root") -> str:
        """The commands' output, both ways. Raises AssertionError when one fails."""
        done = self._try(commands, user=user)
        assert done.returncode == 0, f"{commands}\nended with {done.returncode}: {done.stdout}"
        return done.stdout

    def fails(self, commands: str) -> str:
        """The output of commands that must fail."""
        done = self._try(commands)
        assert done.returncode != 0, f"{commands}\nhas not failed: {done.stdout}"
        return done.stdout

    def start(self, commands: str) -> "subprocess.Popen[str]":
        """Begin what goes on for a while."""
        return subprocess.Popen(
            self._inside(commands), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def _try(self, commands: str, *, user: str = "root") -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            self._inside(commands, user),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
        )

    def _inside(self, commands: str, user: str = "root") -> list[str]:
        assert self._process is not None
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        shell = ["bash", "-e", "-c", f"cd /root\n{commands}"]
        if user != "root":
            shell = ["sudo", "-u", user, "bash", "-e", "-c", commands]
        if not children:
            return ["false"]
        return ["nsenter", f"--target={children[0]}", "--all", "env", "-i", *ENVIRONMENT, *shell]


def missing() -> list[str]:
    """The programs that this machine lacks, and the right."""
    found = [name for name in NEEDED if shutil.which(name) is None and not Path("/usr/sbin", name).exists()]
    return [*found, *(["root"] if os.geteuid() else [])]


def _call(*command: object) -> None:
    subprocess.run([str(one) for one in command], check=True, stdout=subprocess.DEVNULL)


def _output(*command: object) -> str:
    return subprocess.run([str(one) for one in command], check=True, capture_output=True, text=True).stdout
