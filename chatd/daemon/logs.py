"""Logs: a fixed sentence and fields, to stderr. Text from outside is escaped; bodies of messages
are never logged."""

import logging
import os
import sys
from collections.abc import Callable, MutableMapping
from typing import Any

import structlog

from chatd.core.audit import AuditKind, AuditLine
from chatd.text import escaped

NOTICE = "notice"
"""The level of audit lines; the lowest level that is logged does not concern them."""
PRIORITIES = {"debug": 7, "info": 6, NOTICE: 5, "warning": 4, "error": 3, "critical": 2}
"""journald's (sd-daemon(3))."""
LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


_level = "info"


def escape_fields(logger: Any, name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Escape every string field. A traceback keeps its lines, indented, so that none of them can
    pass for another record."""
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = (
                "\n".join(f"  {escaped(line)}" for line in value.splitlines())
                if key == "exception"
                else escaped(value)
            )
    return event


def message_first(logger: Any, name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The record as people read it, whatever shows it: the sentence, then its fields."""
    return {"message": event.pop("event"), **event}


def is_journal() -> bool:
    """True if stderr goes to journald, as the environment says and the stream itself."""
    try:
        status = os.fstat(sys.stderr.fileno())
    except (OSError, ValueError):
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"


def with_priority(render: Callable[..., Any]) -> Callable[..., str]:
    """``render`` with the record's priority before each line, as journald reads it."""

    def rendered(logger: Any, name: str, event: MutableMapping[str, Any]) -> str:
        prefix = f"<{PRIORITIES[event['level']]}>"
        return "\n".join(prefix + line for line in str(render(logger, name, event)).split("\n"))

    return rendered


def level_of_audit(logger: Any, name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Audit lines have a level of their own."""
    if event.get("audit"):
        event["level"] = NOTICE
    return event


_audit_log = structlog.wrap_logger(None, wrapper_class=structlog.make_filtering_bound_logger(logging.NOTSET))
_SENTENCES = {
    "Authenticate": "A client did not authenticate",
    "OpenStream": "An operator opened another profile's stream",
    "Peer": "A peer was refused",
}
_SENTENCES_OF_CALLS = {
    AuditKind.ACT: "An operator changed something",
    AuditKind.USE: "An operator made a call",
    AuditKind.REFUSED: "An operator's call was refused",
}


def say_audit(line: AuditLine) -> None:
    """Log an audit line, whatever the level."""
    fields = {
        "profile": line.profile_id,
        "acting_for": line.acting_for,
        "address": line.address,
        "gateway": line.gateway_id,
        "what": line.what,
        "objects": line.objects,
        "outcome": line.outcome,
        "repeated": line.repeated,
    }
    _audit_log.info(
        _SENTENCES.get(line.what, _SENTENCES_OF_CALLS[line.kind]),
        audit=True,
        **{name: value for name, value in fields.items() if value},
    )


class IntoStructlog(logging.Handler):
    """Logs and warnings of libraries (asyncio's lost exceptions, say) take the same way out as our
    own."""

    def emit(self, record: logging.LogRecord) -> None:
        log = structlog.get_logger()
        log.log(
            record.levelno,
            "A library logged",
            library=record.name,
            text=record.getMessage(),
            exc_info=record.exc_info or None,
        )


def level_in_force() -> str:
    """The key of LEVELS that was configured last."""
    return _level


def configure(level: str, style: str) -> None:
    """Set up logging for the process, at once also for loggers that are there. ``level``: a key of
    LEVELS; ``style``: auto, json or text."""
    global _level
    _level = level
    text = style == "text" or (style == "auto" and sys.stderr.isatty())
    renderer: Any = (
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
        if text
        else structlog.processors.JSONRenderer()
    )
    if is_journal():
        renderer = with_priority(renderer)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            level_of_audit,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            *([] if text else [message_first]),
            escape_fields,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,  # a reload may change the level
    )
    # Libraries below warning are chatter, whatever our own level.
    logging.basicConfig(handlers=[IntoStructlog()], level=max(LEVELS[level], logging.WARNING), force=True)
    logging.captureWarnings(True)
