"""A process that has imported chatd and chatctl, and makes others of itself.

They are processes as ``python -m chatd`` makes them, with their own descriptors, environment and
end, and they begin at once: to import takes most of a second, and the tests start two thousand.
"""

import atexit
import gc
import importlib
import io
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, TypedDict

IMPORTS = {
    "chatd": ("chatd.daemon.cli", "chatd.daemon.run", "chatd.daemon.settings.listing"),
    "chatctl": ("chatctl.app", "chatctl.tail", "chatctl.rooms", "rich.table"),
}
"""The modules whose processes are forked, and what they import when they run."""
MAX_REQUEST = 1 << 20


class _Request(TypedDict):
    module: str
    arguments: Sequence[str]
    cwd: str
    environment: Mapping[str, str]


class ForkServer:
    """The server of this test process. It ends with it."""

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.fork_server", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        atexit.register(self._end)

    def _end(self) -> None:
        self._socket.close()
        self._process.wait(10)

    def fork(self, request: _Request, descriptors: Sequence[int]) -> int:
        """Make a process with these standard descriptors. From the descriptor that is returned its
        id can be read, and at its end its wait status."""
        status, theirs = os.pipe()
        try:
            socket.send_fds(self._socket, [json.dumps(request).encode()], [theirs, *descriptors])
        finally:
            os.close(theirs)
        return status


@cache
def _server() -> ForkServer:
    """Started when it is first needed."""
    return ForkServer()


class Popen(subprocess.Popen[Any]):
    """The same for ``[sys.executable, "-m", MODULE, …]``, but forked if the module is one of
    IMPORTS and nothing is asked for that only a new interpreter can have."""

    _told: int | None = None  # gets the process's id, and its wait status at its end

    # The rest of subprocess.Popen, its pipes above all, goes on around these three.
    def _execute_child(
        self,
        args: Any,
        executable: Any,
        preexec_fn: Any,
        close_fds: Any,
        pass_fds: Any,
        cwd: Any,
        env: Any,
        *rest: Any,
    ) -> None:
        _, _, _, p2cread, _, _, c2pwrite, _, errwrite, *_ = rest
        environment = os.environ if env is None else env
        module = args[2] if args[:2] == [sys.executable, "-m"] else ""
        if module not in IMPORTS or pass_fds or not _is_ours(environment):
            super()._execute_child(  # type: ignore[misc]
                args, executable, preexec_fn, close_fds, pass_fds, cwd, env, *rest
            )
            return
        request = _Request(
            module=module,
            arguments=args[3:],
            cwd=os.fspath(cwd or os.getcwd()),
            environment=dict(environment),
        )
        try:
            given = enumerate((p2cread, c2pwrite, errwrite))
            self._told = _server().fork(request, [number if one == -1 else one for number, one in given])
            self.pid = _read_number(self._told)
            self._child_created = True
        finally:
            self._close_pipe_fds(*rest[3:9])  # type: ignore[attr-defined]

    def _internal_poll(self, _deadstate: Any = None, *_: Any) -> int | None:
        if self._told is None:
            return super()._internal_poll(_deadstate)  # type: ignore[misc,no-any-return]
        lock: threading.Lock = self._waitpid_lock  # type: ignore[attr-defined]
        if self.returncode is None and lock.acquire(blocking=False):
            try:
                pid, status = self._try_wait(os.WNOHANG) if self.returncode is None else (0, 0)
                if pid:
                    self.returncode = os.waitstatus_to_exitcode(status)
            finally:
                lock.release()
        return self.returncode

    def _try_wait(self, wait_flags: int) -> tuple[int, int]:
        if self._told is None:
            return super()._try_wait(wait_flags)  # type: ignore[misc,no-any-return]
        look = select.poll()
        look.register(self._told, select.POLLIN)
        if not look.poll(0 if wait_flags & os.WNOHANG else None):
            return 0, 0
        status = _read_number(self._told)
        os.close(self._told)
        return self.pid, status


def run(
    command: Sequence[str], *, input: str | None = None, timeout: float = 60, **options: Any
) -> subprocess.CompletedProcess[str]:
    """As ``subprocess.run`` with ``capture_output`` and ``text``."""
    stdin = None if input is None else subprocess.PIPE
    pipes = {"stdin": stdin, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with Popen(command, **(pipes | options)) as process:
        try:
            output, errors = process.communicate(input, timeout)
        except BaseException:
            process.kill()
            raise
        return subprocess.CompletedProcess(command, process.wait(), output, errors)


def _read_number(descriptor: int) -> int:
    told = os.read(descriptor, 8)
    if not told:
        raise RuntimeError("the fork server has ended")
    return int.from_bytes(told)


def bare_environment() -> dict[str, str]:
    """The variables that are the interpreter's, and no others."""
    return {**_of_interpreter(os.environ), "PATH": ""}


def _is_ours(environment: Mapping[str, str]) -> bool:
    """True if the interpreter itself sees the same environment as this process's."""
    return _of_interpreter(environment) == _of_interpreter(os.environ)


def _of_interpreter(environment: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in environment.items()
        if name.startswith(("PYTHON", "LC_", "LANG", "LD_"))
    }


def _serve(connection: socket.socket) -> _Request | None:
    """Make processes until the tests have ended: then None. In each that is made, what it is to
    do."""
    woken, wakes = os.pipe()
    os.set_blocking(wakes, False)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    signal.set_wakeup_fd(wakes)
    statuses: dict[int, int] = {}
    while True:
        readable, _, _ = select.select([connection.fileno(), woken], [], [])
        if woken in readable:
            os.read(woken, 4_096)
            _tell_ended(statuses)
        if connection.fileno() not in readable:
            continue
        message, descriptors, _, _ = socket.recv_fds(connection, MAX_REQUEST, 4)
        if not message:
            return None
        request: _Request = json.loads(message)
        _import(request["module"])
        pid = os.fork()
        if not pid:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for number, descriptor in enumerate(descriptors[1:]):
                os.dup2(descriptor, number)
            connection.detach()
            os.closerange(3, 4_096)
            return request
        for descriptor in descriptors[1:]:
            os.close(descriptor)
        statuses[pid] = descriptors[0]
        _tell(descriptors[0], pid)


@cache
def _import(module: str) -> None:
    for name in IMPORTS[module]:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()


def _tell_ended(statuses: dict[int, int]) -> None:
    for pid in list(statuses):
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            _tell(statuses[pid], status)
            os.close(statuses.pop(pid))


def _tell(descriptor: int, number: int) -> None:
    try:
        os.write(descriptor, number.to_bytes(8))
    except BrokenPipeError:
        pass  # the tests have ended meanwhile


def _open_standard_streams() -> None:
    """As the interpreter opens them: whether a descriptor can seek is asked only then."""
    for descriptor, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        before: io.TextIOWrapper = getattr(sys, name)
        buffer = io.BufferedReader if mode == "r" else io.BufferedWriter
        stream = io.TextIOWrapper(
            buffer(io.FileIO(descriptor, mode, closefd=False)),
            before.encoding,
            before.errors,
            line_buffering=name == "stderr" or os.isatty(descriptor),
            write_through=before.write_through,
        )
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def _main() -> None:
    request = _serve(socket.socket(fileno=int(sys.argv[1])))
    if request is None:
        return
    os.environ.clear()
    os.environ.update(request["environment"])
    time.tzset()
    _open_standard_streams()
    os.chdir(request["cwd"])
    sys.argv = [request["module"], *request["arguments"]]
    runpy.run_module(request["module"], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _main()
