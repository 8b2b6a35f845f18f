"""`/metrics`: the server's numbers in the text form that Prometheus and its kin read.

prometheus-client writes them down; it is an extra, since most servers have no monitor.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any, cast

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from bridge_server.handlers.metrics import Family, Histogram, Metrics

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

METRICS = "/metrics"
PREFIX = "takebridge_"
MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
MISSING = "The metrics need a package: pip install 'takebridge[metrics]', then restart the server.\n"


class MetricsPage:
    """Answers GET and HEAD."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    async def respond(self, _: Request) -> Response:
        """501 where the package is not installed."""
        try:
            text = await asyncio.to_thread(written, await self._metrics.families())
        except ImportError:
            return PlainTextResponse(MISSING, 501)
        return Response(text, media_type=MEDIA_TYPE)


def written(families: Sequence[Family]) -> bytes:
    """The families as text. Raises ImportError where the package is not installed."""
    from prometheus_client import generate_latest
    from prometheus_client.registry import CollectorRegistry

    class Ours:
        def collect(self) -> Iterator[Metric]:
            return (_metric(family) for family in families)

    registry = CollectorRegistry(auto_describe=False)
    registry.register(cast(Any, Ours()))
    return bytes(generate_latest(registry))


def _metric(family: Family) -> Metric:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

    name, text = PREFIX + family.name, f"{family.text}."
    if family.kind == "histogram":
        spread = HistogramMetricFamily(name, text, labels=family.labels)
        for labels, value in family.samples:
            assert isinstance(value, Histogram), family.name
            bounds = (*(str(bound) for bound in value.bounds), "+Inf")
            spread.add_metric(labels, list(zip(bounds, accumulate(value.counts), strict=True)), value.total)
        return spread
    made = CounterMetricFamily if family.kind == "counter" else GaugeMetricFamily
    plain = made(name, text, labels=family.labels)
    for labels, value in family.samples:
        assert not isinstance(value, Histogram), family.name
        plain.add_metric(labels, value)
    return plain
