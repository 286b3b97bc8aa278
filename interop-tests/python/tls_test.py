"""pika and urllib over TLS, against a broker that is started for each test: LEVERET_PROGRAM.  Certificates are made anew."""

import base64
import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import ssl
import subprocess
import tempfile
import time
import urllib.request

import pika

from behaviour import HOST, behaviour, expect, expect_in, expect_raises, run, wait_until


def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def make_authority(folder, name="authority"):
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30",
            "-subj", f"/CN={name}", "-keyout", f"{folder}/{name}.key", "-out", f"{folder}/{name}.pem")


def make_certificate(folder, name, authority="authority", *options):
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", f"/O=Hares/CN={name}",
            "-keyout", f"{folder}/{name}.key", "-out", f"{folder}/{name}.csr", *options)
    extensions = pathlib.Path(folder, f"{name}.ext")
    extensions.write_text("subjectAltName = DNS:localhost, IP:127.0.0.1\n")
    openssl("x509", "-req", "-days", "10", "-in", f"{folder}/{name}.csr", "-CA", f"{folder}/{authority}.pem",
            "-CAkey", f"{folder}/{authority}.key", "-CAcreateserial", "-extfile", str(extensions),
            "-out", f"{folder}/{name}.pem")


class Broker:
    """A broker with TLS on all its ports, and no plain ones but that of the HTTP API."""

    def __init__(self, folder):
        self.folder = folder
        self.process = None
        self.log = []

    def start(self, *lines):
        settings = ["listeners.tcp = none", "listeners.ssl.default = 0", "management.ssl.port = 0",
                    "management.tcp.port = 0", "prometheus.ssl.port = 0", "handshake_timeout = 2000", *lines]
        for prefix in ("ssl_options", "management.ssl", "prometheus.ssl"):
            settings += [f"{prefix}.certfile = {self.folder}/server.pem", f"{prefix}.keyfile = {self.folder}/server.key",
                         f"{prefix}.cacertfile = {self.folder}/authority.pem"]
        pathlib.Path(self.folder, "broker.conf").write_text("\n".join(settings) + "\n")
        self.process = subprocess.Popen(
            [os.environ["LEVERET_PROGRAM"], "server", "--ephemeral", "--config", f"{self.folder}/broker.conf"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.wait_for_line("Server startup complete")
        listeners = self.api("/api/overview")["listeners"]
        self.ports = {listener["protocol"]: listener["port"] for listener in listeners}

    def wait_for_line(self, part):
        for line in self.process.stdout:
            self.log.append(line)
            if part in line:
                return line
        raise AssertionError(f"the broker has ended without saying {part!r}: {''.join(self.log)}")

    def api(self, path, context=None, port=None):
        """Over the plain port, which the log names first; over TLS with a context."""
        if context is None:
            [port] = re.findall(r" http_port=(\d+)", self.log[-1] if port is None else f" http_port={port}")
        scheme = "https" if context else "http"
        request = urllib.request.Request(f"{scheme}://localhost:{port}{path}")
        request.add_header("Authorization", "Basic " + base64.b64encode(b"guest:guest").decode())
        try:
            with urllib.request.urlopen(request, timeout=10, context=context) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            return json.load(error)

    def context(self, client=None, **versions):
        context = ssl.create_default_context(cafile=f"{self.folder}/authority.pem")
        if client:
            context.load_cert_chain(f"{self.folder}/{client}.pem", f"{self.folder}/{client}.key")
        for name, value in versions.items():
            setattr(context, name, value)
        return context

    def connect(self, context=None, **parameters):
        options = pika.SSLOptions(context or self.context(), "localhost")
        return pika.BlockingConnection(
            pika.ConnectionParameters("localhost", self.ports["amqp/ssl"], ssl_options=options, **parameters))

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.log += self.process.communicate(timeout=10)[0].splitlines(keepends=True)
        return self.process.returncode


@contextlib.contextmanager
def broker():
    with tempfile.TemporaryDirectory() as folder:
        make_authority(folder)
        make_certificate(folder, "server")
        started = Broker(folder)
        try:
            yield started
        finally:
            if started.process and started.process.poll() is None:
                started.process.kill()
                started.process.communicate()


def tls_of(broker):
    wait_until(lambda: broker.api("/api/connections"), lambda: time.sleep(0.05))
    return broker.api("/api/connections")[0]


@behaviour("messages of many sizes go there and back over TLS")
def _(broker):
    broker.start()
    with broker.connect() as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        queue = channel.queue_declare("", exclusive=True).method.queue
        bodies = [os.urandom(size) for size in (0, 1, 1000, 16_383, 16_384, 16_385, 131_072, 10_000_000)]
        for body in bodies:
            channel.basic_publish("", queue, body)
        for body in bodies:
            expect(channel.basic_get(queue, auto_ack=True)[2] == body, True, f"{len(body)} octets came back")


@behaviour("a client that reads late gets all of it")
def _(broker):
    broker.start()
    with broker.connect() as publisher, broker.connect() as consumer:
        channel = publisher.channel()
        queue = channel.queue_declare("late").method.queue
        for number in range(200):
            channel.basic_publish("", queue, number.to_bytes(4, "big") * 50_000)
        late = consumer.channel()
        time.sleep(0.3)
        got = 0
        for _, _, body in late.consume(queue, auto_ack=True):
            expect(body[:4], got.to_bytes(4, "big"))
            expect(len(body), 200_000)
            got += 1
            if got == 200:
                break


@behaviour("the API tells what was agreed on, for TLS 1.2 and 1.3")
def _(broker):
    broker.start()
    for version, protocol, exchange in ((ssl.TLSVersion.TLSv1_3, "tlsv1.3", "any"),
                                        (ssl.TLSVersion.TLSv1_2, "tlsv1.2", "ecdhe_ecdsa")):
        with broker.connect(broker.context(minimum_version=version, maximum_version=version)):
            told = tls_of(broker)
            expect(told["ssl"], True)
            expect(told["ssl_protocol"], protocol)
            expect(told["ssl_key_exchange"], exchange)
            expect(told["ssl_cipher"], "aes_256_gcm")
            expect(told["ssl_hash"], "aead")
            expect(told["peer_cert_subject"], None)
        wait_until(lambda: not broker.api("/api/connections"), lambda: time.sleep(0.05))


@behaviour("a version that is not allowed is refused")
def _(broker):
    broker.start("ssl_options.versions.1 = tlsv1.3")
    old = ssl.TLSVersion.TLSv1_2
    expect_raises(Exception, lambda: broker.connect(broker.context(maximum_version=old)))
    expect_in("TLS handshake failed", broker.wait_for_line("connection refused"))
    broker.connect().close()


@behaviour("a client has to show a certificate where one is asked for")
def _(broker):
    make_certificate(broker.folder, "client")
    make_authority(broker.folder, "stranger")
    make_certificate(broker.folder, "foreign", "stranger")
    broker.start("ssl_options.verify = verify_peer", "ssl_options.fail_if_no_peer_cert = true")
    expect_raises(Exception, lambda: broker.connect())
    expect_raises(Exception, lambda: broker.connect(broker.context("foreign")))
    with broker.connect(broker.context("client")):
        told = tls_of(broker)
        expect(told["peer_cert_subject"], "CN=client,O=Hares")
        expect(told["peer_cert_issuer"], "CN=authority")
        expect(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ - \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ",
                            told["peer_cert_validity"]) is not None, True)


@behaviour("a client that does not know the authority refuses the broker")
def _(broker):
    broker.start()
    expect_raises(Exception, lambda: broker.connect(ssl.create_default_context()))
    broker.connect().close()


@behaviour("a client without TLS is shown out, and so is one that says nothing")
def _(broker):
    broker.start()
    port = broker.ports["amqp/ssl"]
    with socket.create_connection((HOST, port), timeout=5) as plain:
        plain.sendall(b"AMQP\x00\x00\x09\x01")
        expect(plain.recv(100)[:8] == b"AMQP\x00\x00\x09\x01", False, "it is answered")
    with socket.create_connection((HOST, port), timeout=5) as silent:
        expect(silent.recv(100), b"")
    broker.connect().close()


@behaviour("a hundred handshakes that stop half-way leave others alone")
def _(broker):
    broker.start()
    port = broker.ports["amqp/ssl"]
    with contextlib.ExitStack() as stack:
        for _ in range(100):
            half = stack.enter_context(socket.create_connection((HOST, port), timeout=5))
            half.sendall(b"\x16\x03\x01\x02\x00\x01")
        with broker.connect() as connection:
            connection.channel().queue_declare("here")


@behaviour("connections are told when the broker stops")
def _(broker):
    broker.start()
    connection = broker.connect()
    status = broker.stop()
    closed = expect_raises(pika.exceptions.ConnectionClosedByBroker, lambda: connection.process_data_events(5))
    expect(closed.reply_code, 320)
    expect(status, 0, "exit status")


@behaviour("the HTTP API and the metrics are served over TLS")
def _(broker):
    broker.start()
    expect(broker.api("/api/whoami", broker.context(), broker.ports["https"])["name"], "guest")
    url = f"https://localhost:{broker.ports['https/prometheus']}/metrics"
    with urllib.request.urlopen(url, timeout=10, context=broker.context()) as page:
        expect_in(b"rabbitmq_connections", page.read())
    with socket.create_connection((HOST, broker.ports["https"]), timeout=5) as plain:
        plain.sendall(b"GET /api/whoami HTTP/1.1\r\nHost: localhost\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            plain.recv(1000)
    expect(broker.api("/api/whoami", broker.context(), broker.ports["https"])["name"], "guest")


@behaviour("the check of certificates tells which end soon")
def _(broker):
    broker.start()
    path = "/api/health/checks/certificate-expiration"
    expect(broker.api(f"{path}/1/week"), {"status": "ok"})
    answer = broker.api(f"{path}/1/months")
    expect(answer["status"], "failed")
    expect(answer["reason"], "Certificates expiring")
    expect({one["protocol"] for one in answer["expired"]}, {"amqp/ssl", "https", "https/prometheus"})
    expect(len(answer["expired"][0]["certfile_expires_on"]), 1)


@behaviour("a certificate that cannot be used is refused with one line")
def _(broker):
    make_certificate(broker.folder, "other")
    os.replace(f"{broker.folder}/other.key", f"{broker.folder}/server.key")
    error = expect_raises(AssertionError, broker.start)
    expect_in("server.key for TLS: key values mismatch", str(error))
    expect(len(str(error).splitlines()) - "".join(broker.log).count(" [info] "), 1)


run(broker)
