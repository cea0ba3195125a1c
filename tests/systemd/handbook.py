"""The commands of systemd/README.md, by its sections."""

import re
from pathlib import Path

README = Path(__file__).parents[2] / "systemd/README.md"


def blocks() -> list[tuple[str, str, str]]:
    """Each fenced block: its section, its language and its text."""
    found, section, language, lines = [], "", None, list[str]()
    for line in README.read_text().splitlines():
        if line.startswith("```"):
            if language is None:
                language, lines = line[3:], []
            else:
                found.append((section, language, "\n".join(lines) + "\n"))
                language = None
        elif language is not None:
            lines.append(line)
        elif heading := re.match("#+ (.*)", line):
            section = heading[1]
    return found


def commands(section: str, number: int = 0) -> str:
    """The shell commands of a section: those of its first block, or of a later one."""
    return [text for name, language, text in blocks() if (name, language) == (section, "sh")][number]


def settings(section: str, number: int = 0) -> str:
    """Likewise its files of settings."""
    found = [text for name, language, text in blocks() if name == section and language in ("toml", "ini")]
    return found[number]
