"""The page, in a real browser."""

import json
import os
import signal
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

import pytest

from chatd.gateway.fronts.http.page import FILES
from tests.browser import HOW_TO_INSTALL, browser, is_installed
from tests.gateway.fronts.http.serving import Caller, HttpDaemon
from tests.gateway.fronts.http.tabs import Tab, call, say, texts
from tests.gateway.fronts.http.test_service import room

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

Opening = Callable[[str], Tab]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HttpDaemon]:
    settings = {"HTTP_PAGE": "true", "HEARTBEAT_INTERVAL_MS": 1_000}
    with HttpDaemon(tmp_path_factory.mktemp("page"), settings) as running:
        yield running


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Chrome]":
    if not is_installed():
        if os.environ.get("CI"):
            pytest.fail(HOW_TO_INSTALL)
        pytest.skip(HOW_TO_INSTALL)
    with browser(tmp_path_factory.mktemp("browser")) as running:
        yield running


@pytest.fixture
def tab(driver: "Chrome", site: HttpDaemon) -> Iterator[Opening]:
    """Opens a tab in which a user is logged in; nobody if it is empty."""
    first = driver.current_window_handle

    def opened(user: str) -> Tab:
        new = Tab(driver, site.url)
        return new.log_in(user) if user else new

    yield opened
    for handle in driver.window_handles:
        if handle != first:
            driver.switch_to.window(handle)
            driver.close()
    driver.switch_to.window(first)
    said = [entry["message"] for entry in driver.get_log("browser")]  # type: ignore[no-untyped-call]
    assert not [text for text in said if "Security Policy" in text or "Uncaught" in text]


async def test_there_is_none_unless_it_is_wanted(daemon: HttpDaemon, site: HttpDaemon) -> None:
    async with Caller(daemon.url) as nobody:
        for path in FILES:
            assert (await nobody.get(path)).status == 404
    async with Caller(site.url) as nobody:
        for path, (_, content_type) in FILES.items():
            answer = await nobody.get(path)
            assert answer.status == 200
            assert answer.headers["Content-Type"] == f"{content_type}; charset=utf-8"
            policy = answer.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "frame-ancestors 'none'" in policy
            assert "unsafe" not in policy
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Referrer-Policy"] == "no-referrer"
            assert b"//" not in answer.body.replace(b"// ", b""), "nothing is loaded from elsewhere"
        assert (await nobody.ask("POST", "/")).status == 405


def test_a_wrong_token_is_said_to_be_wrong(tab: Opening) -> None:
    page = tab("")
    page.find("#token").send_keys("guessed\n")
    page.until_text("#reason", "no such token")
    assert page.find("#login").is_displayed()
    assert page.js("return sessionStorage.getItem('chatd.token')") is None
    page.log_in("ann")
    assert page.text("#me") == "ann"
    assert "token" not in page.driver.current_url


def test_two_users_talk(tab: Opening) -> None:
    name = room()
    ann, bob = tab("ann"), tab("bob")
    ann.find("summary").click()
    ann.find("#name").send_keys(name)
    ann.find("#members").send_keys("bob\n")
    ann.until_text("#title", name)
    ann.say("good morning")
    ann.until_lines("good morning")
    bob.until(lambda: bob.unread(name) == 1, "bob has one unread message")
    ann.until_text("#log .status", "delivered to 0 of 1, read by 0")  # bob takes no part yet
    bob.open(name)
    bob.until_lines("good morning")
    bob.until(lambda: bob.unread(name) == 0, "it is read")
    ann.until_text("#log .status", "delivered to 1 of 1, read by 1")
    bob.find("#text").send_keys("well")
    ann.until_text("#typing", "bob\u2069 is writing")
    bob.say(", good morning")
    for page in (ann, bob):
        page.until_lines("good morning", "well, good morning")
    ann.until(lambda: ann.text("#typing") == "", "bob does not write any more")
    ann.find("#log .status").click()
    ann.until_text("#log .status", "bob\u2069 read")


def test_nothing_is_missing_or_twice_after_the_gateway_was_away(tab: Opening, site: HttpDaemon) -> None:
    name = room()
    call(site.url, "ann", "CreateRoom", room_id=name, profile_ids=["bob"])
    ann, bob = tab("ann"), tab("bob")
    for page in (ann, bob):
        page.open(name)
    for text in ("one", "two"):
        ann.say(text)
    bob.until_lines("one", "two")
    site.kill()
    for text in ("three", "four"):
        ann.say(text)
    bob.say("five")
    for page in (ann, bob):
        page.until_text("#state", "no connection")
    ann.until_text("#waiting", "three")
    site.start()
    for page in (ann, bob):
        page.until_text("#state", "connected")
        page.until(lambda page=page: len(page.lines()) == 5 and not page.text("#waiting"), "all has come")  # type: ignore[misc]
    stored = texts(site.url, "ann", name)
    assert [text for text in stored if text != "five"] == ["one", "two", "three", "four"]
    assert ann.lines() == bob.lines() == stored


def test_a_gateway_that_has_frozen_is_noticed(tab: Opening, site: HttpDaemon) -> None:
    name = room()
    call(site.url, "ann", "CreateRoom", room_id=name)
    ann = tab("ann")
    ann.open(name)
    os.kill(site.pid, signal.SIGSTOP)
    try:
        ann.until_text("#state", "no connection")
        ann.say("through the ice")
    finally:
        os.kill(site.pid, signal.SIGCONT)
    ann.until_text("#state", "connected")
    ann.until_lines("through the ice")
    ann.until_text("#log .status", "stored")


def test_what_was_not_acknowledged_comes_again_and_is_shown_once(tab: Opening, site: HttpDaemon) -> None:
    name = room()
    call(site.url, "ann", "CreateRoom", room_id=name)
    ann = tab("ann")
    ann.open(name)
    ann.js(
        """window.heard = [];
        window.beats = 0;
        const [send, parse] = [WebSocket.prototype.send, JSON.parse];
        WebSocket.prototype.send = function (data) {
          window.socket = this;
          if (data.includes('"heartbeat"')) window.beats++;
          if (!data.includes('"ack"')) send.call(this, data);
        };
        JSON.parse = (text) => {
          const frame = parse(text);
          for (const { event } of frame.deliveries ?? []) heard.push(event.seq);
          return frame;
        };
        window.allow = () => { WebSocket.prototype.send = send; };"""
    )
    say(site.url, "ann", name, "one", "two")
    ann.until_lines("one", "two")
    ann.until(lambda: ann.js("return beats"), "a heartbeat is said")
    ann.js("allow(); socket.close()")
    ann.until(lambda: ann.js("return heard.filter((seq) => seq === '3').length") == 2, "it comes again")
    say(site.url, "ann", name, "three")
    ann.until_lines("one", "two", "three")
    kept = "return new Map(JSON.parse(sessionStorage.getItem('chatd.state'))[1]).get(arguments[0])?.[0]"
    ann.until(lambda: ann.js(kept, name) == 4, "the last one is kept")


def test_a_text_whose_answer_was_lost_is_stored_once(tab: Opening, site: HttpDaemon) -> None:
    name = room()
    call(site.url, "ann", "CreateRoom", room_id=name)
    ann = tab("ann")
    ann.open(name)
    ann.js(
        """window.answers = 0;
        const [real, parse] = [window.fetch, JSON.parse];
        window.fetch = async (path, options) => {
          const answer = await real(path, options);
          if (path.endsWith("SendEvents") && answers++ < 2) throw new TypeError("lost");
          return answer;
        };
        JSON.parse = (text) => ({ ...parse(text), deliveries: undefined });  // nor does the stream tell"""
    )
    ann.say("once")
    ann.say("and another")
    ann.until(lambda: ann.js("return sessionStorage.getItem('chatd.outbox')") == "[]", "nothing waits")
    assert ann.js("return answers") == 4, "one was sent three times"
    assert texts(site.url, "ann", name) == ["once", "and another"]
    ann.driver.refresh()
    ann.until_lines("once", "and another")


def test_only_what_is_shown_and_kept_is_acknowledged(tab: Opening, site: HttpDaemon) -> None:
    name = room()
    call(site.url, "ann", "CreateRoom", room_id=name)
    ann = tab("ann")
    ann.open(name)
    ann.js(
        """window.acks = [];
        const [name] = arguments;
        const send = WebSocket.prototype.send;
        const before = document.querySelectorAll("#log li").length;
        WebSocket.prototype.send = function (data) {
          const { ack } = JSON.parse(data);
          const kept = new Map(JSON.parse(sessionStorage.getItem("chatd.state"))[1]).get(name)[0];
          const shown = document.querySelectorAll("#log li").length - before;
          if (ack) acks.push([ack.up_to, shown, kept]);
          return send.call(this, data);
        };""",
        name,
    )
    for number in range(3):
        say(site.url, "ann", name, str(number))
    ann.until_lines("0", "1", "2")
    ann.until(lambda: ann.js("return acks.at(-1)?.[2]") == 4, "the last one is acknowledged")
    acks = ann.js("return acks")
    first = acks[-1][0] - 3
    assert all(up_to - first <= shown and kept >= shown for up_to, shown, kept in acks), acks


def test_hostile_names_and_texts_are_texts(tab: Opening, site: HttpDaemon) -> None:
    markup = "<img src=x onerror=document.body.remove()><script>document.body.remove()</script>"
    rooms = {"__proto__": f"{markup}\u202e", "..": '"><b>x</b>', "<b>x</b>/../?#&%2e": "%00 &lt;"}
    ann = tab("ann")
    for identifier, name in rooms.items():
        call(site.url, "bob", "CreateRoom", room_id=identifier, name=name, profile_ids=["ann"])
        ann.open(name)
        said = (markup, "javascript:alert(1)", "\u202e&amp;", "a\tb  c")
        say(site.url, "bob", identifier, *said)
        ann.until_lines(*said)
        ann.say(f"{identifier}{markup}")
        ann.until(lambda identifier=identifier: ann.lines()[-1] == f"{identifier}{markup}", "it is sent")  # type: ignore[misc]
    assert ann.js("return document.querySelectorAll('img, b, body script, #log a').length") == 0
    with pytest.raises(Exception, match="TrustedHTML"):
        ann.js("document.body.innerHTML = '<b>x</b>'")


def test_changes_of_members_and_of_the_room_are_said(tab: Opening, site: HttpDaemon) -> None:
    name, acts = room(), partial(call, site.url, "bob")
    acts("CreateRoom", room_id=name, name=name, profile_ids=["ann", "eve"])
    ann = tab("ann")
    ann.open(name)
    acts("SetMemberRole", room_id=name, profile_ids=["eve"], role="MEMBER_ROLE_ADMIN")
    acts("BanProfiles", room_id=name, profile_ids=["mallory"])
    acts("UnbanProfiles", room_id=name, profile_ids=["mallory"])
    acts("LeaveRoom", room_id=name)
    expected = [
        "ann, bob, eve joined",
        "eve now admin",
        "mallory banned",
        "mallory unbanned",
        "bob left; eve now owner",
    ]
    notes = "return [...document.querySelectorAll('#log .note')].map((one) => one.textContent)"
    isolates = str.maketrans("", "", "\u2068\u2069")
    ann.until(lambda: [one.translate(isolates) for one in ann.js(notes)] == expected, "all is said")


def test_events_that_do_not_count_are_not_unread(tab: Opening, site: HttpDaemon) -> None:
    name, other = room(), room()
    for each in (name, other):
        call(site.url, "bob", "CreateRoom", room_id=each, name=each, profile_ids=["ann"])
    ann = tab("ann")
    ann.until(lambda: name in ann.text("#rooms"), "the room is in the list")
    for kind in (16, 40_000):  # a poll, say, and a reaction
        event = {"event_id": f"{name}{kind}", "room_id": name, "type": kind, "payload": {"of": kind}}
        call(site.url, "bob", "SendEvents", events=[event])

    def has_come() -> bool:
        _, shown, _ = json.loads(ann.js("return sessionStorage['chatd.state']"))
        return bool(dict(shown).get(name, [0])[0] == 3)

    ann.until(has_come, "both have come")
    ann.open(other)  # which draws the list
    assert ann.unread(name) == 1


def test_a_reload_keeps_what_it_should(tab: Opening, site: HttpDaemon) -> None:
    name = room()
    call(site.url, "ann", "CreateRoom", room_id=name, profile_ids=["bob"])
    ann = tab("ann")
    ann.open(name)
    ann.say("shown")
    ann.until_lines("shown")
    device = ann.js("return sessionStorage.getItem('chatd.device')")
    ann.js(
        "const real = window.fetch; window.fetch = (path, options) => "
        "path.endsWith('SendEvents') ? Promise.reject(new TypeError('lost')) : real(path, options)"
    )
    ann.say("not sent yet")
    ann.find("#text").send_keys("a draft")
    ann.driver.refresh()
    ann.until_text("#state", "connected")
    ann.until_lines("shown", "not sent yet")
    assert (ann.text("#title"), ann.js("return document.getElementById('text').value")) == (name, "a draft")
    assert ann.js("return sessionStorage.getItem('chatd.device')") == device
    assert texts(site.url, "ann", name) == ["shown", "not sent yet"]
    ann.find("#logout").click()
    ann.until(lambda: ann.find("#login").is_displayed(), "the login is shown")
    assert ann.js("return sessionStorage.length") == 0


def test_the_user_is_told_where_messages_were_lost(tab: Opening, site: HttpDaemon) -> None:
    """The tab has shown more of one room than the log, which is another one, has."""
    kept, cut = room(), room()
    for name in (kept, cut):
        call(site.url, "ann", "CreateRoom", room_id=name, name=f"the {name}")
    ann = tab("ann")
    ann.open(f"the {cut}")
    ann.say("still there")
    ann.until_lines("still there")
    assert ann.text("#lost") == ""
    first = call(site.url, "ann", "GetEvent", room_id=kept, seq=1)["event"]["event"]
    shown = [[kept, [1, first["event_id"]]], [cut, [40, "gone"]]]
    ann.js("sessionStorage.setItem('chatd.state', arguments[0])", json.dumps(["earlier", shown, None]))
    ann.driver.refresh()
    ann.until_text("#lost", f"the {cut}")
    assert kept not in ann.text("#lost")
    ann.until_lines("still there")


def test_older_messages_come_page_by_page(tab: Opening, site: HttpDaemon) -> None:
    name = room()
    call(site.url, "ann", "CreateRoom", room_id=name)
    said = [str(number) for number in range(120)]
    say(site.url, "ann", name, *said)
    ann = tab("ann")
    ann.open(name)
    ann.until_lines(*said[-50:])
    ann.js("document.getElementById('older').focus()")
    ann.until(
        lambda: ann.js(
            "document.activeElement.id === 'older' && document.activeElement.click();"
            "return document.getElementById('older').hidden"
        ),
        "the oldest one is shown",
    )
    assert ann.lines() == said


def test_another_tab_may_take_the_device_over(tab: Opening, driver: "Chrome", site: HttpDaemon) -> None:
    name = room()
    call(site.url, "ann", "CreateRoom", room_id=name)
    ann = tab("ann")
    ann.open(name)
    ann.js("window.open(location.href)")  # as a browser duplicates a tab: with its sessionStorage
    copy = Tab.opened(driver, driver.window_handles[-1])
    copy.until_text("#state", "connected")
    ann.until_text("#state", "used in another tab")
    copy.say("here")
    copy.until_lines("here")
    ann.find("#resume").click()
    ann.until_text("#state", "connected")
    ann.until_lines("here")
    copy.until_text("#state", "used in another tab")


def test_it_fits_a_phone(tab: Opening, driver: "Chrome", site: HttpDaemon) -> None:
    name, long = room(), "long" * 100
    call(site.url, "ann", "CreateRoom", room_id=name, name=f"{name} {'x' * 150}")
    ann = tab("ann")
    phone = {"width": 360, "height": 640, "deviceScaleFactor": 1, "mobile": True}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
    ann.open(f"{name} {'x' * 150}")
    ann.say(long)
    ann.until_lines(long)
    assert not ann.find("nav").is_displayed()
    assert ann.js("return document.documentElement.scrollWidth") <= 360
    ann.find("#back").click()
    ann.until(lambda: ann.find("nav").is_displayed(), "the rooms are shown")
    assert not ann.find("main").is_displayed()
