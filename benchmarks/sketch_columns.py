"""Figures by row and column while they are collected, and the table they become."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from benchmarks.seams import Moments, seam_auc

Values = dict[str, list[float]]


@dataclass
class Column:
    """Values of one column (Sketch, a baseline, or the song itself), by row name; and the features at its joins."""

    values: Values = field(default_factory=dict)
    moments: list[Moments] = field(default_factory=list)

    def add(self, name: str, *values: float) -> None:
        self.values.setdefault(name, []).extend(float(value) for value in values)

    def join(self, other: Column) -> None:
        for name, values in other.values.items():
            self.add(name, *values)
        self.moments += other.moments


Columns = dict[str, Column]
"""By the column's heading."""


def gathered(parts: Sequence[Columns]) -> Columns:
    """All songs' columns in one."""
    whole: Columns = {}
    for part in parts:
        for heading, column in part.items():
            whole.setdefault(heading, Column()).join(column)
    return whole


@dataclass(frozen=True)
class Row:
    """One line of the table.

    label, target: as printed. name: of the values. measure: "mean", "auc" or a percentile's number.
    scale: what values are multiplied by; digits: behind the point.
    """

    label: str
    target: str
    name: str
    measure: str = "mean"
    scale: float = 1.0
    digits: int = 2

    def cell(self, column: Column) -> float:
        """NaN where nothing was measured."""
        if self.measure == "auc":
            return seam_auc(column.moments)
        values = [value for value in column.values.get(self.name, []) if not np.isnan(value)]
        if not values:
            return float("nan")
        found = np.mean(values) if self.measure == "mean" else np.percentile(values, float(self.measure))
        return float(found) * self.scale


def table(rows: Sequence[Row], columns: Mapping[str, Column], headings: Sequence[str]) -> str:
    """The rows in Markdown; rows without figures are omitted."""
    lines = [f"| Measure | {' | '.join(headings)} | target |", "|---" * (len(headings) + 2) + "|"]
    for row in rows:
        cells = [row.cell(columns.get(heading, Column())) for heading in headings]
        if not all(np.isnan(cells)):
            texts = ["" if np.isnan(cell) else f"{cell:.{row.digits}f}" for cell in cells]
            lines.append(f"| {row.label} | {' | '.join(texts)} | {row.target} |")
    return "\n".join(lines)
