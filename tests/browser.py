"""Debian's chromium for tests, without a window, driven over WebDriver: one for a module."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

PROGRAMS = ("chromium", "chromedriver")
HOW_TO_INSTALL = "a browser is not installed: apt-get install chromium chromium-driver"
QUIET = (
    "--headless=new",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--disable-background-timer-throttling",
    "--no-first-run",
)


def is_installed() -> bool:
    return all(shutil.which(program) for program in PROGRAMS)


@contextmanager
def browser(folder: Path, *, size: tuple[int, int] = (1000, 700)) -> "Iterator[Chrome]":
    """Its profile is in ``folder``; it ends with the block."""
    from selenium.webdriver import Chrome, ChromeOptions
    from selenium.webdriver.chrome.service import Service

    options = ChromeOptions()
    options.binary_location = shutil.which(PROGRAMS[0]) or ""
    for argument in (*QUIET, f"--user-data-dir={folder}", f"--window-size={size[0]},{size[1]}"):
        options.add_argument(argument)
    if os.geteuid() == 0:
        options.add_argument("--no-sandbox")  # it has none for root
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = Service(shutil.which(PROGRAMS[1]), env={**os.environ, "NO_PROXY": "*"})
    driver = Chrome(options, service)
    try:
        yield driver
    finally:
        driver.quit()
