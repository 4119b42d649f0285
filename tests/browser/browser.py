"""A headless Chromium that keeps what a page logged and what it asked the network for."""

import base64
import json
import os
import subprocess

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.keys import Keys


def shut_out_network(options):
    """Chromium's own requests (updates, safe browsing) are not the page's, and go nowhere."""
    for argument in ("--disable-background-networking", "--disable-component-update", "--no-first-run",
                     "--host-resolver-rules=MAP * ~NOTFOUND"):
        options.add_argument(argument)


class Browser:
    def __init__(self):
        options = webdriver.ChromeOptions()
        options.binary_location = "/usr/bin/chromium"
        options.add_argument("--headless=new")
        options.add_argument("--disable-dev-shm-usage")
        if os.geteuid() == 0:
            options.add_argument("--no-sandbox")
        shut_out_network(options)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
        self.cdp("Network.enable")

    def quit(self):
        self.driver.quit()

    def cdp(self, command, **parameters):
        return self.driver.execute_cdp_cmd(command, parameters)

    def open(self, path, width=1280, height=900, dark=False, scripts=True, fragment=""):
        self.cdp("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        still = {"name": "prefers-reduced-motion", "value": "reduce"}
        self.cdp("Emulation.setEmulatedMedia", features=[scheme, still])
        self.cdp("Emulation.setScriptExecutionDisabled", value=not scripts)
        self.take_log()
        self.take_requests()
        self.driver.get("about:blank")
        self.driver.get(f"file://{path}{fragment}")

    def run(self, script, *arguments):
        """The value that a piece of JavaScript returns."""
        return self.driver.execute_script(script, *arguments)

    def take_log(self):
        """What the console said since this was last asked: errors of scripts and of the security policy too."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def take_requests(self):
        """The addresses that were asked for since this was last asked."""
        events = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        return [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]

    def press(self, *keys):
        self.driver.switch_to.active_element.send_keys(*keys)

    def tab(self):
        self.press(Keys.TAB)

    def pdf(self):
        """The page as its printout."""
        return base64.b64decode(self.cdp("Page.printToPDF", preferCSSPageSize=True)["data"])

    def screenshot(self, path):
        with open(path, "wb") as file:
            file.write(base64.b64decode(self.cdp("Page.captureScreenshot")["data"]))


def text_of_pdf(pdf):
    return subprocess.run(["pdftotext", "-layout", "-", "-"], input=pdf, check=True, capture_output=True).stdout.decode()
