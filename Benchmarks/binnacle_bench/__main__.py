"""`python3 -m binnacle_bench [startup] [footprint] [podstart] [lists] [collector]`: all of them without arguments."""

from __future__ import annotations

import os
import shutil
import sys
import time

from . import collector, footprint, lists, machine, podstart, startup
from .figures import Report
from .server import Server

PARTS = ("startup", "footprint", "podstart", "lists", "collector")


def main() -> int:
    wanted = sys.argv[1:] or list(PARTS)
    unknown = [name for name in wanted if name not in PARTS]
    if unknown:
        print(f"bench: unknown part {', '.join(unknown)}; there are {', '.join(PARTS)}", file=sys.stderr)
        return 2
    binary = os.path.abspath(os.environ.get("BINNACLE", ".build/release/binnacle"))
    if not os.access(binary, os.X_OK):
        print(f"bench: {binary} is not there; run `make build`, or set BINNACLE to a built binary", file=sys.stderr)
        return 1
    kubectl = find_kubectl()
    for line in machine.describe(binary):
        print(line)
    print(f"kubectl   {kubectl or 'none found: its figures are left out'}")

    report = Report()
    begin = time.perf_counter()
    busy, stolen = machine.stolen_and_busy()
    if "startup" in wanted:
        startup.measure(binary, report)
    if "footprint" in wanted:
        footprint.measure(binary, report)
    if "podstart" in wanted or "lists" in wanted:
        with Server(binary) as server:
            connection = server.connect()
            server.wait_for_node(connection)
            if "podstart" in wanted:
                podstart.measure(server, connection, kubectl, report)
            if "lists" in wanted:
                lists.measure(server, connection, kubectl, report)
            connection.close()
    if "collector" in wanted:
        collector.measure(binary, report)
    report.print_aims()
    seconds = time.perf_counter() - begin
    now_busy, now_stolen = machine.stolen_and_busy()
    cores = os.cpu_count() or 1
    print(
        f"\n{seconds:.0f} s in all; the machine's cores were {100 * (now_busy - busy) / seconds / cores:.0f} % busy "
        f"(the measured programs included), {100 * (now_stolen - stolen) / seconds / cores:.1f} % were stolen"
    )
    return 0


def find_kubectl() -> str | None:
    """$KUBECTL, else the one that scripts/setup unpacked, else the PATH's."""
    for candidate in (os.environ.get("KUBECTL"), ".build-tools/usr/bin/kubectl", shutil.which("kubectl")):
        if candidate and os.access(candidate, os.X_OK):
            return os.path.abspath(candidate)
    return None


if __name__ == "__main__":
    sys.exit(main())
