"""`binnacle collect` over real cgroups with a process each, scraped once a second, beside Debian's node exporter."""

from __future__ import annotations

import glob
import gzip
import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request

from . import processes
from .figures import Report

COUNTS = (10, 100, 1000)
SETTLE_SECONDS = 12
WINDOW_SECONDS = 20
#: Controllers of v1 whose hierarchies get a directory for each cgroup; v2 is one.
CONTROLLERS = ("cpu", "cpuacct", "memory", "pids", "blkio")


class Cgroups:
    """`count` cgroups with a process each, of which every fifth wakes ten times a second. Gone when the block ends."""

    def __init__(self, count: int) -> None:
        self.root = f"binnacle-bench-{os.getpid()}"
        self.mounts = _mounts()
        self.paths: list[str] = []
        self.children: list[subprocess.Popen[bytes]] = []
        self.count = count

    def __enter__(self) -> Cgroups:
        for number in range(self.count):
            busy = "exec 3<> <(:); while :; do read -t 0.1 -u 3 line; done"
            child = subprocess.Popen(["/bin/bash", "-c", busy if number % 5 == 0 else "exec sleep 1000"])
            self.children.append(child)
            for mount in self.mounts:
                path = f"{mount}/{self.root}/c{number}"
                os.makedirs(path, exist_ok=True)
                self.paths.append(path)
                try:
                    with open(f"{path}/cgroup.procs", "w", encoding="utf-8") as file:
                        file.write(str(child.pid))
                except OSError:
                    continue
        return self

    def __exit__(self, *_: object) -> None:
        for child in self.children:
            child.kill()
        for child in self.children:
            child.wait()
        for path in [*self.paths, *(f"{mount}/{self.root}" for mount in self.mounts)]:
            for _ in range(100):  # A cgroup can be removed a moment after its last process has gone.
                try:
                    os.rmdir(path)
                    break
                except FileNotFoundError:
                    break
                except OSError:
                    time.sleep(0.01)


def _mounts() -> list[str]:
    found = []
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        for line in file:
            before, _, after = line.partition(" - ")
            kind, _, options = after.split()[:3]
            point = before.split()[4]
            if kind == "cgroup2" or (kind == "cgroup" and set(CONTROLLERS) & set(options.split(","))):
                found.append(point)
    return found


def measure(binary: str, report: Report) -> None:
    report.heading(f"`binnacle collect`, default sets, a round and a scrape each second, over {WINDOW_SECONDS} s")
    for count in COUNTS:
        with Cgroups(count):
            port = _free_port()
            command = [binary, "collect", "--port", str(port), "--cpu-budget", "0"]
            with _running(command, f"http://127.0.0.1:{port}/metrics") as pid:
                _measure(count, pid, f"http://127.0.0.1:{port}", report)
    _node_exporter(report)


def _measure(count: int, pid: int, base: str, report: Report) -> None:
    url = f"{base}/metrics/cadvisor"
    time.sleep(SETTLE_SECONDS)
    rounds, files, page = [], [], b""
    start, before = time.perf_counter(), processes.cpu_seconds(pid)
    for second in range(1, WINDOW_SECONDS + 1):
        time.sleep(max(0, start + second - time.perf_counter()))
        page = _get(url)
    share = (processes.cpu_seconds(pid) - before) / (time.perf_counter() - start)
    own = _values(_get(f"{base}/metrics"))
    rounds.append(own.get("binnacle_collector_round_cpu_seconds", 0))
    files.append(own.get("binnacle_collector_round_files", 0))
    resident = processes.kib_fields(pid, "smaps_rollup")["Rss"]
    series = sum(1 for line in page.splitlines() if line and not line.startswith(b"#"))
    report.line(
        f"{count} cgroups",
        f"{share * 100:.2f} % of a core; the newest round {rounds[0] * 1e3:.1f} ms of CPU, {files[0]:.0f} files; {series} series; {_memory(pid)}",
    )
    if count == 100:
        report.aim("CPU of `collect` with 100 containers", share * 100, 1, "% of a core")
        report.aim("memory of `collect` with 100 containers (RSS)", resident * 1024 / 1e6, 20, "MB")


def _node_exporter(report: Report) -> None:
    with tempfile.TemporaryDirectory() as directory:
        program = shutil.which("prometheus-node-exporter")
        if not program:
            try:
                subprocess.run(["apt-get", "download", "prometheus-node-exporter"], cwd=directory, check=True, capture_output=True)
            except (OSError, subprocess.CalledProcessError):
                report.line("node_exporter", "not there, and apt-get cannot fetch it")
                return
            subprocess.run(["dpkg", "-x", glob.glob(f"{directory}/*.deb")[0], directory], check=True)
            program = f"{directory}/usr/bin/prometheus-node-exporter"
        port = _free_port()
        command = [program, f"--web.listen-address=127.0.0.1:{port}", "--no-collector.systemd", "--log.level=error"]
        url = f"http://127.0.0.1:{port}/metrics"
        with _running(command, url) as pid:
            before = processes.cpu_seconds(pid)
            for _ in range(WINDOW_SECONDS):
                page = _get(url)
                time.sleep(1)
            spent = (processes.cpu_seconds(pid) - before) / WINDOW_SECONDS
            series = sum(1 for line in page.splitlines() if line and not line.startswith(b"#"))
            report.line("node_exporter", f"{spent * 100:.2f} % of a core at a scrape a second; {series} series; {_memory(pid)}")


def _memory(pid: int) -> str:
    """Resident pages, those that others share counted in part (PSS), and those that are no file's."""
    rollup = processes.kib_fields(pid, "smaps_rollup")
    return f"RSS {rollup['Rss'] / 1024:.1f} MiB, PSS {rollup['Pss'] / 1024:.1f}, anonymous {rollup['Anonymous'] / 1024:.1f}"


class _running:
    """A program that is ended with the block; entered when `url` answers."""

    def __init__(self, command: list[str], url: str) -> None:
        self.url = url
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def __enter__(self) -> int:
        for _ in range(200):
            try:
                _get(self.url)
                return self.process.pid
            except OSError:
                time.sleep(0.05)
        self.__exit__()
        raise RuntimeError(f"{self.process.args} did not answer on {self.url}")

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait()


def _get(url: str) -> bytes:
    """As Prometheus asks: packed."""
    with urllib.request.urlopen(urllib.request.Request(url, headers={"Accept-Encoding": "gzip"}), timeout=10) as answer:
        content = answer.read()
        return gzip.decompress(content) if answer.headers.get("Content-Encoding") == "gzip" else content


def _values(page: bytes) -> dict[str, float]:
    """The samples without labels."""
    words = (line.split() for line in page.decode().splitlines() if line and not line.startswith("#") and "{" not in line)
    return {fields[0]: float(fields[1]) for fields in words}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
