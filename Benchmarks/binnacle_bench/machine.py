"""Where figures were taken: a figure without its machine says little."""

import os
import platform
import subprocess
import time


def describe(binary: str) -> list[str]:
    """Lines that name the machine, its load, and the binary that was measured."""
    size = os.stat(binary).st_size
    return [
        f"date      {time.strftime('%Y-%m-%d %H:%M:%S %z')}",
        f"machine   {os.cpu_count()} cores ({_cpu_model()}), {_total_memory_mib()} MiB of memory",
        f"kernel    {platform.release()}, {_distribution()}",
        f"load      {' '.join(f'{value:.2f}' for value in os.getloadavg())} over 1, 5 and 15 minutes, before this run",
        f"binary    {binary}, {size / 1e6:.1f} MB, built {time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(os.stat(binary).st_mtime))}",
        f"source    {_commit()}",
    ]


def stolen_and_busy() -> tuple[float, float]:
    """Seconds that all cores were busy, and that the hypervisor took away, since boot.

    Their growth over a run tells how quiet the machine was (`/proc/stat`, in clock ticks).
    """
    with open("/proc/stat", encoding="ascii") as file:
        fields = [int(field) for field in file.readline().split()[1:]]
    tick = os.sysconf("SC_CLK_TCK")
    user, nice, system, _idle, _iowait, irq, softirq, steal = fields[:8]
    return (user + nice + system + irq + softirq) / tick, steal / tick


def _cpu_model() -> str:
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.machine()


def _total_memory_mib() -> int:
    with open("/proc/meminfo", encoding="ascii") as file:
        return int(file.readline().split()[1]) // 1024


def _distribution() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "Linux")
    except (OSError, AttributeError):
        return "Linux"


def _commit() -> str:
    answer = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False)
    return answer.stdout.strip() or "not a git checkout"
