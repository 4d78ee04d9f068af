"""`get pods` with a thousand pods: the requests of kubectl over one kept connection, and kubectl itself."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time

from . import processes
from .api import TABLE, Connection
from .figures import Report, median, milliseconds, percentile, spread
from .server import Server

PODS = 1000
WRITERS = 4
REQUESTS = 200
KUBECTL_RUNS = 10
NAMESPACE = "bench"
PATH = f"/api/v1/namespaces/{NAMESPACE}/pods"


def measure(server: Server, connection: Connection, kubectl: str | None, report: Report) -> None:
    report.heading(f"`get pods` of {PODS} pods in one namespace, as a Table, over one kept TLS connection")
    connection.json("POST", "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    _create(server, report)
    time.sleep(2)  # The scheduler's events about pods that fit nowhere are written by then.

    floor = [connection.send("GET", "/version")[3] for _ in range(REQUESTS)]
    report.line("GET /version: what client and TLS take alone", _quantiles(floor))
    paths = {"limit=500, first page": f"{PATH}?limit=500", "no limit": PATH}
    for name, path in paths.items():
        _requests(server, connection, name, [path], report)
    _, content, _, _ = connection.send("GET", f"{PATH}?limit=500", accept=TABLE)
    token = json.loads(content)["metadata"].get("continue")
    if token:
        _requests(server, connection, "limit=500, second page", [f"{PATH}?limit=500&continue={token}"], report)
    if kubectl:
        _kubectl(server, kubectl, report)


def _requests(server: Server, connection: Connection, name: str, paths: list[str], report: Report) -> None:
    heads: list[float] = []
    ends: list[float] = []
    size = rows = 0
    cpu = processes.cpu_seconds(server.pid)
    for number in range(REQUESTS):
        status, content, head, end = connection.send("GET", paths[number % len(paths)], accept=TABLE)
        if status != 200:
            raise RuntimeError(f"{paths[0]}: {status} {content[:200]!r}")
        heads.append(head)
        ends.append(end)
        size = len(content)
    cpu = (processes.cpu_seconds(server.pid) - cpu) / REQUESTS
    answer = json.loads(content)
    rows = len(answer["rows"])
    if answer["kind"] != "Table" or rows == 0:
        raise RuntimeError(f"{paths[0]}: no Table came, but {answer['kind']} of {rows} rows")
    report.line(f"{name}: to the answer's head", _quantiles(heads))
    report.line(f"{name}: to its last byte", f"{_quantiles(ends)}; {rows} rows, {size / 1e3:.0f} kB, {cpu * 1e3:.2f} ms of CPU each")
    report.aim(f"get pods, {name}, last byte, p50", median(ends) * 1e3, 10, "ms")
    report.aim(f"get pods, {name}, last byte, p99", percentile(ends, 0.99) * 1e3, 10, "ms")


def _kubectl(server: Server, kubectl: str, report: Report) -> None:
    home = os.path.join(server.directory, "home")
    os.makedirs(home, exist_ok=True)
    environment = {"HOME": home, "PATH": os.environ["PATH"], "KUBECONFIG": server.kubeconfig}
    for name, arguments in {
        "kubectl version --client: its own start": ["version", "--client"],
        f"kubectl get pods, {PODS} pods": ["get", "pods", "-n", NAMESPACE],
    }.items():
        walls: list[float] = []
        cpus: list[float] = []
        for _ in range(KUBECTL_RUNS + 1):
            before = os.times()
            start = time.perf_counter()
            output = subprocess.run([kubectl, *arguments], env=environment, check=True, capture_output=True, timeout=60).stdout
            walls.append(time.perf_counter() - start)
            after = os.times()
            cpus.append(after.children_user + after.children_system - before.children_user - before.children_system)
        lines = output.count(b"\n")
        if arguments[0] == "get" and lines != PODS + 1:
            raise RuntimeError(f"kubectl printed {lines} lines for {PODS} pods")
        # The first run fills kubectl's cache of discovery.
        report.line(name, f"{spread(walls[1:])}; its CPU {milliseconds(median(cpus[1:]))}")


def _create(server: Server, report: Report) -> None:
    errors: list[Exception] = []
    latencies: list[float] = []

    def write(first: int) -> None:
        connection = server.connect()
        try:
            for number in range(first, PODS, WRITERS):
                status, content, _, end = connection.send("POST", PATH, _pod(number))
                if status != 201:
                    raise RuntimeError(f"POST {PATH}: {status} {content[:300]!r}")
                latencies.append(end)
        except Exception as error:  # pylint: disable=broad-except
            errors.append(error)
        finally:
            connection.close()

    cpu = processes.cpu_seconds(server.pid)
    start = time.perf_counter()
    threads = [threading.Thread(target=write, args=(number,)) for number in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - start
    if errors:
        raise errors[0]
    cpu = processes.cpu_seconds(server.pid) - cpu
    report.line(
        f"{PODS} POSTs by {WRITERS} connections",
        f"{seconds:.2f} s = {PODS / seconds:.0f}/s; each {_quantiles(latencies)}; the server's CPU {cpu / PODS * 1e3:.2f} ms each",
    )


def _quantiles(seconds: list[float]) -> str:
    return f"p50 {median(seconds) * 1e3:.2f} ms, p99 {percentile(seconds, 0.99) * 1e3:.2f} ms"


def _pod(number: int) -> dict:
    """A pod of common size that no node may run, so that only the API and the scheduler have work."""
    name = f"web-7d4b9c6f5-{number:04d}"
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": "web", "pod-template-hash": "7d4b9c6f5", "tier": "front"}},
        "spec": {
            "nodeSelector": {"binnacle.example/no-such-node": "true"},
            "containers": [
                {
                    "name": container,
                    "image": "registry.example/web:1.2",
                    "command": ["/bin/server", "--port=8080"],
                    "env": [
                        {"name": "A", "value": "1"},
                        {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                    ],
                    "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"memory": "128Mi"}},
                    "livenessProbe": {"httpGet": {"path": "/healthz", "port": 8080}},
                }
                for container in ("app", "sidecar")
            ],
        },
    }
