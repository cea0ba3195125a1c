"""RabbitMQ from the installed Debian package, started with nothing of the machine's own: every port
on loopback, Erlang's too, files in one folder, ended by process id. Each start forgets all."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import IO

from tests.daemons import free_port

SERVER = "/usr/lib/rabbitmq/bin/rabbitmq-server"  # the one on PATH becomes another user
CONTROL = "/usr/lib/rabbitmq/bin/rabbitmqctl"


class RabbitMqServer:
    """``settings`` are the lines of rabbitmq.conf, with the listeners; ``plugins`` the names of
    what is enabled beside the core."""

    def __init__(self, folder: Path, settings: str, *plugins: str) -> None:
        self._folder = folder
        self._name = f"chatd{free_port()}@localhost"
        names = free_port()
        config, enabled = folder / "rabbitmq.conf", folder / "enabled_plugins"
        config.write_text(settings)
        enabled.write_text(f"[{','.join(plugins)}].")
        self._mapper = ["epmd", "-port", str(names), "-address", "127.0.0.1"]
        self._environment = {
            **os.environ,
            "HOME": str(folder),  # of the cookie that rabbitmqctl shares
            "ERL_EPMD_PORT": str(names),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": self._name,
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            "RABBITMQ_CONFIG_FILE": str(config),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(enabled),
            "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RUNNING_UNDER_SYSTEMD": "true",  # the script becomes the server, under its process id
        }

    def start(self, output: IO[bytes] | int) -> "subprocess.Popen[bytes]":
        """Raises FileNotFoundError if it is not installed. It takes connections some seconds
        later."""
        shutil.rmtree(self._folder / "mnesia", ignore_errors=True)
        self._process = subprocess.Popen(
            [SERVER], env=self._environment, stdout=output, stderr=output, cwd=self._folder
        )
        self._names = subprocess.Popen(self._mapper, stdout=output, stderr=output)
        return self._process

    def control(self, *arguments: str) -> None:
        """Run rabbitmqctl. Raises CalledProcessError."""
        subprocess.run(
            [CONTROL, "-n", self._name, *arguments], env=self._environment, check=True, capture_output=True
        )

    def stop(self) -> None:
        """End it at once."""
        for process in (self._process, self._names):
            process.kill()
            process.wait()
