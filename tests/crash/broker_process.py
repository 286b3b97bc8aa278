"""The broker under test: started on one data directory again and again, stopped or killed."""

import signal
import socket
import subprocess
import time

START_SECONDS = 30
STOP_SECONDS = 20


class BrokerFailed(Exception):
    """It did not start, did not stop, or ended by itself."""


class BrokerProcess:
    def __init__(self, program, directory, port):
        self.program, self.directory, self.port = program, directory, port
        self.log = directory / "broker.log"
        self.process = None

    def launch(self, shards):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [self.program, "server", "--data-dir", self.directory / "data", "--amqp-port", str(self.port), "--http-port", "0", "--prometheus-port", "0",
                 "--shards", str(shards), "--shard-group", "1", "--log-level", "warning"],
                stdout=log, stderr=log)  # fmt: skip

    def start(self, shards):
        """Returns when it takes connections."""
        self.launch(shards)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise BrokerFailed(f"did not start: {self.last_words()}")
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.005)
        raise BrokerFailed(f"takes no connections for {START_SECONDS} s: {self.last_words()}")

    def check_alive(self):
        if self.process.poll() is not None:
            raise BrokerFailed(f"ended by itself: {self.last_words()}")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired as expired:
            raise BrokerFailed(f"does not stop within {STOP_SECONDS} s: {self.last_words()}") from expired
        if status != 0:
            raise BrokerFailed(f"did not stop cleanly: {self.last_words()}")

    def last_words(self):
        lines = self.log.read_text(errors="replace").splitlines()[-8:]
        return " | ".join([f"exit status {self.process.poll()}", *lines])
