"""A small client of the Kubernetes API: one kept TLS connection, and watch streams."""

from __future__ import annotations

import base64
import http.client
import json
import os
import re
import ssl
import threading
import time
import urllib.parse
from collections.abc import Iterator

#: What `kubectl get` asks for.
TABLE = (
    "application/json;as=Table;v=v1;g=meta.k8s.io,"
    "application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json"
)


class Credentials:
    """Server and client certificate out of the kubeconfig that `binnacle up` writes."""

    def __init__(self, kubeconfig: str, scratch: str) -> None:
        with open(kubeconfig, encoding="utf-8") as file:
            text = file.read()
        server = re.search(r"server:\s*(\S+)", text)
        if server is None:
            raise ValueError(f"{kubeconfig} names no server")
        self.address = urllib.parse.urlsplit(server.group(1))
        names = {}
        for name in ("certificate-authority-data", "client-certificate-data", "client-key-data"):
            match = re.search(rf"{name}:\s*(\S+)", text)
            if match is None:
                raise ValueError(f"{kubeconfig} holds no {name}")
            names[name] = os.path.join(scratch, name)
            descriptor = os.open(names[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(base64.b64decode(match.group(1)))
        self.context = ssl.create_default_context(cafile=names["certificate-authority-data"])
        self.context.load_cert_chain(names["client-certificate-data"], names["client-key-data"])


class Connection:
    """Requests one after another over one TLS connection."""

    def __init__(self, credentials: Credentials, timeout: float = 30) -> None:
        address = credentials.address
        self._http = http.client.HTTPSConnection(address.hostname, address.port, timeout=timeout, context=credentials.context)

    def close(self) -> None:
        self._http.close()

    def send(self, method: str, path: str, body: object = None, accept: str = "application/json") -> tuple[int, bytes, float, float]:
        """Returns status, body, and the seconds to the answer's head and to its last byte."""
        headers = {"Accept": accept, "User-Agent": "binnacle-bench", "Accept-Encoding": "gzip"}
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        start = time.perf_counter()
        self._http.request(method, path, data, headers)
        answer = self._http.getresponse()
        head = time.perf_counter() - start
        content = answer.read()
        return answer.status, content, head, time.perf_counter() - start

    def json(self, method: str, path: str, body: object = None) -> dict:
        """The decoded answer; an error of the API is raised."""
        status, content, _, _ = self.send(method, path, body)
        if status >= 300:
            raise RuntimeError(f"{method} {path}: {status} {content[:300].decode('utf-8', 'replace')}")
        return json.loads(content)


class Watch:
    """Events of one list as they come, each with the time of its arrival.

    A thread reads the stream, so that the time is taken when the event is there and not when
    somebody asks for it.
    """

    def __init__(self, credentials: Credentials, path: str) -> None:
        address = credentials.address
        self._http = http.client.HTTPSConnection(address.hostname, address.port, timeout=60, context=credentials.context)
        self._http.request("GET", path, headers={"Accept": "application/json"})
        self._answer = self._http.getresponse()
        if self._answer.status != 200:
            raise RuntimeError(f"GET {path}: {self._answer.status}")
        self._events: list[tuple[float, dict]] = []
        self._arrived = threading.Condition()
        self._ended = False
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def events(self, within: float) -> Iterator[tuple[float, dict]]:
        """Events from the first on, until none comes for `within` seconds."""
        index = 0
        while True:
            with self._arrived:
                if not self._arrived.wait_for(lambda: len(self._events) > index or self._ended, within):
                    raise TimeoutError(f"no event came in {within} s")
                if len(self._events) <= index:
                    return
                event = self._events[index]
            index += 1
            yield event

    def close(self) -> None:
        # Ends the reading thread's wait; its error is expected.
        if self._http.sock is not None:
            try:
                self._http.sock.shutdown(2)
            except OSError:
                pass
        self._thread.join(5)
        self._http.close()

    def _read(self) -> None:
        try:
            while line := self._answer.readline():
                now = time.perf_counter()
                event = json.loads(line)
                with self._arrived:
                    self._events.append((now, event))
                    self._arrived.notify_all()
        except (OSError, ValueError, http.client.HTTPException):
            pass
        finally:
            with self._arrived:
                self._ended = True
                self._arrived.notify_all()
