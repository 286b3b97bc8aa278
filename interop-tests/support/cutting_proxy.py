"""A TCP proxy that can cut its connections, so that a test sees what a lost connection does to its client."""

import socket
import threading


class CuttingProxy:
    """Forwards connections to (host, port) from `self.port`; a connection to `self.control_port` cuts them all.

    The control connection is closed once the cut is done; that is its answer.  The proxy goes on to accept.
    """

    def __init__(self, host, port):
        self._target = (host, port)
        self._sockets = set()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._control = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.control_port = self._control.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._listener, self._join), daemon=True).start()
        threading.Thread(target=self._accept, args=(self._control, self._cut), daemon=True).start()

    def close(self):
        for listener in (self._listener, self._control):
            listener.close()
        self._cut_all()

    @staticmethod
    def _accept(listener, handle):
        while True:
            try:
                handle(listener.accept()[0])
            except OSError:
                if listener.fileno() < 0:
                    return

    def _join(self, client):
        try:
            server = socket.create_connection(self._target)
        except OSError:
            client.close()
            return
        for end in (client, server):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            self._sockets |= {client, server}
        for source, sink in ((client, server), (server, client)):
            threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source, sink):
        try:
            while octets := source.recv(65536):
                sink.sendall(octets)
        except OSError:
            pass
        self._shut(source)
        self._shut(sink)

    def _cut(self, control):
        self._cut_all()
        control.close()

    def _cut_all(self):
        with self._lock:
            sockets = list(self._sockets)
        for end in sockets:
            self._shut(end)

    def _shut(self, end):
        with self._lock:
            self._sockets.discard(end)
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
