"""The programs and libraries that the systems need, looked for before anything is measured."""

import shutil
from collections.abc import Mapping
from importlib.util import find_spec

from tests.brokers import find, how_to_install
from tests.databases import HOW_TO_INSTALL, find_binaries

_PROGRAMS = {
    "nats-jetstream": "nats-server",
    "mosquitto": "mosquitto",
    "ejabberd": "ejabberdctl",
    "rabbitmq": "rabbitmq-server",
}
_EXTRAS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "chatd-redis": {"redis": ("redis",)},
    "chatd-nats": {"nats": ("nats",)},
    "chatd-amqp": {"amqp": ("aiormq",)},
    "chatd-kafka": {"kafka": ("aiokafka",)},
    "chatd-grpc": {"grpc": ("grpc", "grpc_health", "grpc_reflection")},
}
"""System → extra of chatd → its modules."""


def missing(system: str) -> str:
    """Why the system cannot be started here; empty when it can."""
    for extra, modules in _EXTRAS.get(system, {}).items():
        if any(find_spec(module) is None for module in modules):
            return f"{system} needs the extra {extra}, which is not installed: pip install 'chatd[{extra}]'"
        if extra != "grpc" and find(extra) is None:
            return f"{system}: {how_to_install(extra)}"
    if system.startswith("chatd-postgres") and find_binaries() is None:
        return f"{system}: {HOW_TO_INSTALL}"
    program = _PROGRAMS.get(system, "")
    if program and not (shutil.which(program) or shutil.which(program, path="/usr/sbin")):
        return f"{system}: {program} is not installed"
    return ""
