"""The settings of a command that looks at them and ends; ``run`` logs what it warns of."""

from pathlib import Path

import typer

from chatd.daemon.mode import Mode
from chatd.daemon.settings import Settings
from chatd.daemon.settings.sources import load_settings


def settings_of(mode: Mode | None, config: Path | None, instance: str | None = None) -> Settings:
    """Warnings go to standard error. Raises what ``load_settings`` raises."""
    settings = load_settings(mode, config, instance=instance)
    for line in settings.warnings:
        typer.echo(f"chatd: {line}", err=True)
    return settings
