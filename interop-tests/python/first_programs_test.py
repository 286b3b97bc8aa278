"""The first programs a pika user writes, as they are: plain `localhost`, every default of pika, no option changed."""

import pathlib
import queue
import subprocess
import sys
import threading

import pika

from behaviour import behaviour, expect, run

PROGRAMS = pathlib.Path(__file__).resolve().parent / "first_programs"
SECONDS_TO_WAIT = 10


class Program:
    """A running program and the lines it prints."""

    def __init__(self, name, *arguments):
        self._process = subprocess.Popen([sys.executable, PROGRAMS / f"{name}.py", *arguments], stdout=subprocess.PIPE,
                                         text=True)
        self._lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self._process.stdout:
            self._lines.put(line.rstrip("\n"))

    def line(self):
        """The next line, for which it waits."""
        try:
            return self._lines.get(timeout=SECONDS_TO_WAIT)
        except queue.Empty:
            raise TimeoutError(f"no further line from {self._process.args[1].name}") from None

    def lines(self, count):
        return [self.line() for _ in range(count)]

    def wait(self):
        expect(self._process.wait(SECONDS_TO_WAIT), 0, f"exit status of {self._process.args[1].name}")

    def stop(self):
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()


class Desk:
    """Starts programs; deletes what they declared, before and after."""

    def __enter__(self):
        self._programs = []
        self._clean_up()
        return self

    def __exit__(self, *_):
        for program in self._programs:
            program.stop()
        self._clean_up()

    def start(self, name, *arguments):
        """Starts a program that serves until it is stopped; it is ready once it says that it waits."""
        self._programs.append(Program(name, *arguments))
        expect(self._programs[-1].line().split()[0], "waiting", "first line")
        return self._programs[-1]

    def run(self, name, *arguments):
        """Runs a program to its end."""
        self._programs.append(Program(name, *arguments))
        self._programs[-1].wait()
        return self._programs[-1]

    @staticmethod
    def _clean_up():
        with pika.BlockingConnection() as connection:
            channel = connection.channel()
            for name in ("hello", "readings", "task_queue", "rpc_queue"):
                channel.queue_delete(name)
            for name in ("logs", "direct_logs", "topic_logs"):
                channel.exchange_delete(name)


@behaviour("hello: the receiver prints what the sender sent, with auto_ack")
def _(desk):
    receiver = desk.start("hello_receive")
    desk.run("hello_send")
    expect(receiver.line(), "received Hello World!")


@behaviour("hello: the message waits for a receiver that comes later")
def _(desk):
    desk.run("hello_send")
    expect(desk.start("hello_receive").line(), "received Hello World!")


@behaviour("a JSON producer's readings are understood by their consumer")
def _(desk):
    expect(desk.run("json_producer").line(), "published 10 readings")
    expect(desk.start("json_consumer").line(), "küche application/json 250.0")


@behaviour("work queue: two workers with prefetch_count=1 share the tasks and acknowledge them")
def _(desk):
    workers = [desk.start("worker"), desk.start("worker")]
    desk.run("new_task", "long......................................", "short.", "short.", "short.")
    expect([worker.line() for worker in workers], ["done long......................................", "done short."])
    expect(workers[1].lines(2), ["done short.", "done short."])


@behaviour("work queue: a task whose worker dies is done by another")
def _(desk):
    dying = desk.start("worker")
    desk.run("new_task", "endless" + "." * 3000)
    dying.stop()
    desk.run("new_task", "short")
    expect(sorted(name for name in peek("task_queue", 2)), [b"endless" + b"." * 3000, b"short"])


@behaviour("publish/subscribe: every subscriber prints the log")
def _(desk):
    receivers = [desk.start("receive_logs") for _ in range(2)]
    desk.run("emit_log", "warning:", "it rains")
    expect([receiver.line() for receiver in receivers], ["log warning: it rains"] * 2)


@behaviour("routing: a subscriber prints the severities it asked for")
def _(desk):
    everything, errors = desk.start("receive_logs_direct", "info", "error"), desk.start("receive_logs_direct", "error")
    for severity in ("info", "debug", "error"):
        desk.run("emit_log_direct", severity, "message")
    expect(everything.lines(2), ["log info message", "log error message"])
    expect(errors.line(), "log error message")


@behaviour("topics: a subscriber prints the keys its patterns match")
def _(desk):
    kernel, critical = desk.start("receive_logs_topic", "kern.*"), desk.start("receive_logs_topic", "*.critical", "x.#")
    for key in ("kern.info", "cron.critical", "kern.critical", "x.y.z"):
        desk.run("emit_log_topic", key, "message")
    expect(kernel.lines(2), ["log kern.info message", "log kern.critical message"])
    expect(critical.lines(3), ["log cron.critical message", "log kern.critical message", "log x.y.z message"])


@behaviour("RPC: the client prints the server's answer")
def _(desk):
    desk.start("rpc_server")
    expect([desk.run("rpc_client", number).line() for number in ("30", "0")], ["answer 832040", "answer 0"])


def peek(name, count):
    """The bodies of the first `count` messages of a queue, for which it waits."""
    with pika.BlockingConnection() as connection:
        channel = connection.channel()
        bodies = []
        for _, _, body in channel.consume(name, inactivity_timeout=SECONDS_TO_WAIT):
            bodies.append(body)
            if body is None or len(bodies) == count:
                return bodies


run(Desk)
