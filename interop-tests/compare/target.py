"""A broker to compare: its ports, and its HTTP API for what AMQP cannot set up (users, permissions, policies)."""

import base64
import http.client
import json
import urllib.parse


class Target:
    def __init__(self, port, http_port=None):
        self.port = port
        self.http_port = http_port or port + 10000

    def put(self, *path, **values):
        """PUT of a JSON object; `path` is what follows /api/, piece by piece, not yet quoted."""
        self._request("PUT", path, json.dumps(values))

    def delete(self, *path):
        """DELETE; of what is not there, too.  Whether it was there."""
        return self._request("DELETE", path) != 404

    def _request(self, verb, path, content=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=10)
        headers = {
            "Authorization": "Basic " + base64.b64encode(b"guest:guest").decode(),
            "Content-Type": "application/json",
        }
        quoted = "/".join(urllib.parse.quote(piece, safe="") for piece in path)
        connection.request(verb, "/api/" + quoted, content, headers)
        response = connection.getresponse()
        response.read()
        connection.close()
        if response.status >= 400 and not (verb == "DELETE" and response.status == 404):
            raise RuntimeError(f"{verb} {quoted}: {response.status} {response.reason}")
        return response.status
