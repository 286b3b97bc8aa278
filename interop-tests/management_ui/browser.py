"""A headless Chromium, driven by its DevTools protocol, that notes all that goes wrong on a page."""

import json
import pathlib
import re
import subprocess
import tempfile
import time
import urllib.request

import websocket

START_SECONDS = 30
ANSWER_SECONDS = 30


class Browser:
    def __init__(self):
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self._process = subprocess.Popen(
            ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
             "--remote-debugging-port=0", f"--user-data-dir={self._folder.name}", "about:blank"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._socket = websocket.create_connection(self._page(), timeout=ANSWER_SECONDS, suppress_origin=True)
        self._last_id = 0
        self._under_way = set()  # requests
        self._urls = {}
        self.faults = []
        for domain in ("Page", "Runtime", "Network", "Log"):
            self._call(f"{domain}.enable")

    def close(self):
        self._socket.close()
        self._process.terminate()
        self._process.wait()
        self._folder.cleanup()

    def open(self, url):
        self._call("Page.navigate", url=url)

    def run(self, script):
        """What the script evaluates to; what it throws counts as a fault of the page."""
        answer = self._call("Runtime.evaluate", expression=script, returnByValue=True)
        if "exceptionDetails" in answer:
            self._note_exception(answer["exceptionDetails"])
        return answer["result"].get("value")

    def settle(self, quiet_seconds=0.3):
        """Waits until no request has been under way for a while."""
        quiet_since = time.monotonic()
        while time.monotonic() - quiet_since < quiet_seconds:
            self._listen(0.05)
            if self._under_way:
                quiet_since = time.monotonic()

    def wait_for(self, condition, seconds=30):
        """Whether a script's condition has come true by then."""
        deadline = time.monotonic() + seconds
        while not self.run(condition):
            if time.monotonic() > deadline:
                return False
            self._listen(0.1)
        self.settle()
        return True

    def take_faults(self):
        taken, self.faults = self.faults, []
        return taken

    def _page(self):
        """The address of the only page's socket."""
        port_file = pathlib.Path(self._folder.name) / "DevToolsActivePort"
        deadline = time.monotonic() + START_SECONDS
        while not port_file.exists() or "\n" not in port_file.read_text():
            if time.monotonic() > deadline:
                raise TimeoutError("chromium does not start")
            time.sleep(0.1)
        port = port_file.read_text().splitlines()[0]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json") as answer:
            return next(page["webSocketDebuggerUrl"] for page in json.load(answer) if page["type"] == "page")

    def _call(self, method, **parameters):
        self._last_id += 1
        self._socket.send(json.dumps({"id": self._last_id, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._socket.recv())
            if message.get("id") == self._last_id:
                return message["result"]
            self._note(message)

    def _listen(self, seconds):
        self._socket.settimeout(seconds)
        try:
            while True:
                self._note(json.loads(self._socket.recv()))
        except websocket.WebSocketTimeoutException:
            pass
        finally:
            self._socket.settimeout(ANSWER_SECONDS)

    def _note(self, message):
        method, parameters = message.get("method"), message.get("params", {})
        if method == "Network.requestWillBeSent":
            self._under_way.add(parameters["requestId"])
            request = parameters["request"]
            self._urls[parameters["requestId"]] = f"{request['method']} {request['url']}"
        elif method in ("Network.loadingFinished", "Network.loadingFailed"):
            self._under_way.discard(parameters["requestId"])
        elif method == "Network.responseReceived" and parameters["response"]["status"] >= 400:
            self.faults.append(f"{parameters['response']['status']} for {self._urls[parameters['requestId']]}")
        elif method == "Runtime.exceptionThrown":
            self._note_exception(parameters["exceptionDetails"])
        elif method == "Runtime.consoleAPICalled" and parameters["type"] in ("error", "assert"):
            self.faults.append("console: " + " ".join(str(one.get("value")) for one in parameters["args"]))

    def _note_exception(self, details):
        description = details.get("exception", {}).get("description", details["text"])
        self.faults.append("exception: " + re.sub(r"\s+", " ", description)[:300])
