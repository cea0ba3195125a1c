"""Becomes a command under the unit's system call filter, as systemd makes it: ``python -m
tests.systemd.seccomp UNIT COMMAND …``."""

import ctypes
import os
import re
import socket
import subprocess
import sys
from functools import cache
from pathlib import Path

ALLOW, ERRNO = 0x7FFF0000, 0x00050000
EPERM = 1


def allowed(unit: Path) -> set[str]:
    """The system calls that the unit's SystemCallFilter= lines leave, in their order: the first one
    allows, a ``~`` takes away."""
    found: set[str] = set()
    for line in re.findall(r"^SystemCallFilter=(.*)$", unit.read_text(), re.MULTILINE):
        names = {name for word in line.lstrip("~").split() for name in _expanded(word)}
        found = found - names if line.startswith("~") else found | names
    return found | _expanded("@default")


def _expanded(word: str) -> set[str]:
    if not word.startswith("@"):
        return {word}
    return {name for one in _sets()[word] for name in _expanded(one)}


@cache
def _sets() -> dict[str, list[str]]:
    """The system's sets of calls; one may be in another."""
    listed = subprocess.run(
        ["systemd-analyze", "syscall-filter", "--no-pager"], check=True, capture_output=True, text=True
    ).stdout
    found: dict[str, list[str]] = {}
    members: list[str] = []
    for line in listed.splitlines():
        if line.startswith("@"):
            members = found.setdefault(line.strip(), [])
        elif line.startswith(" ") and not line.strip().startswith("#"):
            members.append(line.strip())
    return found


def families(unit: Path) -> set[int]:
    """The kinds of sockets that RestrictAddressFamilies= leaves."""
    (line,) = re.findall(r"^RestrictAddressFamilies=(.*)$", unit.read_text(), re.MULTILINE)
    return {getattr(socket, name) for name in line.split()}


class Comparison(ctypes.Structure):
    """libseccomp's scmp_arg_cmp."""

    _fields_ = (
        ("arg", ctypes.c_uint),
        ("op", ctypes.c_int),
        ("datum_a", ctypes.c_uint64),
        ("datum_b", ctypes.c_uint64),
    )


EQUAL = 4


def confine(names: set[str], kinds: set[int]) -> None:
    """All else that this process and its children call fails with EPERM, from now on."""
    library = ctypes.CDLL("libseccomp.so.2")
    library.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(library.seccomp_init(ctypes.c_uint32(ERRNO | EPERM)))
    for kind in kinds:
        is_kind = Comparison(0, EQUAL, kind, 0)
        number = library.seccomp_syscall_resolve_name(b"socket")
        library.seccomp_rule_add_array(context, ctypes.c_uint32(ALLOW), number, 1, ctypes.byref(is_kind))
    for name in sorted(names - {"socket"}):
        number = library.seccomp_syscall_resolve_name(name.encode())
        if number != -1:  # another architecture's
            library.seccomp_rule_add(context, ctypes.c_uint32(ALLOW), number, 0)
    if library.seccomp_load(context):
        raise OSError("the filter cannot be loaded")


if __name__ == "__main__":
    confine(allowed(Path(sys.argv[1])), families(Path(sys.argv[1])))
    os.execv(sys.argv[2], sys.argv[2:])
