"""How long a user waits after `binnacle up --demo`."""

from __future__ import annotations

from . import processes
from .figures import Report, median, milliseconds, spread
from .server import Server

RUNS = 5


def measure(binary: str, report: Report) -> None:
    report.heading(f"Start of `up --demo`, fresh data directory, {RUNS} runs; the API asked each 5 ms")
    node: list[float] = []
    demo: list[float] = []
    cpu: list[float] = []
    stops: list[float] = []
    for run in range(RUNS):
        with Server(binary, "--demo") as server:
            connection = server.connect()
            node.append(server.wait_for_node(connection) - server.started)
            pods = server.wait_for_demo(connection)
            demo.append(max(at for at, _ in pods.values()) - server.started)
            cpu.append(processes.cpu_seconds(server.pid))
            connection.close()
            report.line(f"run {run + 1}", f"node {milliseconds(node[-1])}, demo {milliseconds(demo[-1])}, {cpu[-1]:.2f} s of CPU by then")
            report.line(
                "",
                ", ".join(
                    f"{name.split('-')[0]} {milliseconds(at - server.started)}" + (f" after {restarts} restart(s)" if restarts else "")
                    for name, (at, restarts) in sorted(pods.items(), key=lambda pod: pod[1])
                ),
            )
            stops.append(server.stop())
    report.line("node Ready", spread(node))
    report.line("all 4 demo pods Ready", spread(demo))
    report.line("the server's CPU time until then", spread(cpu))
    report.line("SIGTERM to ended, nothing left", spread(stops))
    report.aim("start to node Ready, median", median(node), 1, "s")
    report.aim("start to the demo Ready, median", median(demo), 3, "s")
