"""What the running server costs: memory and CPU, with the demo's load on it."""

from __future__ import annotations

import time

from . import processes
from .figures import Report, median, percentile
from .processes import Usage
from .server import Server

SETTLE_SECONDS = 10
WINDOW_SECONDS = 60


def measure(binary: str, report: Report) -> None:
    report.heading(f"Memory and CPU over {WINDOW_SECONDS} s with the demo running, {SETTLE_SECONDS} s after it was Ready")
    with Server(binary, "--demo") as server:
        connection = server.connect()
        server.wait_for_node(connection)
        server.wait_for_demo(connection)
        # No more requests: only the server's own work is to be seen.
        connection.close()
        time.sleep(SETTLE_SECONDS)

        groups = _groups(server)
        before = {name: _sum(pids) for name, pids in groups.items()}
        slices: list[float] = []
        resident: list[float] = []
        start = time.perf_counter()
        last_time, last_cpu = start, processes.cpu_seconds(server.pid)
        for second in range(1, WINDOW_SECONDS + 1):
            time.sleep(max(0, start + second - time.perf_counter()))
            now, cpu = time.perf_counter(), processes.cpu_seconds(server.pid)
            slices.append((cpu - last_cpu) / (now - last_time))
            resident.append(processes.kib_fields(server.pid, "status")["VmRSS"] / 1024)
            last_time, last_cpu = now, cpu
        seconds = time.perf_counter() - start
        after = {name: _sum(pids) for name, pids in groups.items()}

        for name, usage in after.items():
            share = (usage.cpu_seconds - before[name].cpu_seconds) / seconds
            report.line(
                f"{name} ({usage.count})",
                f"RSS {usage.resident_bytes / 2**20:.1f} MiB, PSS {usage.proportional_bytes / 2**20:.1f} MiB, "
                f"CPU {usage.cpu_seconds - before[name].cpu_seconds:.2f} s = {share * 100:.2f} % of a core",
            )
        status = processes.kib_fields(server.pid, "status")
        report.line(
            "the server's memory in parts",
            f"anonymous {status['RssAnon'] / 1024:.1f}, file (mostly the binary) {status['RssFile'] / 1024:.1f}, "
            f"peak {status['VmHWM'] / 1024:.1f} MiB; {processes.threads(server.pid)} threads",
        )
        report.line("the server's RSS each second", f"first {resident[0]:.1f}, median {median(resident):.1f}, last {resident[-1]:.1f} MiB")
        report.line(
            "the server's CPU in 1 s slices (steps of 1 %)",
            f"median {median(slices) * 100:.1f} %, p90 {percentile(slices, 0.9) * 100:.1f} %, most {max(slices) * 100:.1f} %",
        )
        server_share = (after["server"].cpu_seconds - before["server"].cpu_seconds) / seconds
        report.aim("memory of the server (RSS), median", median(resident) * 2**20 / 1e6, 80, "MB")
        report.aim("CPU share of the server", server_share * 100, 3, "% of a core")


def _groups(server: Server) -> dict[str, list[int]]:
    supervisors = server.supervisors()
    below = processes.descendants(supervisors)
    pauses = [pid for pid in below if processes.command_line(pid) == "pause"]
    return {
        "server": [server.pid],
        "supervisors": supervisors,
        "pauses": pauses,
        "demo's containers": [pid for pid in below if pid not in pauses],
    }


def _sum(pids: list[int]) -> Usage:
    return sum((processes.usage(pid) for pid in pids), Usage())
