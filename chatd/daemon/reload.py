"""SIGHUP: what can change under open streams is read again and applied together; a fault in any of
it leaves all as it was."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace

import structlog

from chatd.core.notification import Notifier
from chatd.daemon.authenticators import TokenFiles, load_token_files
from chatd.daemon.default_parts import Notifying
from chatd.daemon.logs import configure
from chatd.daemon.settings import Settings
from chatd.daemon.settings.settings import SECTIONS
from chatd.daemon.settings.sources import load_settings
from chatd.daemon.systemd import ServiceManager
from chatd.default.nodes.identity import Identity
from chatd.errors import ChatdError
from chatd.files.certificate import Certificate
from chatd.files.key_file import Keys, load_keys
from chatd.gateway.node import GatewayNode
from chatd.notify.choice import make_notifiers
from chatd.transport.sockets import Context

log = structlog.get_logger()

_NOT_RELOADED = "Settings and tokens were not reloaded; the old ones stay in force"
RELOADED_SECTIONS = ("sending_limits", "authentication", "notifications")
RELOADED_FIELDS = ("log_level",)
AT_NEXT_START = ("notify_tick_seconds",)
"""Fields of the sections that are not reloaded with them."""


@dataclass(frozen=True, slots=True)
class Reloaded:
    """The settings that ``changed`` and are in force, and those that wait; with ``faults`` nothing
    was changed."""

    changed: tuple[str, ...] = ()
    at_next_start: tuple[str, ...] = ()
    streams_ended: int = 0
    faults: tuple[str, ...] = ()


class Reload:
    """``identity`` and ``notifying``, a default node's, and ``gateway`` are None in a process that
    has none.
    ``status`` gives what the service manager is told when it is done."""

    def __init__(
        self,
        settings: Settings,
        context: Context,
        identity: Identity | None,
        notifying: Notifying | None,
        gateway: GatewayNode | None,
        manager: ServiceManager,
        *,
        status: Callable[[], str],
    ) -> None:
        self._settings = settings
        self._context = context
        self._identity = identity
        self._notifying = notifying
        self._gateway = gateway
        self._manager = manager
        self._status = status
        self._one_at_a_time = asyncio.Lock()

    async def __call__(self) -> Reloaded:
        """Read the files on a thread, and apply them on the loop. Faults are logged, a line
        each."""
        async with self._one_at_a_time:
            return await self._run()

    async def _run(self) -> Reloaded:
        done = Reloaded()
        self._manager.reloading()
        try:
            new, tokens, keys, notifiers, certificate = await asyncio.to_thread(self._read)
            if self._gateway is not None:
                self._gateway.change_keys(keys.pairs)
        except ChatdError as exc:
            done = Reloaded(faults=tuple(exc.explained.splitlines()))
            for line in done.faults:
                log.error(_NOT_RELOADED, error=line)
        except Exception as exc:  # a fault of ours here must not end what serves
            done = Reloaded(faults=(f"a fault of chatd's own, see its log: {type(exc).__name__}",))
            log.exception(_NOT_RELOADED)
        else:
            try:
                done = self._apply(new, tokens, notifiers)
                if self._gateway is not None and certificate is not None:
                    self._gateway.change_certificate(certificate)
                self._change_keys(keys)
            except Exception as exc:  # likewise, and the next SIGHUP is to be heard
                fault = f"reloaded in part; a fault of chatd's own, see its log: {type(exc).__name__}"
                done = replace(done, faults=(fault,))
                log.exception("Settings and tokens were reloaded in part")
        self._manager.ready(self._status())
        return done

    def _read(
        self,
    ) -> tuple[Settings, TokenFiles | None, Keys, dict[str, Notifier], Certificate | None]:
        new = load_settings(self._settings.mode, self._settings.config_file, instance=self._settings.instance)
        tokens = None if self._gateway is None else load_token_files(new)
        # KEY_FILE itself takes effect at the next start.
        keys = load_keys(self._settings.node.keys(self._settings.place), create=False)
        section = new.notifications
        notifiers = (
            {} if self._notifying is None else make_notifiers(section.names(), section.notifier_settings())
        )
        # Other files take effect at the next start.
        certificate = None if self._gateway is None else self._settings.http.certificate()
        return new, tokens, keys, notifiers, certificate

    def _change_keys(self, keys: Keys) -> None:
        """Between gateways and default nodes; both ends connect anew if the key in force is another
        one."""
        is_other = keys.current.public != self._context.keys.public
        self._context.keys = keys.current
        if self._identity is not None:
            self._identity.change(keys)
        if self._gateway is not None and is_other:
            self._gateway.connect_anew()

    def _apply(self, new: Settings, tokens: TokenFiles | None, notifiers: dict[str, Notifier]) -> Reloaded:
        if self._notifying is not None:
            self._notifying.change(new.notifications, notifiers)
        configure(new.logs.log_level, self._settings.logs.log_format)
        ended = 0
        if self._gateway is not None and tokens is not None:
            ended = self._gateway.reload(
                tuple(tokens), new.sending_limits.rates(), new.gateway.door(new.authentication.door())
            )
        changed = [key for key in _fields(new) if _fields(new)[key] != _fields(self._settings)[key]]
        done = Reloaded(
            changed=tuple(key.upper() for key in changed if key in _reloaded()),
            at_next_start=tuple(key.upper() for key in changed if key not in _reloaded()),
            streams_ended=ended,
        )
        log.info(
            "Settings and tokens were reloaded",
            changed=list(done.changed),
            tokens=0 if tokens is None else len(tokens.table),
            streams_ended=ended,
        )
        for name in done.at_next_start:
            log.warning("A changed setting takes effect at the next start", setting=name)
        # Settings that wait for a start are compared with those in force the next time, too.
        updates = {name: getattr(new, name) for name in RELOADED_SECTIONS}
        kept = {name: getattr(self._settings.notifications, name) for name in AT_NEXT_START}
        updates["notifications"] = new.notifications.model_copy(update=kept)
        logs = self._settings.logs.model_copy(update={"log_level": new.logs.log_level})
        self._settings = self._settings.model_copy(update={**updates, "logs": logs})
        return done


def _fields(settings: Settings) -> dict[str, object]:
    return {key: value for section in settings.sections().values() for key, value in section}


def _reloaded() -> set[str]:
    of_sections = {key for name in RELOADED_SECTIONS for key in SECTIONS[name].model_fields}
    return of_sections.union(RELOADED_FIELDS).difference(AT_NEXT_START)


async def on_each(signalled: asyncio.Event, reload: Reload) -> None:
    """Reload whenever ``signalled`` is set; signals that come meanwhile are one."""
    while True:
        await signalled.wait()
        signalled.clear()
        await reload()
