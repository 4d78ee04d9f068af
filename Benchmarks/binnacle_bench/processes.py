"""CPU time and memory of processes, from /proc."""

from __future__ import annotations

import os
from dataclasses import dataclass

TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Usage:
    """What a process, or some of them together, hold and have used."""

    count: int = 0
    cpu_seconds: float = 0
    resident_bytes: int = 0
    #: Shared pages divided by their users, so that sums are true.
    proportional_bytes: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.count + other.count,
            self.cpu_seconds + other.cpu_seconds,
            self.resident_bytes + other.resident_bytes,
            self.proportional_bytes + other.proportional_bytes,
        )


def cpu_seconds(pid: int) -> float:
    """User plus system time of all threads, dead ones too; steps of 10 ms."""
    fields = _stat(pid)
    return (int(fields[11]) + int(fields[12])) / TICK


def usage(pid: int) -> Usage:
    """Zero for a process that has just ended."""
    try:
        status = kib_fields(pid, "status")
        rollup = kib_fields(pid, "smaps_rollup")
        return Usage(1, cpu_seconds(pid), status.get("VmRSS", 0) * 1024, rollup.get("Pss", 0) * 1024)
    except (FileNotFoundError, ProcessLookupError):
        return Usage()


def kib_fields(pid: int, name: str) -> dict[str, int]:
    """The lines of /proc/PID/`name` that end in kB, without the unit."""
    fields = {}
    with open(f"/proc/{pid}/{name}", encoding="utf-8", errors="replace") as file:
        for line in file:
            words = line.split()
            if len(words) == 3 and words[2] == "kB":
                fields[words[0].rstrip(":")] = int(words[1])
    return fields


def threads(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/task"))


def command_line(pid: int) -> str:
    """Empty for a kernel thread, and for a process that has ended."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().replace(b"\0", b" ").decode("utf-8", "replace").strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def running() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def descendants(roots: list[int]) -> list[int]:
    """The processes below `roots`, without these."""
    children: dict[int, list[int]] = {}
    for pid in running():
        try:
            children.setdefault(int(_stat(pid)[1]), []).append(pid)
        except (FileNotFoundError, ProcessLookupError):
            continue
    found: list[int] = []
    queue = list(roots)
    while queue:
        below = children.get(queue.pop(), [])
        found += below
        queue += below
    return found


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the name, which may hold spaces: state first."""
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
        return file.read().rpartition(")")[2].split()
