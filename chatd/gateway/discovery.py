"""Which default nodes there are: those the settings name, those that any of them names, and those
remembered from the last run.

So a gateway needs one address to begin with, and goes on when that node is gone for good.
"""

import json
from collections.abc import Callable, Iterable
from pathlib import Path

import structlog

from chatd.core.address import Address, has_key, split
from chatd.errors import ConfigError
from chatd.files.durable import write_file
from chatd.pb.node.v1.node_pb2 import NodeAddress

log = structlog.get_logger()


class Discovery:
    """``found`` and ``lost`` get a node's call and queue address. ``static`` nodes are never lost.
    ``file`` may be None."""

    def __init__(
        self,
        static: Iterable[str],
        *,
        file: Path | None,
        found: Callable[[str, str], None],
        lost: Callable[[str, str], None],
    ) -> None:
        self._static = set(static)
        self._without_key: set[str] = set()
        """Endpoints whose nodes are reached without a key: theirs may change."""
        self._file = file
        self._found = found
        self._lost = lost
        self._discovered: dict[str, str] = {}

    def remember(self) -> None:
        """Begin with the nodes of the last run."""
        if self._file is None or not self._file.exists():
            return
        try:
            remembered = {
                str(call_uri): str(queue_uri)
                for call_uri, queue_uri in json.loads(self._file.read_text(encoding="utf-8")).items()
            }
        except (OSError, ValueError, AttributeError) as exc:
            log.warning(
                "What was remembered of default nodes cannot be read", file=str(self._file), error=str(exc)
            )
            return
        for call_uri, queue_uri in remembered.items():
            if call_uri not in self._static:
                self._add(call_uri, queue_uri)

    def heard(
        self, via: str, itself: str, nodes: Iterable[NodeAddress], silent: Callable[[str], bool]
    ) -> None:
        """The node connected at ``via``, known to the others as ``itself``, says who serves. Those
        it no longer names and that are ``silent`` are given up."""
        before = dict(self._discovered)
        if via in self._static:
            # The settings may name it otherwise than it does itself: one connection is enough.
            self._static.add(itself)
            if not has_key(via):
                self._without_key.add(split(itself)[0])
            if itself in self._discovered and itself != via:
                self._lost(itself, self._discovered.pop(itself))
        named = {
            node.call_uri: node.queue_uri
            for node in nodes
            if not node.call_uri.startswith("inproc://") and split(node.call_uri)[0] not in self._without_key
        }
        for call_uri, queue_uri in named.items():
            if call_uri not in self._discovered and call_uri not in self._static:
                self._add(call_uri, queue_uri)
        for call_uri in [one for one in self._discovered if one not in named and silent(one)]:
            queue_uri = self._discovered.pop(call_uri)
            log.info("A default node is given up", node=call_uri)
            self._lost(call_uri, queue_uri)
        if self._discovered != before:
            self._write()

    def queue_of(self, call_uri: str) -> str:
        """The queue of a node that another has named; empty if none has."""
        return self._discovered.get(call_uri, "")

    def _add(self, call_uri: str, queue_uri: str) -> None:
        try:
            Address.parse(call_uri)
            if queue_uri:
                Address.parse(queue_uri)
        except ConfigError as exc:
            log.warning("A default node cannot be reached from here", node=call_uri, error=str(exc))
            return
        self._discovered[call_uri] = queue_uri
        log.info("A default node was found", node=call_uri)
        self._found(call_uri, queue_uri)

    def _write(self) -> None:
        if self._file is None:
            return
        try:
            write_file(self._file, json.dumps(self._discovered, indent=2))
        except OSError as exc:
            log.warning("The default nodes cannot be remembered", file=str(self._file), error=str(exc))
