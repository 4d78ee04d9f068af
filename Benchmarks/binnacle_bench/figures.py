"""Medians, percentiles and the lines in which figures are printed."""

from __future__ import annotations

import math
from dataclasses import dataclass, field


def percentile(values: list[float], share: float) -> float:
    """The smallest value that at least `share` (0 to 1) of the values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def median(values: list[float]) -> float:
    """The middle value; the mean of the two middle ones of an even count."""
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def milliseconds(seconds: float) -> str:
    """`0.0123` as `12.3 ms`."""
    return f"{seconds * 1e3:.1f} ms" if seconds < 10 else f"{seconds:.2f} s"


def spread(values: list[float]) -> str:
    """Median, 90th percentile and range of times in seconds, in one line."""
    return (
        f"median {milliseconds(median(values))}, p90 {milliseconds(percentile(values, 0.9))}, "
        f"range {milliseconds(min(values))} to {milliseconds(max(values))}, n={len(values)}"
    )


@dataclass
class Report:
    """Collects what is printed, and at the end which aims were met."""

    aims: list[tuple[str, float, float, str]] = field(default_factory=list)

    def heading(self, text: str) -> None:
        print(f"\n{text}\n{'-' * len(text)}", flush=True)

    def line(self, name: str, text: str) -> None:
        print(f"  {name:<46} {text}", flush=True)

    def aim(self, name: str, value: float, below: float, unit: str) -> None:
        """Keeps a figure that has an aim for the table at the end."""
        self.aims.append((name, value, below, unit))

    def print_aims(self) -> None:
        if not self.aims:
            return
        self.heading("Aims")
        for name, value, below, unit in self.aims:
            verdict = "met" if value < below else "MISSED"
            self.line(name, f"{value:.4g} {unit} (aim: below {below:g} {unit}) {verdict}")
