"""Identity: this node as other processes know it: its addresses, and the keys behind them.

ZeroMQ listens with one key. While it is changed the node has a lease for the address with each of
its two keys, so gateways know both; they try both, and one lets them in. When the old key is
dropped the node listens again, with the new one, and its gateways come back by that.
"""

import asyncio
from dataclasses import replace

import structlog

from chatd.core.address import Address, reached_at
from chatd.core.key_pair import KeyPair
from chatd.default.nodes.leases import Leases
from chatd.default.nodes.model import Lease
from chatd.files.key_file import Keys
from chatd.transport.self_test import prove_refusals
from chatd.transport.sockets import Context

log = structlog.get_logger()


class Identity:
    """``lease`` is this node's but for its addresses. ``public_host`` is where others find this
    machine, if it listens at all addresses of it."""

    def __init__(self, context: Context, leases: Leases, lease: Lease, keys: Keys, public_host: str) -> None:
        self._context = context
        self._leases = leases
        self._lease = lease
        self._keys = keys
        self._public_host = public_host

    @property
    def uri(self) -> str:
        """The address at which gateways connect."""
        return self._leases.call_uri

    async def claim(self, call_endpoint: str, queue_endpoint: str, place: str) -> None:
        """Both are bound; ``place`` is what the process has claimed in its data directory. Raises
        StartFailed, also if anybody is let in who is not known."""
        self._lease = replace(self._lease, uri=call_endpoint, queue_uri=queue_endpoint)
        await prove_refusals(self._context, self._leases.peers.stranger)
        await self._leases.claim(self._own(), place)

    def change(self, keys: Keys) -> None:
        """The key file was read again."""
        self._leases.peers.read_again()
        before, self._keys = self._keys, keys
        self._leases.announce(self._own())
        if keys.current.public != before.current.public and self._context.encrypted:
            log.info("The key was changed; all gateways connect anew", key=keys.current.public.hex())
            self._context.listen_again(asyncio.get_running_loop().call_later)

    def _own(self) -> list[Lease]:
        """One for each key of the addresses, the one in force first; where they have none, one."""
        keys = " ".join(pair.public.hex() for pair in self._keys.pairs)
        leases = {lease.uri: replace(lease, keys=keys) for lease in map(self._with_key, self._keys.pairs)}
        return list(leases.values())

    def _with_key(self, pair: KeyPair) -> Lease:
        def address(endpoint: str) -> str:
            if not endpoint:
                return ""  # a broker's, which others have in their own settings
            key = pair.public if self._context.is_encrypted(endpoint) else b""
            return str(Address(reached_at(endpoint, self._public_host), key))

        return replace(self._lease, uri=address(self._lease.uri), queue_uri=address(self._lease.queue_uri))
