"""chatctl as a process, on pipes or on a terminal."""

import json
import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from tests import fork_server
from tests.daemons import Daemon, operator_token
from tests.protocol.conversation import Conversation

Result = subprocess.CompletedProcess[str]


class Chatctl:
    """Runs chatctl against ``daemon``, with its operator's token."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self.environment = {
            **os.environ,
            "CHATD_URI": daemon.uri,
            "CHATD_DATA_DIR": str(daemon.folder),
            "XDG_CONFIG_HOME": str(daemon.folder / "config"),  # none of this machine's contexts
            "COLUMNS": "200",
        }

    def speak(self, profile: str) -> Conversation:
        """A connection of the profile, as the operator. It prepares what a test needs of a daemon;
        a process of chatctl for that would cost half a second."""
        return Conversation(self._daemon.uri, operator_token(self._daemon.folder), profile)

    def create_room(self, room: str, *members: str) -> None:
        """alice's."""
        with self.speak("alice") as alice:
            alice.create_room(room, *members)

    def send_texts(self, room: str, *texts: str) -> None:
        """Ids of events of alice; no two the same in a room."""
        with self.speak("alice") as alice:
            alice.send_texts(room, *texts)

    def make_device(self, profile: str, device: str) -> None:
        """One that has been there once."""
        with self.speak(profile) as speaking:
            speaking.open(device)
            speaking.hear_kind("caught_up")
            speaking.bye()
            speaking.hear_kind("closed")

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        return fork_server.Popen(
            [sys.executable, "-m", "chatctl", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment,
            **options,
        )

    def __call__(self, *arguments: str, stdin: str | None = None, code: int = 0) -> Result:
        """Run to the end. It must exit with ``code``, without a traceback or a terminal's
        escapes."""
        done = self.run(*arguments, stdin=stdin)
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr
        assert "\x1b" not in done.stdout
        return done

    def run(self, *arguments: str, stdin: str | None = None) -> Result:
        """Run to the end, whatever comes of it."""
        command = [sys.executable, "-m", "chatctl", *arguments]
        return fork_server.run(command, input=stdin, env=self.environment)

    def json(self, *arguments: str) -> Any:
        return json.loads(self(*arguments, "--json").stdout)

    def json_when(self, holds: Callable[[Any], bool], *arguments: str) -> Any:
        """Ask again until the answer is as wanted: what a gateway tells the node comes a little
        later."""
        end = time.monotonic() + 30
        while not holds(answer := self.json(*arguments)):
            assert time.monotonic() < end, answer
            time.sleep(0.05)
        return answer

    def json_lines(self, *arguments: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self(*arguments, "--json").stdout.splitlines()]

    def in_shell(self, arguments: str, then: str) -> Result:
        """Run in bash, followed by ``then``, such as a pipe."""
        command = ["bash", "-c", f"set -o pipefail; {sys.executable} -m chatctl {arguments} {then}"]
        return fork_server.run(command, env=self.environment)

    def on_terminal(self, *arguments: str, typed: str = "", code: int = 0, **environment: str) -> str:
        """Run on a pseudo-terminal, where ``typed`` is typed; everything that was written to it."""
        ours, theirs = pty.openpty()
        process = fork_server.Popen(
            [sys.executable, "-m", "chatctl", *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**self.environment, "TERM": "xterm", **environment},
        )
        os.close(theirs)
        os.write(ours, typed.encode())
        written = b""
        deadline = time.monotonic() + 20
        while (time.monotonic() < deadline and select.select([ours], [], [], 1)[0]) or process.poll() is None:
            try:
                chunk = os.read(ours, 65536)
            except OSError:
                break  # the terminal's other end is closed
            if not chunk:
                break
            written += chunk
        os.close(ours)
        assert process.wait(10) == code, written
        return written.decode()
