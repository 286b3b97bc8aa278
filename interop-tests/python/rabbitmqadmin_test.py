"""RabbitMQ's own command line, rabbitmqadmin, against the HTTP API: every verb it has."""

import json
import os
import subprocess
import tempfile

import pika

from behaviour import HOST, PORT, behaviour, expect, expect_in, run, unique, wait_until

HTTP_PORT = os.environ.get("HTTP_PORT", "15672")
PROGRAM = "/usr/bin/rabbitmqadmin"
SECONDS_TO_WAIT = 15


class Admin:
    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def run(self, *arguments, stdin=b""):
        command = ["/usr/bin/python3", PROGRAM, "-P", HTTP_PORT, *arguments]
        return subprocess.run(command, input=stdin, capture_output=True, timeout=SECONDS_TO_WAIT)

    def done(self, *arguments, stdin=b""):
        """What it prints; it must have succeeded."""
        result = self.run(*arguments, stdin=stdin)
        expect((result.returncode, result.stderr), (0, b""), " ".join(arguments))
        return result.stdout.decode()

    def listed(self, *arguments):
        return json.loads(self.done("-f", "raw_json", "list", *arguments))


@behaviour("the overview is shown")
def _(admin):
    expect_in("rabbitmq_version", admin.done("show", "overview"))


for listed in ("connections", "channels", "consumers", "exchanges", "queues", "bindings", "users", "vhosts",
               "permissions", "nodes", "parameters", "policies", "operator_policies", "vhost_limits"):
    behaviour(f"{listed} are listed")(lambda admin, listed=listed: admin.done("list", listed))

for named in ("tsv", "long", "table", "kvp", "pretty_json", "raw_json", "bash"):
    behaviour(f"a listing is printed as {named}")(
        lambda admin, named=named: expect_in("/", admin.done("-f", named, "list", "vhosts", "name")))


@behaviour("listings have their columns and are sorted")
def _(admin):
    queue = unique("admin")
    admin.done("declare", "queue", f"name={queue}")
    expect_in(queue, admin.done("list", "queues", "vhost", "name", "messages_details.rate", "message_stats.publish"))
    admin.done("-S", "name", "list", "queues", "name")
    admin.done("-S", "name", "-R", "list", "queues", "name")
    admin.done("delete", "queue", f"name={queue}")


@behaviour("queues are declared, listed, purged and deleted")
def _(admin):
    queue = unique("admin")
    admin.done("declare", "queue", f"name={queue}", "durable=false", 'arguments={"x-max-length": 5}')
    expect([row["arguments"] for row in admin.listed("queues") if row["name"] == queue], [{"x-max-length": 5}])
    admin.done("purge", "queue", f"name={queue}")
    admin.done("delete", "queue", f"name={queue}")
    expect([row for row in admin.listed("queues") if row["name"] == queue], [])


@behaviour("a queue's type is an option of its own")
def _(admin):
    queue = unique("admin")
    admin.done("declare", "queue", f"name={queue}", "queue_type=classic")
    admin.done("delete", "queue", f"name={queue}")


@behaviour("exchanges are declared, bound, unbound and deleted")
def _(admin):
    queue, exchange = unique("admin"), unique("admin")
    admin.done("declare", "queue", f"name={queue}")
    admin.done("declare", "exchange", f"name={exchange}", "type=topic")
    admin.done("declare", "binding", f"source={exchange}", f"destination={queue}", "routing_key=a.#")
    found = [row["properties_key"] for row in admin.listed("bindings") if row["source"] == exchange]
    expect(found, ["a.%23"])
    admin.done("delete", "binding", f"source={exchange}", "destination_type=queue", f"destination={queue}",
               f"properties_key={found[0]}")
    expect([row for row in admin.listed("bindings") if row["source"] == exchange], [])
    admin.done("delete", "exchange", f"name={exchange}")
    admin.done("delete", "queue", f"name={queue}")


@behaviour("a message is published, shown and taken")
def _(admin):
    queue = unique("admin")
    admin.done("declare", "queue", f"name={queue}")
    expect_in("Message published", admin.done("publish", f"routing_key={queue}", "payload=hello",
                                              'properties={"delivery_mode": 2}'))
    expect_in("NOT routed", admin.done("publish", "routing_key=" + unique("nowhere"), "payload=hello"))
    admin.done("publish", f"routing_key={queue}", stdin=b"from standard input")
    expect_in("hello", admin.done("get", f"queue={queue}"))
    expect_in("hello", admin.done("get", f"queue={queue}", "ackmode=ack_requeue_false"))
    with tempfile.TemporaryDirectory() as folder:
        admin.done("get", f"queue={queue}", "ackmode=ack_requeue_false", f"payload_file={folder}/payload")
        with open(f"{folder}/payload", "rb") as payload:
            expect(payload.read(), b"from standard input")
    admin.done("delete", "queue", f"name={queue}")


@behaviour("virtual hosts, users and permissions come and go")
def _(admin):
    vhost, user = unique("admin"), unique("admin")
    admin.done("declare", "vhost", f"name={vhost}", "tracing=true")
    admin.done("declare", "user", f"name={user}", "password=x", "tags=management")
    admin.done("declare", "permission", f"vhost={vhost}", f"user={user}", "configure=.*", "write=.*", "read=.*")
    expect([row["tracing"] for row in admin.listed("vhosts") if row["name"] == vhost], [True])
    expect([row["tags"] for row in admin.listed("users") if row["name"] == user], [["management"]])
    expect([row["vhost"] for row in admin.listed("permissions") if row["user"] == user], [vhost])
    admin.done("-u", user, "-p", "x", "-V", vhost, "declare", "queue", "name=q")
    admin.done("delete", "permission", f"vhost={vhost}", f"user={user}")
    admin.done("delete", "user", f"name={user}")
    admin.done("delete", "vhost", f"name={vhost}")


@behaviour("policies and operator policies come and go")
def _(admin):
    name = unique("admin")
    for verb, listing in (("policy", "policies"), ("operator_policy", "operator_policies")):
        admin.done("declare", verb, f"name={name}", f"pattern=^{name}", 'definition={"max-length": 5}', "priority=2",
                   "apply-to=queues")
        found = [row for row in admin.listed(listing) if row["name"] == name]
        expect([(row["definition"], row["priority"], row["apply-to"]) for row in found],
               [({"max-length": 5}, 2, "queues")])
        admin.done("delete", verb, f"name={name}")
        expect([row for row in admin.listed(listing) if row["name"] == name], [])


@behaviour("parameters come and go")
def _(admin):
    vhost = unique("admin")
    admin.done("declare", "vhost", f"name={vhost}")
    # The one component that is there without plug-ins.
    admin.done("-V", vhost, "declare", "parameter", "component=vhost-limits", "name=limits",
               'value={"max-queues": 7}')
    expect([row["value"] for row in admin.listed("parameters") if row["vhost"] == vhost], [{"max-queues": 7}])
    admin.done("-V", vhost, "delete", "parameter", "component=vhost-limits", "name=limits")
    expect([row for row in admin.listed("parameters") if row["vhost"] == vhost], [])
    admin.done("delete", "vhost", f"name={vhost}")


@behaviour("virtual hosts have limits")
def _(admin):
    vhost = unique("admin")
    admin.done("declare", "vhost", f"name={vhost}")
    admin.done("declare", "vhost_limit", f"vhost={vhost}", "name=max-queues", "value=3")
    expect([row["value"] for row in admin.listed("vhost_limits") if row["vhost"] == vhost], [{"max-queues": 3}])
    admin.done("delete", "vhost_limit", f"vhost={vhost}", "name=max-queues")
    # RabbitMQ goes on listing it, with nothing.
    expect([row for row in admin.listed("vhost_limits") if row["vhost"] == vhost and row["value"]], [])
    admin.done("delete", "vhost", f"name={vhost}")


@behaviour("definitions are exported and imported")
def _(admin):
    queue = unique("admin")
    admin.done("declare", "queue", f"name={queue}")
    with tempfile.TemporaryDirectory() as folder:
        admin.done("export", f"{folder}/definitions.json")
        admin.done("delete", "queue", f"name={queue}")
        admin.done("import", f"{folder}/definitions.json")
    expect(len([row for row in admin.listed("queues") if row["name"] == queue]), 1)
    admin.done("delete", "queue", f"name={queue}")


@behaviour("a connection is closed")
def _(admin):
    name = unique("admin")
    connection = pika.BlockingConnection(
        pika.ConnectionParameters(HOST, PORT, client_properties={"connection_name": name}))
    found = []

    def look():
        connection.sleep(0.1)
        found.extend(row["name"] for row in admin.listed("connections") if row.get("user_provided_name") == name)

    wait_until(lambda: found, look)
    admin.done("close", "connection", f"name={found[0]}")
    try:
        connection.sleep(SECONDS_TO_WAIT)
    except pika.exceptions.ConnectionClosedByBroker as error:
        expect((error.reply_code, error.reply_text), (320, "CONNECTION_FORCED - Closed via management plugin"))
    else:
        raise AssertionError("the connection is still open")


@behaviour("what does not exist is an error")
def _(admin):
    result = admin.run("delete", "queue", "name=" + unique("nosuch"))
    expect(result.returncode, 1)
    expect_in(b"Not found", result.stderr + result.stdout)


run(Admin)
