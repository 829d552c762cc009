"""What one run of one side gave, and the median over rounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

import numpy as np


class BenchError(Exception):
    """A run that cannot count: something failed, or was not what it should measure."""


@dataclass(frozen=True)
class Sample:
    """One run: units a second, median and 99th percentile of the time for one request, in ms."""

    per_second: float
    p50_ms: float
    p99_ms: float
    requests: int

    def times(self, units: int) -> Sample:
        """The same run where every request carries `units`; the times stay those of a request."""
        return Sample(self.per_second * units, self.p50_ms, self.p99_ms, self.requests)


def sample_of(times_ms: Sequence[float] | np.ndarray, seconds: float) -> Sample:
    """A sample from the time of every request, in ms."""
    if not len(times_ms):
        raise BenchError("no request was answered")
    p50, p99 = np.percentile(np.asarray(times_ms), [50, 99])
    return Sample(len(times_ms) / seconds, float(p50), float(p99), len(times_ms))


@dataclass(frozen=True)
class Result:
    """The median of all rounds of one side, and how far the rounds lie apart."""

    per_second: float
    p50_ms: float
    p99_ms: float
    requests: int
    lowest: float
    highest: float

    def as_json(self) -> dict[str, Any]:
        """For the JSON file."""
        return {k: round(v, 3) for k, v in asdict(self).items()}


def result_of(samples: Sequence[Sample]) -> Result:
    """Each figure's median by itself."""
    rates = [s.per_second for s in samples]
    return Result(
        per_second=median(rates),
        p50_ms=median(s.p50_ms for s in samples),
        p99_ms=median(s.p99_ms for s in samples),
        requests=sum(s.requests for s in samples),
        lowest=min(rates),
        highest=max(rates),
    )
