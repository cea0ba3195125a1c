"""Connection metadata in Redis or Valkey: every node sees it, and no database is written for it.

Three keys hold it: ``NAME:connections``, a hash from place to record; ``…:places``, all places in
their order; ``…:until``, when each of them expires, by Redis's own clock. A place is profile, NUL,
device. Each call is one script, so nobody sees a part of it. A place that Redis loses,
by a restart or while it is away, is put there again when the device is next heard.
"""

import asyncio
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TypeVar

from chatd.core.broker_address import BrokerAddress, channel_part
from chatd.core.metric import Gauge
from chatd.core.model import StreamKey
from chatd.default.answer import Answer, CallStore, Later, Refuse, Respond
from chatd.default.devices.connection_cache import MemoryConnectionCache, list_to_pb, to_pb
from chatd.default.devices.model import Connection
from chatd.default.part import Part
from chatd.pb.admin.v1 import admin_pb2
from chatd.transport.redis_commands import RedisCommands
from chatd.transport.redis_link import Command

T = TypeVar("T")
_Note = tuple[bytes, int, int, bytes]
"""Place, epoch, time last heard, body; the last is empty if only the time is new."""
_TOGETHER = 200
"""Connections in a script: Redis does nothing else meanwhile, for about a millisecond."""
_LAST_SECONDS = 1.0
"""The last commands have so long to leave when the node ends."""

_BEGIN = """
local records, places, until_ = KEYS[1], KEYS[2], KEYS[3]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function read(place)
  local record = redis.call('HGET', records, place)
  if not record then return end
  local epoch, seen, at = string.match(record, '^(%d+) (%d+) ()')
  return epoch, string.sub(record, at), seen
end
local function remove(place)
  redis.call('HDEL', records, place)
  redis.call('ZREM', places, place)
  redis.call('ZREM', until_, place)
end
local function expire(most)
  local gone = redis.call('ZRANGEBYSCORE', until_, '-inf', string.format('(%.0f', now), 'LIMIT', 0, most)
  for _, place in ipairs(gone) do remove(place) end
end
"""
_NOTE = (
    _BEGIN
    + """
expire(1000)
local ttl = tonumber(ARGV[1])
for at = 2, #ARGV, 4 do
  local place, epoch, seen, body = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
  local known, known_body = read(place)
  if body == '' then body = known == epoch and known_body
  elseif known and tonumber(known) > tonumber(epoch) then body = nil end
  if body then
    redis.call('HSET', records, place, epoch .. ' ' .. seen .. ' ' .. body)
    redis.call('ZADD', places, 0, place)
    redis.call('ZADD', until_, string.format('%.0f', now + ttl), place)
  end
end
for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, ttl) end
"""
)
"""ARGV: the expiry in ms; then place, epoch, seen and body of each connection. Without a body only
one that is there is heard again."""
_FORGET = (
    _BEGIN
    + """
for at = 1, #ARGV, 2 do
  if read(ARGV[at]) == ARGV[at + 1] then remove(ARGV[at]) end
end
"""
)
"""ARGV: place and epoch of each."""
_LIST = (
    _BEGIN
    + """
expire(-1)
local limit = tonumber(ARGV[3])
local rows = redis.call('ZRANGEBYLEX', places, ARGV[1], ARGV[2], 'LIMIT', 0, limit + 1)
local found = {}
for at = 1, math.min(limit, #rows) do
  local _, body, seen = read(rows[at])
  if body then table.insert(found, {body, seen}) else remove(rows[at]) end
end
return {#rows > limit and 1 or 0, found}
"""
)
"""ARGV: the first and the last place, as ZRANGEBYLEX takes them, and how many."""

_TRIAL = """
redis.call('HSET', KEYS[1], '', '')
redis.call('HDEL', KEYS[1], '')
for at = 2, 3 do
  redis.call('ZADD', KEYS[at], 0, '')
  redis.call('ZREM', KEYS[at], '')
end
"""
"""Fails where a connection could not be noted, as in a Redis that is full. No place is empty."""


class RedisScripts:
    """The scripts as commands, for the keys of ``name``. ``expiry`` is in seconds."""

    def __init__(self, name: str, expiry: float) -> None:
        key = f"{channel_part(name)}:connections"
        self._keys = (3, key, f"{key}:places", f"{key}:until")
        self._expiry_ms = round(expiry * 1e3)

    def trial(self) -> Command:
        return ("EVAL", _TRIAL, *self._keys)

    def note(self, *given: str | bytes | int) -> Command:
        return ("EVAL", _NOTE, *self._keys, self._expiry_ms, *given)

    def forget(self, *given: str | bytes | int) -> Command:
        return ("EVAL", _FORGET, *self._keys, *given)

    def list(self, first: bytes, last: bytes, limit: int) -> Command:
        return ("EVAL", _LIST, *self._keys, first, last, limit)


class RedisConnectionCache:
    """``own`` has what this node registered. ``expiry`` is in seconds."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        address: BrokerAddress,
        own: MemoryConnectionCache,
        *,
        expiry: float,
    ) -> None:
        self._scripts = RedisScripts(address.name, expiry)
        self._redis = redis = RedisCommands(
            loop,
            address,
            what="the cache of connections",
            trial=self._scripts.trial(),
            failing="The cache of connections is away; operators cannot list them, all else goes on",
            over="The cache of connections is back",
        )
        self._own = own
        self.part = Part(
            begin=(redis.start,),
            gauges=(
                Gauge(
                    "cache_away_seconds",
                    "seconds since the cache of connections could last be used; 0: it can",
                    lambda: redis.away_seconds,
                ),
            ),
            before_the_end=lambda seconds: redis.close(min(_LAST_SECONDS, seconds)),
        )

    @property
    def problem(self) -> str:
        return self._redis.problem

    def register(self, connections: tuple[Connection, ...]) -> None:
        self._own.register(connections)
        self._note([_put(one) for one in connections])

    def touch(self, streams: tuple[StreamKey, ...], seen_us: int) -> None:
        self._own.touch(streams, seen_us)
        known = [(stream, self._own.get(stream)) for stream in streams]
        self._note(
            [
                (_place(stream.profile_id, stream.device_id), stream.epoch, seen_us, b"")
                if one is None
                else _put(one)
                for stream, one in known
            ]
        )

    def _note(self, given: Sequence[_Note]) -> None:
        for few in _slices(given):
            self._redis.tell(self._scripts.note(*(part for one in few for part in one)))

    def forget(self, streams: tuple[StreamKey, ...]) -> None:
        self._own.forget(streams)
        for few in _slices(streams):
            given = ((_place(one.profile_id, one.device_id), one.epoch) for one in few)
            self._redis.tell(self._scripts.forget(*(part for one in given for part in one)))

    def list(self, profile_id: str, limit: int, after: tuple[str, str]) -> Answer:
        last = b"+"
        first = b"(" + _place(*after)
        if profile_id:
            last = b"(" + profile_id.encode() + b"\x01"
            first = max(first, b"[" + _place(profile_id, ""), key=lambda one: one[1:])
        return Later(partial(self._list, self._scripts.list(first, last, limit)))

    def _list(self, command: Command, store: CallStore, respond: Respond, refuse: Refuse) -> None:
        def then(answer: tuple[int, list[tuple[bytes, bytes]]]) -> None:
            more, found = answer
            respond(list_to_pb((_from_record(*one) for one in found), bool(more)))

        self._redis.ask(command, then, refuse)


def _slices(all_of_them: Sequence[T]) -> Iterator[Sequence[T]]:
    for at in range(0, len(all_of_them), _TOGETHER):
        yield all_of_them[at : at + _TOGETHER]


def _place(profile_id: str, device_id: str) -> bytes:
    return f"{profile_id}\0{device_id}".encode()


def _put(one: Connection) -> _Note:
    place = _place(one.profile_id, one.device_id)
    return place, one.epoch, one.seen_us, to_pb(one).SerializeToString()


def _from_record(body: bytes, seen: bytes) -> admin_pb2.Connection:
    connection = admin_pb2.Connection.FromString(body)
    connection.seen_us = int(seen)
    return connection
