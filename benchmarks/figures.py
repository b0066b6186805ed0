"""What the benchmark prints: figures, the bounds they are held against, and one table of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from statistics import median

HEADINGS = ("figure", "measured", "lowest – highest", "bound", "reached")


class Unit(Enum):
    """How a value is written."""

    SHARE = "{:.1%}"
    MICROSECONDS = "{:.0f} µs"
    MILLISECONDS = "{:.1f} ms"
    MEGABYTES = "{:.1f} MB"
    PER_SECOND = "{:,.1f}/s"
    TIMES = "{:,.0f} x"
    RATIO = "{:.2f} x"
    CALLS = "{:.0f}"

    def write(self, value: float) -> str:
        """The value with its unit."""
        return self.value.format(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """What a figure has to reach; one of the two."""

    at_least: float | None = None
    at_most: float | None = None

    def holds(self, value: float) -> bool:
        """Whether the value is within the bound."""
        if self.at_least is not None:
            return value >= self.at_least
        return self.at_most is None or value <= self.at_most

    def write(self, unit: Unit) -> str:
        """The bound in words."""
        if self.at_least is not None:
            return f"≥ {unit.write(self.at_least)}"
        return f"≤ {unit.write(self.at_most)}" if self.at_most is not None else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One line of the table.

    :param name: what was measured, and how.
    :param values: of the repetitions, in the order in which they were taken; none for a peer that is absent.
    :param bound: None for a figure that is only there to compare with.
    :param sum_up: makes one value of the repetitions: the median, or the worst where a promise is at stake.
    """

    name: str
    unit: Unit
    values: Sequence[float]
    bound: Bound | None = None
    sum_up: Callable[[Sequence[float]], float] = median

    @property
    def value(self) -> float:
        """The one value that is held against the bound."""
        return self.sum_up(self.values)

    @property
    def reached(self) -> bool:
        """Whether the bound holds; True where there is none, or nothing to hold against it."""
        return self.bound is None or not self.values or self.bound.holds(self.value)

    def cells(self) -> tuple[str, ...]:
        """The line of the table."""
        if not self.values:
            return self.name, "absent", "", "", ""
        lowest, highest = self.unit.write(min(self.values)), self.unit.write(max(self.values))
        span = f"{lowest} – {highest}" if len(self.values) > 1 else ""
        if self.bound is None:
            return self.name, self.unit.write(self.value), span, "", ""
        return (
            self.name,
            self.unit.write(self.value),
            span,
            self.bound.write(self.unit),
            "yes" if self.reached else "NO",
        )


def table(figures: Iterable[Figure]) -> str:
    """The figures as one Markdown table, readable in a terminal as it is."""
    lines = [HEADINGS, *(figure.cells() for figure in figures)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADINGS))]
    written = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in lines
    ]
    rule = "| " + " | ".join("-" * width for width in widths) + " |"
    return "\n".join([written[0], rule, *written[1:]])
