"""Hosts of their own on one network: namespaces of the kernel, joined by pairs of veth and a bridge
in one more, so that nothing of the machine itself is touched. Needs root."""

import ctypes
import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TypeVar

R = TypeVar("R")

_NETWORK = "10.77.0"
_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


class Refused(Exception):
    """The kernel makes no namespaces for this user."""


def _ip(*arguments: str) -> None:
    done = subprocess.run(("ip", *arguments), capture_output=True, text=True, check=False)
    if done.returncode:
        raise Refused(f"ip {' '.join(arguments)}: {done.stderr.strip()}")


class Namespace:
    """A network namespace."""

    def __init__(self, name: str) -> None:
        self.name = f"chatd-{os.getpid()}-{name}"
        _ip("netns", "add", self.name)
        self.ip("link", "set", "lo", "up")

    def ip(self, *arguments: str) -> None:
        """A command of ip inside."""
        _ip("-n", self.name, *arguments)

    @property
    def prefix(self) -> Sequence[str]:
        """Before the command of a process, which then runs inside."""
        return ("ip", "netns", "exec", self.name)

    def run(self, function: Callable[[], R]) -> R:
        """Call a function inside, in a thread. Sockets and threads that it makes stay inside."""

        def enter() -> R:
            with Path(f"/var/run/netns/{self.name}").open() as namespace:
                if _libc.setns(namespace.fileno(), _CLONE_NEWNET):
                    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
            return function()

        with ThreadPoolExecutor(1) as thread:
            return thread.submit(enter).result()

    def remove(self) -> None:
        """Processes that are still inside keep it until they end."""
        subprocess.run(("ip", "netns", "del", self.name), check=False)


class Host(Namespace):
    """A machine with one address."""

    def __init__(self, name: str, number: int, switch: Namespace) -> None:
        super().__init__(name)
        self.address = f"{_NETWORK}.{number}"
        _ip(
            "link",
            "add",
            "eth0",
            "netns",
            self.name,
            "type",
            "veth",
            "peer",
            "name",
            name,
            "netns",
            switch.name,
        )
        self.ip("address", "add", f"{self.address}/24", "dev", "eth0")
        self.ip("link", "set", "eth0", "up")
        switch.ip("link", "set", name, "master", "bridge", "up")


class Network:
    """Hosts, and the switch between them."""

    def __init__(self, switch: Namespace, hosts: dict[str, Host]) -> None:
        self.switch = switch
        self.hosts = hosts

    def __getitem__(self, name: str) -> Host:
        return self.hosts[name]


@contextmanager
def network(*names: str) -> Iterator[Network]:
    """Raises Refused."""
    with ExitStack() as stack:
        switch = Namespace("switch")
        stack.callback(switch.remove)
        switch.ip("link", "add", "bridge", "type", "bridge")
        switch.ip("link", "set", "bridge", "up")
        hosts = {}
        for number, name in enumerate(names, 1):
            hosts[name] = Host(name, number, switch)
            stack.callback(hosts[name].remove)
        yield Network(switch, hosts)
