"""Makes the pictures of the page in the documents: ``make screenshots``."""

import tempfile
from pathlib import Path

from tests.browser import browser
from tests.gateway.fronts.http.serving import HttpDaemon
from tests.gateway.fronts.http.tabs import Tab, call, say

FOLDER = Path(__file__).parents[4] / "proto"
TALK = (
    ("bob", "Good morning! The beds in the back are done, and the new ones have had their water."),
    ("ann", "Thank you. Is there anything left of the compost?"),
    ("bob", "Two barrows, behind the shed.\nTake what you need, there is more on Friday."),
    ("ann", "To everybody who helps today: שלום! And <b>mind the hedgehog</b>."),
)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        site = HttpDaemon(Path(folder) / "data", {"HTTP_PAGE": "true"})
        with site, browser(Path(folder) / "browser") as driver:
            for name in ("Garden", "Kitchen", "Lobby"):
                call(site.url, "bob", "CreateRoom", room_id=name, name=name, profile_ids=["ann"])
            for text in ("Soup is at twelve.", "Who has the large pan?"):
                say(site.url, "bob", "Kitchen", text)
            Tab(driver, site.url).log_in("bob")
            ann = Tab(driver, site.url)
            look = {"width": 900, "height": 560, "deviceScaleFactor": 1, "mobile": False}
            driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", look)
            ann.log_in("ann")
            ann.open("Garden")
            for user, text in TALK:
                say(site.url, user, "Garden", text)
            call(site.url, "bob", "SetReadMarker", room_id="Garden", seq=99)
            ann.until(lambda: len(ann.lines()) == len(TALK), "all has come")
            ann.until(lambda: ann.unread("Kitchen") == 2, "the kitchen is unread")
            ann.until_text("#log .mine:last-child .status", "read by 1")
            call(site.url, "bob", "SetTyping", room_id="Garden", typing=True)
            ann.until_text("#typing", "bob")
            driver.save_screenshot(str(FOLDER / "page.png"))
            phone = {"width": 360, "height": 560, "deviceScaleFactor": 1, "mobile": True}
            driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
            dark = {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
            driver.execute_cdp_cmd("Emulation.setEmulatedMedia", dark)
            ann.until(lambda: ann.find("#log li:last-child").rect["y"] < phone["height"], "it is in sight")
            driver.save_screenshot(str(FOLDER / "page-phone.png"))


if __name__ == "__main__":
    main()
