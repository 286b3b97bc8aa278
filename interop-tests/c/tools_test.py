"""rabbitmq-c's command-line tools against the broker at AMQP_PORT."""

import contextlib
import hashlib
import os
import subprocess
import tempfile

from behaviour import PORT, behaviour, cut_connections, expect, expect_in, proxy_port, run, unique

SECONDS_TO_WAIT = 10
LARGE_OCTETS = 10 * 1024 * 1024
GET_EMPTY_STATUS = 2


class Tools:
    """Runs the tools; deletes the queues they declared."""

    def __enter__(self):
        self._queues = []
        return self

    def __exit__(self, *_):
        for queue in self._queues:
            self.run("delete-queue", "-q", queue)

    def run(self, tool, *arguments, given=b"", port=PORT):
        """Runs amqp-`tool` to its end."""
        return subprocess.run([f"amqp-{tool}", "-s", "127.0.0.1", f"--port={port}", *arguments], input=given,
                              capture_output=True, timeout=SECONDS_TO_WAIT)

    def done(self, tool, *arguments, given=b""):
        """Runs amqp-`tool`, which must succeed; what it prints."""
        finished = self.run(tool, *arguments, given=given)
        expect((finished.returncode, finished.stderr), (0, b""), f"outcome of amqp-{tool}")
        return finished.stdout

    def queue(self, *options):
        self._queues.append(unique("tools"))
        expect(self.done("declare-queue", "-q", self._queues[-1], *options), self._queues[-1].encode() + b"\n")
        return self._queues[-1]

    def consume(self, *arguments, port=PORT):
        """Starts amqp-consume, which prints what it consumes."""
        return subprocess.Popen(["amqp-consume", "-s", "127.0.0.1", f"--port={port}", *arguments],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@contextlib.contextmanager
def stopping(process):
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@behaviour("amqp-get prints what amqp-publish sent and exits with 2 once the queue is empty")
def _(tools):
    queue = tools.queue()
    tools.done("publish", "-r", queue, "-b", "hello")
    expect(tools.done("get", "-q", queue), b"hello")
    expect(tools.run("get", "-q", queue).returncode, GET_EMPTY_STATUS)


@behaviour("amqp-declare-queue prints the name that the broker gives")
def _(tools):
    name = tools.done("declare-queue", "-q", "").decode().strip()
    expect(name[:8], "amq.gen-")
    expect(tools.done("delete-queue", "-q", name), b"0\n")


@behaviour("every line is a message with --line-buffered, and amqp-consume hands over the count asked for")
def _(tools):
    queue = tools.queue("-d")
    tools.done("publish", "-p", "-l", "-r", queue, given=b"one\ntwo\nthree\n")
    expect(tools.done("consume", "-q", queue, "-c", "2", "-p", "1", "cat"), b"one\ntwo\n")
    expect(tools.done("get", "-q", queue), b"three\n")


@behaviour("a body of 10 MiB passes from amqp-publish to amqp-get unchanged")
def _(tools):
    queue = tools.queue()
    body = hashlib.shake_256(b"large").digest(LARGE_OCTETS)
    tools.done("publish", "-r", queue, given=body)
    expect(tools.done("get", "-q", queue) == body, True, "equality")


@behaviour("amqp-publish sends content type, encoding, reply-to and headers")
def _(tools):
    queue = tools.queue()
    tools.done("publish", "-r", queue, "-C", "text/plain", "-E", "utf-8", "-t", "answers", "-H", "color: red",
               "-b", "x")
    expect(tools.done("get", "-q", queue), b"x")


@behaviour("amqp-consume binds an exclusive queue of its own to a topic exchange")
def _(tools):
    key = unique("tools")
    with stopping(tools.consume("-x", "-e", "amq.topic", "-r", f"{key}.#", "-c", "1", "cat")) as consuming:
        server_named = consuming.stderr.readline()
        expect_in(b"amq.gen-", server_named)
        while consuming.poll() is None:
            tools.done("publish", "-e", "amq.topic", "-r", f"{key}.new", "-b", "topic")
            with contextlib.suppress(subprocess.TimeoutExpired):
                consuming.wait(0.2)
        expect(consuming.stdout.read(), b"topic")


@behaviour("a message whose consumer is killed before it acknowledges stays in the queue")
def _(tools):
    queue = tools.queue()
    tools.done("publish", "-r", queue, "-b", "kept")
    with stopping(tools.consume("-q", queue, "--", "sh", "-c", "cat; kill -9 $PPID")) as consuming:
        expect(consuming.stdout.read(), b"kept")
    expect(tools.done("consume", "-q", queue, "-c", "1", "cat"), b"kept")


@behaviour("amqp-delete-queue prints the number of messages and refuses with 406 while not empty or in use")
def _(tools):
    queue = tools.queue()
    tools.done("publish", "-r", queue, "-b", "1")
    refused = tools.run("delete-queue", "-q", queue, "-e")
    expect(refused.returncode, 1)
    expect_in(b"server channel error 406, message: PRECONDITION_FAILED", refused.stderr)
    expect(tools.done("delete-queue", "-q", queue), b"1\n")


@behaviour("amqp-get from an absent queue reports 404 with RabbitMQ's text")
def _(tools):
    absent = unique("absent")
    refused = tools.run("get", "-q", absent)
    expect(refused.returncode, 1)
    expect_in(f"server channel error 404, message: NOT_FOUND - no queue '{absent}' in vhost '/'".encode(),
              refused.stderr)


@behaviour("declaring a queue again with another durability reports 406")
def _(tools):
    refused = tools.run("declare-queue", "-d", "-q", tools.queue())
    expect_in(b"server channel error 406, message: PRECONDITION_FAILED - inequivalent arg 'durable'", refused.stderr)


@behaviour("a wrong password reports 403, an absent virtual host 530")
def _(tools):
    refused = tools.run("declare-queue", "-q", "", "--username=guest", "--password=wrong")
    expect_in(b"403, message: ACCESS_REFUSED", refused.stderr)
    refused = tools.run("declare-queue", "-q", "", "--vhost=nowhere")
    expect_in(b"530, message: NOT_ALLOWED - vhost nowhere not found", refused.stderr)


@behaviour("a virtual host in the URL is understood")
def _(tools):
    queue = tools.queue()
    tools.done("publish", "-r", queue, "-b", "by URL")
    url = f"amqp://guest:guest@127.0.0.1:{PORT}/%2f"
    got = subprocess.run(["amqp-get", "-u", url, "-q", queue], capture_output=True, timeout=SECONDS_TO_WAIT)
    expect((got.returncode, got.stdout), (0, b"by URL"))


@behaviour("a message that a cut consumer had not acknowledged goes to the next")
def _(tools):
    queue = tools.queue()
    tools.done("publish", "-r", queue, "-b", "survivor")
    with tempfile.TemporaryDirectory() as folder:
        gate = os.path.join(folder, "gate")
        os.mkfifo(gate)
        with stopping(tools.consume("-q", queue, "--", "sh", "-c", f"cat; cat {gate}", port=proxy_port())) as consuming:
            expect(consuming.stdout.read(8), b"survivor")
            cut_connections()
            expect(tools.done("consume", "-q", queue, "-c", "1", "cat"), b"survivor")
            with open(gate, "w"):
                pass
            expect(consuming.wait(SECONDS_TO_WAIT) != 0, True, "failure of the cut consumer")


run(Tools)
