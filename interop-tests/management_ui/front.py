"""Serves RabbitMQ's own web UI, and passes what it asks of /api on to a broker."""

import contextlib
import http.client
import http.server
import pathlib
import threading

PASSED_ON = ("authorization", "content-type", "accept", "x-reason", "x-vhost")


class Front(http.server.SimpleHTTPRequestHandler):
    """Requests to /api go to `broker_port`, all others to files below `directory`."""

    protocol_version = "HTTP/1.1"
    broker_port = None

    def do_GET(self):
        self._pass_on() if self.path.startswith("/api/") else super().do_GET()

    def _pass_on(self):
        size = int(self.headers.get("Content-Length", 0))
        headers = {name: value for name, value in self.headers.items() if name.lower() in PASSED_ON}
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.broker_port)) as broker:
            broker.request(self.command, self.path, self.rfile.read(size) if size else None, headers)
            answer = broker.getresponse()
            body = answer.read()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("content-length", "connection", "date", "server"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_PUT = do_POST = do_DELETE = _pass_on

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def front(directory: pathlib.Path, broker_port: int):
    """The URL under which the UI is served."""

    class Handler(Front):
        def __init__(self, *arguments):
            super().__init__(*arguments, directory=str(directory))

    Handler.broker_port = broker_port
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
