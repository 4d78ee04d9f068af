"""How fast a pod runs: from the client's request to phase Running on a watch stream."""

from __future__ import annotations

import json
import os
import subprocess
import time

from . import processes
from .api import Connection, Watch
from .figures import Report, median, spread
from .server import Server

PODS = 20
NAMESPACE = "bench-start"
PATH = f"/api/v1/namespaces/{NAMESPACE}/pods"
EVENT_LIMIT = 30.0


def measure(server: Server, connection: Connection, kubectl: str | None, report: Report) -> None:
    report.heading(f"Pod of image `host` running `sleep`, {PODS} one after another, seen on a watch stream")
    connection.json("POST", "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})

    cpu = processes.cpu_seconds(server.pid)
    posts = [_one(server, connection, f"post-{number}", lambda pod: connection.json("POST", PATH, pod)) for number in range(PODS)]
    cpu = processes.cpu_seconds(server.pid) - cpu
    report.line("POST to its answer", spread([run["answered"] for run in posts]))
    report.line("POST to scheduled (spec.nodeName on the watch)", spread([run["scheduled"] for run in posts]))
    report.line("POST to Running", spread([run["running"] for run in posts]))
    report.line("DELETE with grace 0 to gone", spread([run["deleted"] for run in posts]))
    report.line("the server's CPU time a pod, start to gone", f"mean {cpu / PODS * 1e3:.1f} ms")
    report.aim("POST to Running, median", median([run["running"] for run in posts]), 0.3, "s")

    if kubectl is None:
        report.line("kubectl create -f", "skipped: no kubectl on this machine; set KUBECTL")
        return
    home = os.path.join(server.directory, "home")
    os.makedirs(home, exist_ok=True)
    environment = {"HOME": home, "PATH": os.environ["PATH"], "KUBECONFIG": server.kubeconfig}

    def create(pod: dict) -> None:
        file = os.path.join(server.directory, "pod.json")
        with open(file, "w", encoding="utf-8") as out:
            json.dump(pod, out)
        subprocess.run([kubectl, "create", "-n", NAMESPACE, "-f", file], env=environment, check=True, stdout=subprocess.DEVNULL, timeout=60)

    cold = _one(server, connection, "kubectl-cold", create)
    runs = [_one(server, connection, f"kubectl-{number}", create) for number in range(PODS)]
    report.line("kubectl, empty cache, to Running", f"{cold['running'] * 1e3:.1f} ms (its first run: it reads discovery)")
    report.line("kubectl start to its end", spread([run["answered"] for run in runs]))
    report.line("kubectl start to Running", spread([run["running"] for run in runs]))
    report.line("  of which after the pod was stored", spread([run["running"] - run["added"] for run in runs]))
    report.aim("kubectl create -f to Running, median", median([run["running"] for run in runs]), 0.3, "s")


def _one(server: Server, connection: Connection, name: str, create) -> dict[str, float]:
    """Seconds from the call of `create` to each stage; the pod is gone when this returns."""
    watch = Watch(server.credentials, f"{PATH}?watch=true&fieldSelector=metadata.name%3D{name}")
    try:
        stages: dict[str, float] = {}
        start = time.perf_counter()
        create(_pod(name))
        stages["answered"] = time.perf_counter() - start
        events = watch.events(EVENT_LIMIT)
        for at, event in events:
            pod = event["object"]
            stages.setdefault("added", at - start)
            if pod["spec"].get("nodeName"):
                stages.setdefault("scheduled", at - start)
            if pod["status"].get("phase") == "Running":
                stages["running"] = at - start
                break
        start = time.perf_counter()
        connection.json("DELETE", f"{PATH}/{name}", {"apiVersion": "v1", "kind": "DeleteOptions", "gracePeriodSeconds": 0})
        for at, event in events:
            if event["type"] == "DELETED":
                stages["deleted"] = at - start
                break
        return stages
    finally:
        watch.close()


def _pod(name: str) -> dict:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {"containers": [{"name": "sleep", "image": "host", "command": ["sleep", "1000"]}]},
    }
