"""Starts the binary on ports and in a directory of its own, and sees that it leaves nothing behind."""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import subprocess
import tempfile
import time
from typing import Callable, Optional

from . import processes
from .api import Connection, Credentials

PORT_OFFSET = 4000
#: Not the defaults, so that a Binnacle that already runs on the machine keeps its routes.
POD_CIDR = "10.194.0.0/16"
SERVICE_CIDR = "10.195.0.0/16"
#: Two of web, load, flaky.
DEMO_PODS = 4
START_LIMIT = 60.0
STOP_LIMIT = 60.0
POLL_SECONDS = 0.005


class Server:
    """One run of `binnacle up` with a fresh data directory."""

    def __init__(self, binary: str, *arguments: str) -> None:
        self.directory = tempfile.mkdtemp(prefix="binnacle-bench.")
        self.data = os.path.join(self.directory, "data")
        self.kubeconfig = os.path.join(self.data, "kubeconfig")
        self._credentials: Optional[Credentials] = None
        self._log = open(os.path.join(self.directory, "log"), "wb")  # pylint: disable=consider-using-with
        command = [
            binary, "up", "--data-dir", self.data, "--port-offset", str(PORT_OFFSET),
            "--bind-address", "127.0.0.1", "--pod-cidr", POD_CIDR, "--service-cidr", SERVICE_CIDR, *arguments,
        ]  # fmt: skip
        self.started = time.perf_counter()
        self._process = subprocess.Popen(command, stdout=self._log, stderr=self._log, stdin=subprocess.DEVNULL)

    def __enter__(self) -> Server:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if not self._log.closed:
            self.stop(keep_log=kind is not None)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def credentials(self) -> Credentials:
        """Waits for the kubeconfig, which is written soon after the start."""
        if self._credentials is None:
            self.wait("the kubeconfig is written", self._read_credentials)
        assert self._credentials is not None
        return self._credentials

    def connect(self) -> Connection:
        return Connection(self.credentials)

    def wait(self, what: str, is_so: Callable[[], bool], limit: float = START_LIMIT) -> float:
        """Asks each 5 ms; returns the time, on `perf_counter`'s scale, at which it was so."""
        end = time.perf_counter() + limit
        while not is_so():
            if self._process.poll() is not None:
                raise RuntimeError(f"binnacle ended with {self._process.returncode} before {what}:\n{self.log()}")
            if time.perf_counter() > end:
                raise TimeoutError(f"waited {limit} s until {what}:\n{self.log()}")
            time.sleep(POLL_SECONDS)
        return time.perf_counter()

    def wait_for_node(self, connection: Connection) -> float:
        return self.wait("the node is ready", lambda: any(map(_is_ready, _items(connection, "/api/v1/nodes"))))

    def wait_for_demo(self, connection: Connection) -> dict[str, tuple[float, int]]:
        """Waits until all are Ready at once.

        Returns since when each was (on `perf_counter`'s scale), and its restarts until then: a pod
        without a readiness probe is Ready as soon as it runs, and no longer when it fails.
        """
        seen: dict[str, tuple[float, int]] = {}

        def all_seen() -> bool:
            pods = _items(connection, "/api/v1/namespaces/shop/pods")
            now = time.perf_counter()
            for pod in pods:
                name = pod["metadata"]["name"]
                if not _is_ready(pod):
                    seen.pop(name, None)
                elif name not in seen:
                    restarts = sum(status["restartCount"] for status in pod["status"].get("containerStatuses", []))
                    seen[name] = (now, restarts)
            return len(seen) >= DEMO_PODS

        self.wait("the demo's pods are ready", all_seen)
        return seen

    def log(self) -> str:
        with open(os.path.join(self.directory, "log"), encoding="utf-8", errors="replace") as file:
            return file.read()

    def supervisors(self) -> list[int]:
        """The processes that keep the pods' sandboxes; they outlive the server."""
        return [pid for pid in processes.running() if pid != self.pid and f"supervise {self.data}" in processes.command_line(pid)]

    def stop(self, keep_log: bool = False) -> float:
        """SIGTERM; returns the seconds until the process had ended. Raises if anything was left."""
        start = time.perf_counter()
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(STOP_LIMIT)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
                raise RuntimeError(f"SIGTERM did not end binnacle in {STOP_LIMIT} s; see {self.directory}/log") from None
        seconds = time.perf_counter() - start
        self._log.close()
        left = self._left()
        if left:
            raise RuntimeError(f"left behind after SIGTERM: {'; '.join(left)}; see {self.directory}/log")
        if not keep_log:
            shutil.rmtree(self.directory)
        return seconds

    def _left(self) -> list[str]:
        left = []
        # Those that were just killed may take a moment.
        for _ in range(100):
            left = [f"process {pid} {line}" for pid in processes.running() if self.data in (line := processes.command_line(pid))]
            if not left:
                break
            time.sleep(0.01)
        with open("/proc/self/mounts", encoding="utf-8") as file:
            left += [f"mount {line.split()[1]}" for line in file if self.data in line]
        if os.path.exists(f"/sys/class/net/binnacle{PORT_OFFSET}"):
            left.append(f"bridge binnacle{PORT_OFFSET}")
        return left

    def _read_credentials(self) -> bool:
        if not os.path.exists(self.kubeconfig):
            return False
        try:
            self._credentials = Credentials(self.kubeconfig, self.directory)
        except ValueError:
            # It is being written.
            return False
        return True


def _items(connection: Connection, path: str) -> list[dict]:
    try:
        return connection.json("GET", path)["items"]
    except (OSError, RuntimeError, http.client.HTTPException):
        # Not listening yet, or not answering: the next attempt connects anew.
        connection.close()
        return []


def _is_ready(item: dict) -> bool:
    conditions = item.get("status", {}).get("conditions", [])
    return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)
