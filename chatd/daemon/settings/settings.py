"""All settings, composed of their sections in the order of the flow. ``SECTIONS`` is the list of
them."""

from collections.abc import Iterator
from dataclasses import replace
from inspect import isclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict
from pydantic.fields import FieldInfo

from chatd.daemon.mode import Mode
from chatd.daemon.settings.authentication import AuthenticationSection
from chatd.daemon.settings.authentication_webhook import AuthenticationWebhookSection
from chatd.daemon.settings.calls import CallsSection
from chatd.daemon.settings.fan_out import FanOutSection
from chatd.daemon.settings.gateway import GatewaySection
from chatd.daemon.settings.http import HttpSection
from chatd.daemon.settings.logs import LogsSection
from chatd.daemon.settings.messages import MessagesSection
from chatd.daemon.settings.metrics import MetricsSection
from chatd.daemon.settings.node import NodeSection
from chatd.daemon.settings.notifications import NotificationsSection
from chatd.daemon.settings.presence import PresenceSection
from chatd.daemon.settings.queue import QueueSection
from chatd.daemon.settings.redelivery import RedeliverySection
from chatd.daemon.settings.retention import RetentionSection
from chatd.daemon.settings.rooms import RoomsSection
from chatd.daemon.settings.search import SearchSection
from chatd.daemon.settings.section import Place, Section
from chatd.daemon.settings.sending_limits import SendingLimitsSection
from chatd.daemon.settings.signals import SignalsSection
from chatd.daemon.settings.store import StoreSection
from chatd.daemon.settings.streams import StreamsSection


class Settings(BaseModel):
    """The settings of a process. ``origins``: key of each setting that is no default →
    ``environment`` or the path of a file."""

    model_config = ConfigDict(frozen=True)

    mode: Mode
    config_file: Path | None
    """The file that the command line named, to be read again."""
    instance: str
    """The name of the process among those of this machine; empty without one."""
    origins: dict[str, str]
    warnings: tuple[str, ...]
    """Lines about variables that do not do what somebody meant them to."""
    node: NodeSection
    store: StoreSection
    queue: QueueSection
    calls: CallsSection
    gateway: GatewaySection
    http: HttpSection
    authentication: AuthenticationSection
    authentication_webhook: AuthenticationWebhookSection
    streams: StreamsSection
    messages: MessagesSection
    rooms: RoomsSection
    sending_limits: SendingLimitsSection
    signals: SignalsSection
    presence: PresenceSection
    fan_out: FanOutSection
    redelivery: RedeliverySection
    retention: RetentionSection
    search: SearchSection
    notifications: NotificationsSection
    logs: LogsSection
    metrics: MetricsSection

    @property
    def place(self) -> Place:
        """The mode, the folders and so on, which sections ask for where a default depends on
        them."""
        return replace(self.node.place(self.mode), default_uri=self.calls.default_uri)

    def problems(self) -> Iterator[str]:
        """A line for each value that is well formed and still wrong."""
        found = [line for section in self.sections().values() for line in section.problems(self.place)]
        yield from found
        if self.mode == "default" or found or self.node.key_file is not None:
            return
        if self.gateway.gateway_share_port and self.gateway.is_encrypted:
            yield (
                "KEY_FILE: gateways that share a port (GATEWAY_SHARE_PORT) need the same key, since the "
                "kernel chooses the one that a device meets; it must be set, to one file for all of them"
            )

    def sections(self) -> dict[str, Section]:
        """The sections by name."""
        return {name: section for name, section in self if isinstance(section, Section)}


SECTIONS: dict[str, type[Section]] = {
    name: field.annotation
    for name, field in Settings.model_fields.items()
    if isclass(field.annotation) and issubclass(field.annotation, Section)
}
"""Name of each section → its class."""

FIELDS: dict[str, FieldInfo] = {
    key: field for section in SECTIONS.values() for key, field in section.model_fields.items()
}
"""Key of each setting → its field."""
