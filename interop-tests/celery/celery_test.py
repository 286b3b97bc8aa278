"""Celery, with a real worker, against the broker at AMQP_PORT."""

import os
import subprocess
import sys
import threading
import time

from behaviour import PORT, behaviour, cut_connections, expect, expect_in, proxy_port, run, unique

SECONDS_TO_WAIT = 15
SECONDS_TO_STOP = 15
# Celery raises an exception out of its signal handler: of a frame that it reads just then it forgets the beginning, and
# waits for ever, whatever the broker.  So it is told to stop when nothing is on its way to it.
SECONDS_OF_QUIET = 2
LARGE_CHARACTERS = 10 * 1024 * 1024

os.environ["CELERY_QUEUE"] = unique("celery")
os.environ["CELERY_BROKER_PORT"] = str(PORT)

import kombu  # noqa: E402
from celery import chain, chord, group  # noqa: E402

import tasks  # noqa: E402


class Worker:
    """A Celery worker in a process of its own, connected through the proxy; shared by all tests."""

    def __init__(self):
        environment = {**os.environ, "CELERY_BROKER_PORT": str(proxy_port())}
        command = [sys.executable, "-m", "celery", "-A", "tasks", "worker", "--concurrency=2", "--loglevel=INFO",
                   "--task-events", f"--hostname={tasks.QUEUE}@localhost"]
        self._process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                         text=True)
        self._lines = []
        self._changed = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self._process.stdout:
            sys.stderr.write(line)
            with self._changed:
                self._lines.append(line)
                self._changed.notify_all()

    def count(self, part):
        return sum(part in line for line in self._lines)

    def wait_for(self, part, count=1):
        """Waits until the worker has logged `count` lines that contain `part`."""
        with self._changed:
            if not self._changed.wait_for(lambda: self.count(part) >= count, SECONDS_TO_WAIT):
                raise TimeoutError(f"the worker did not log {part!r}")

    def exit_status(self):
        return self._process.poll()

    def stop(self):
        if self.exit_status() is not None:
            return
        time.sleep(SECONDS_OF_QUIET)
        self._process.terminate()
        try:
            self._process.wait(SECONDS_TO_STOP)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class Application:
    """The one worker, started with the first test that needs it."""

    worker = None

    def __enter__(self):
        if not Application.worker:
            Application.worker = Worker()
            Application.worker.wait_for(" ready.")
        return self

    def __exit__(self, *_):
        pass


def result_of(task):
    return task.get(timeout=SECONDS_TO_WAIT)


@behaviour("a worker runs a task and its result comes back over rpc://")
def _(_application):
    expect(result_of(tasks.add.delay(2, 3)), 5)


@behaviour("a hundred tasks of a group bring a hundred results")
def _(_application):
    expect(result_of(group(tasks.add.s(number, number) for number in range(100)).delay()),
           [2 * number for number in range(100)])


@behaviour("a chain hands each result to the next task")
def _(_application):
    expect(result_of(chain(tasks.add.s(1, 2), tasks.add.s(10), tasks.add.s(100)).delay()), 113)


@behaviour("a task's exception comes back to its caller")
def _(_application):
    task = tasks.refuse.delay()
    try:
        result_of(task)
    except ValueError as error:
        expect(str(error), "refused")
    else:
        raise AssertionError("no exception came back")


@behaviour("a task that asks for a retry is run again until it succeeds")
def _(_application):
    expect(result_of(tasks.succeed_at_third.delay()), 2)


@behaviour("a task with a countdown runs, not before its time")
def _(_application):
    expect(result_of(tasks.add.apply_async((1, 1), countdown=0.5)), 2)


@behaviour("an argument of 10 MiB arrives at the worker")
def _(_application):
    expect(result_of(tasks.length.delay("x" * LARGE_CHARACTERS)), LARGE_CHARACTERS)


@behaviour("remote control over fanout and reply queues: ping, stats, active queues, revoke")
def _(_application):
    control, name = tasks.app.control, f"{tasks.QUEUE}@localhost"
    expect(control.ping(timeout=5, limit=1), [{name: {"ok": "pong"}}])
    inspect = control.inspect([name], timeout=5, limit=1)
    expect([queue["name"] for queue in inspect.active_queues()[name]], [tasks.QUEUE])
    expect_in("pool", inspect.stats()[name])
    revoked = tasks.add.apply_async((1, 1), countdown=3600)
    control.revoke(revoked.id, reply=True, timeout=5, limit=1)
    expect_in(revoked.id, inspect.revoked()[name])


@behaviour("the worker's events arrive at a monitor through a topic exchange")
def _(_application):
    received = []
    with tasks.app.connection_for_read() as connection:
        receiver = tasks.app.events.Receiver(connection, handlers={"task-succeeded": received.append})
        with receiver.consumer_context() as (draining, _, _):
            task = tasks.add.delay(20, 22)
            expect(result_of(task), 42)
            while task.id not in [event["uuid"] for event in received]:
                draining.drain_events(timeout=SECONDS_TO_WAIT)
    expect(next(event["result"] for event in received if event["uuid"] == task.id), "42")


@behaviour("after its connection was cut the worker connects again and goes on")
def _(application):
    cut_connections()
    application.worker.wait_for("Connection to broker lost")
    expect(result_of(tasks.add.delay(3, 4)), 7)


@behaviour("kombu publishes with a confirm, consumes and acknowledges over amqp")
def _(_application):
    with kombu.Connection(tasks.URL, transport_options={"confirm_publish": True}) as connection:
        name = unique("kombu")
        with connection.SimpleQueue(name, queue_opts={"durable": False}) as queue:
            queue.put({"hello": "world", "number": 1.5}, headers={"k": "v", "n": 7, "deep": {"a": [1, "x"]}})
            message = queue.get(timeout=SECONDS_TO_WAIT)
            expect((message.payload, message.headers["n"], message.headers["deep"]),
                   ({"hello": "world", "number": 1.5}, 7, {"a": [1, "x"]}))
            message.ack()
        expect(connection.default_channel.queue_delete(name), 0, "number of messages left")
        connection.default_channel.exchange_delete(name)


@behaviour("py-amqp is told 404, 406 and 403 and its connection goes on")
def _(_application):
    with kombu.Connection(tasks.URL) as connection:
        for kind, code, declare in (
                ("NotFound", 404, lambda channel: channel.queue_declare("interop.absent", passive=True)),
                ("PreconditionFailed", 406, lambda channel: channel.exchange_declare("amq.direct", "fanout")),
                ("AccessRefused", 403, lambda channel: channel.queue_declare("amq.mine"))):
            try:
                declare(connection.channel())
            except connection.channel_errors as error:
                expect((type(error).__name__, error.reply_code), (kind, code))
            else:
                raise AssertionError(f"{kind} was not raised")
        expect(connection.connected, True)


@behaviour("a worker that is told to stop ends by itself and gives back the task it has not begun")
def _(application):
    later = tasks.add.apply_async((1, 1), countdown=3600)
    application.worker.wait_for(f"[{later.id}] received")
    application.worker.stop()
    expect(application.worker.exit_status(), 0, "exit status")
    with kombu.Connection(tasks.URL) as connection:
        channel = connection.default_channel
        expect(channel.queue_declare(tasks.QUEUE, passive=True).consumer_count, 0, "number of consumers")
        left = []
        while message := channel.basic_get(tasks.QUEUE, no_ack=True):
            left.append(message.headers["id"])
        expect_in(later.id, left)


def clean_up():
    if Application.worker:
        Application.worker.stop()
    with kombu.Connection(tasks.URL) as connection:
        channel = connection.default_channel
        channel.queue_delete(tasks.QUEUE)
        for exchange in (tasks.QUEUE, tasks.app.conf.event_exchange, f"{tasks.app.conf.control_exchange}.pidbox",
                         f"reply.{tasks.app.conf.control_exchange}.pidbox"):
            channel.exchange_delete(exchange)


try:
    run(Application)
finally:
    clean_up()
