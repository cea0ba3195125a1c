"""Tabs of a browser with the page in them, and the things that somebody does there."""

import json
import time
import urllib.request
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tests.protocol.limited import token_of

if TYPE_CHECKING:
    from selenium.webdriver import Chrome
    from selenium.webdriver.remote.webelement import WebElement

SECONDS = 30.0


def call(url: str, user: str, method: str, **fields: object) -> Any:
    """A method of ChatService, without a browser."""
    headers = {"Authorization": f"Bearer {token_of(user)}", "Content-Type": "application/json"}
    request = urllib.request.Request(
        f"{url}/chat.v1.ChatService/{method}", json.dumps(fields).encode(), headers
    )
    with urllib.request.urlopen(request, timeout=SECONDS) as answer:
        return json.load(answer)


def say(url: str, user: str, room: str, *texts: str) -> None:
    """Send texts, all at once."""
    events = [
        {"event_id": uuid.uuid4().hex, "room_id": room, "type": 1, "payload": {"text": text}}
        for text in texts
    ]
    call(url, user, "SendEvents", events=events)


def texts(url: str, user: str, room: str) -> list[str]:
    """All texts that are stored in a room."""
    events = call(url, user, "GetHistory", room_id=room, limit=500)["events"]
    return [event["payload"]["text"] for event in events if "text" in (event["payload"] or {})]


class Tab:
    """A new one, at the page of ``url``."""

    def __init__(self, driver: "Chrome", url: str) -> None:
        self.driver = driver
        driver.switch_to.new_window("tab")
        self.handle = driver.current_window_handle
        driver.get(f"{url}/")

    @classmethod
    def opened(cls, driver: "Chrome", handle: str) -> "Tab":
        """One that is there."""
        tab = cls.__new__(cls)
        tab.driver, tab.handle = driver, handle
        return tab

    def front(self) -> "Chrome":
        if self.driver.current_window_handle != self.handle:
            self.driver.switch_to.window(self.handle)
        return self.driver

    def js(self, script: str, *arguments: object) -> Any:
        return self.front().execute_script(script, *arguments)

    def find(self, selector: str) -> "WebElement":
        return self.front().find_element("css selector", selector)

    def text(self, selector: str) -> str:
        """As it stands in the page; empty if there is none."""
        said: str = self.js("return document.querySelector(arguments[0])?.textContent ?? ''", selector)
        return said

    def lines(self) -> list[str]:
        """The texts of the messages that are shown."""
        found: list[str] = self.js(
            "return [...document.querySelectorAll('#log .text')].map((one) => one.textContent)"
        )
        return found

    def until(self, condition: Callable[[], object], what: str) -> None:
        deadline = time.monotonic() + SECONDS
        while not condition():
            assert time.monotonic() < deadline, f"{what}: {self.text('body')}"
            time.sleep(0.03)

    def until_text(self, selector: str, text: str) -> None:
        self.until(lambda: text in self.text(selector), f"{selector} says {text!r}")

    def until_lines(self, *expected: str) -> None:
        self.until(lambda: self.lines() == list(expected), f"the lines are {expected}")

    def log_in(self, user: str) -> "Tab":
        self.find("#token").send_keys(f"{token_of(user)}\n")
        self.until_text("#state", "connected")
        return self

    def open(self, name: str) -> None:
        """The room with this name in the list."""
        find = "[...document.querySelectorAll('#rooms a')].find((one) => one.firstChild.textContent === arguments[0])"
        self.until(lambda: self.js(f"return Boolean({find})", name), f"there is a room {name!r}")
        self.js(f"{find}.click()", name)
        self.until(lambda: self.text("#title") == name, f"the room {name!r} is shown")

    def unread(self, name: str) -> int:
        return int(
            self.js(
                "return [...document.querySelectorAll('#rooms a')].find("
                "(one) => one.firstChild.textContent === arguments[0])?.lastChild.textContent ?? 0",
                name,
            )
        )

    def say(self, text: str) -> None:
        self.find("#text").send_keys(f"{text}\n")
