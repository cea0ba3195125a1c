"""The settings as people read them: what is in force and where it came from, and what there is to set."""

from dataclasses import dataclass

from chatd.daemon.configuration import allowed, mask
from chatd.daemon.settings import Mode, Settings

_PAGE = """\
# Settings

chatd reads its settings from the environment or from a TOML file, where the names are in lower
case. The environment wins. The file is the one that `--config FILE` names, else `CHATD_CONFIG`,
else `/etc/chatd/chatd.toml` if it exists. `chatd --check-config` shows the settings in force.
`chatd settings --markdown` prints this page; `make fix` renews it.

| setting | default | meaning |
|---|---|---|
"""


@dataclass(frozen=True, slots=True)
class Effective:
    """One setting in force. ``origin``: ``default``, ``environment`` or the file's path."""

    name: str
    value: str
    origin: str


def describe(mode: Mode, settings: Settings) -> list[Effective]:
    """The settings in force for ``mode``; passwords are masked."""
    values = {name: str(value) for name, value in settings.model_dump().items()} | {
        "db_uri": mask(settings.database()),
        "runtime_dir": str(settings.ipc_dir()),
        "notify_webhook_url": mask(settings.notify_webhook_url),
        "tokens_file": str(settings.tokens()),
        "queue_user_event_delivery_uri": ",".join(settings.queue_uris(mode)).replace("inproc://", "mem://"),
        "default_uri": ",".join(settings.node_uris(mode)).replace("inproc://", "mem://"),
    }
    return [Effective(name.upper(), value, settings.origin(name)) for name, value in values.items()]


def table() -> list[tuple[str, str, str]]:
    """Every setting there is: name, default, meaning with range and unit. An empty default depends; the meaning says on what."""
    rows = []
    for name, field in Settings.model_fields.items():
        default = "" if field.default_factory or field.default in (None, "") else str(field.default)
        limits = f" ({allowed(name)})" if field.json_schema_extra else ""
        rows.append((name.upper(), default, f"{field.description}{limits}"))
    return rows


def page() -> str:
    """The table as a Markdown page: ``SETTINGS.md``, beside this module."""
    return _PAGE + "".join(f"| `{name}` | {default} | {meaning} |\n" for name, default, meaning in table())
