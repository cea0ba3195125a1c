"""Logs: a fixed sentence and fields, to stderr. What comes from outside is escaped; bodies of
messages are never logged."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from chatd.text import escaped

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


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


def configure(level: str, style: str) -> None:
    """Set up logging for the process, at once also for loggers that are there. ``level``: a key of
    LEVELS; ``style``: auto, json or text."""
    text = style == "text" or (style == "auto" and sys.stderr.isatty())
    renderer: Any = (
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
        if text
        else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            *([] if text else [structlog.processors.EventRenamer("message")]),
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
