"""Logs: how much is said, and in which form."""

from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field

from chatd.daemon.settings.section import Section, lower


class LogsSection(Section):
    """Every process has these."""

    title: ClassVar[str] = "Logs"

    log_level: Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(lower)] = Field(
        default="info",
        description="Lowest level of the records that are written: debug, info, warning or error.",
    )
    log_format: Annotated[Literal["auto", "json", "text"], BeforeValidator(lower)] = Field(
        default="auto",
        description="Form of the log on stderr: json, text, or auto, which is text on a terminal and else json. "
        "Lines that go to journald begin with their priority.",
    )
