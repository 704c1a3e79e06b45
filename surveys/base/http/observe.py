"""Logs as JSON without personal data, and counters for Prometheus."""

import functools
import logging
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import structlog
from flask import Flask, Response, g, request
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
)
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from surveys.base.http import context

log = structlog.get_logger()

REQUESTS = Counter("earshot_requests_total", "Requests answered", ["route", "method", "status"])
SECONDS = Histogram(
    "earshot_request_seconds",
    "Time to answer a request",
    ["route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
#: Which ones stands in each survey: a name that a caller chooses is no label.
ORIGINS_REFUSED = Counter("earshot_origins_refused_total", "Calls refused because of their origin")
#: What a caller may invent is not counted by name: every name is kept for ever (RFC 9110, 9.1; RFC 5789).
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})


def configure_logs(level: str) -> None:
    """One JSON object a line on stderr, for our own log and for those of the libraries."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.dict_tracebacks,
        _no_values,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for chatty in ("huey", "peewee", "peewee.migrations"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def _no_values(_: Any, __: str, event: dict[str, Any]) -> dict[str, Any]:
    # A traceback's last line quotes values (a duplicate key's, a failing parse's): only the class stays.
    for exception in event.get("exception") or []:
        if isinstance(exception, dict):
            exception["exc_value"] = ""
            for frame in exception.get("frames", []):
                frame.pop("locals", None)
    return event


def install(app: Flask) -> None:
    """Count and log every request by its route's pattern: paths hold tokens, queries hold addresses."""

    @app.before_request
    def start() -> None:
        g.started = time.perf_counter()

    @app.after_request
    def finish(answer: Response) -> Response:
        rule = request.url_rule
        method = request.method if request.method in METHODS else "other"
        began = g.get("started", time.perf_counter())
        answered(rule.rule if rule else "none", method, answer.status_code, began, context.request_id())
        return answer


def answered(route: str, method: str, status: int, began: float, request_id: str) -> None:
    """Count an answer to a call that `began` at a moment of `time.perf_counter`, and log it where that is wanted."""
    seconds = time.perf_counter() - began
    requests, times = _counters(route, method, status)
    requests.inc()
    times.observe(seconds)
    # Every answer costs a line; what is counted above need not be written down as well.
    if status >= 500 or log.isEnabledFor(logging.DEBUG):
        log.info(
            "request",
            route=route,
            method=method,
            status=status,
            ms=round(seconds * 1000, 1),
            request_id=request_id,
        )


@functools.lru_cache(maxsize=4096)
def _counters(route: str, method: str, status: int) -> tuple[Any, Any]:
    """Looking a counter up by its labels takes longer than counting."""
    return REQUESTS.labels(route, method, status), SECONDS.labels(route)


def exposition(
    gauges: Mapping[str, Mapping[str, int] | int], events: Mapping[str, int] | None = None
) -> tuple[bytes, str]:
    """All counters, of all web processes when there are several, and `gauges`: by name, a number or one by state.

    `events`: how many of each type were ever told, None when that is not known now.
    """
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)
        counted = generate_latest(registry)
    else:
        counted = generate_latest(REGISTRY)
    return counted + _standing(gauges) + _told(events) + _shown(), CONTENT_TYPE_LATEST


def _told(events: Mapping[str, int] | None) -> bytes:
    """What is counted in the database, because the worker counts it and nobody asks the worker."""
    if events is None:
        return b""
    family = CounterMetricFamily("earshot_events", "Events queued for webhooks", labels=["type"])
    for type_, count in events.items():
        family.add_metric([type_], count)
    registry = CollectorRegistry()
    registry.register(_Given(family))
    return generate_latest(registry)


class _Given(Collector):
    """Collects what is there already."""

    def __init__(self, *families: Metric) -> None:
        self._families = families

    def collect(self) -> list[Metric]:
        return [*self._families]


#: What other parts of the house have to show, by the name of what shows it: asked for at each call.
_SHOWN: dict[str, Callable[[], Iterable[Metric]]] = {}


def show(name: str, families: Callable[[], Iterable[Metric]]) -> None:
    """Have more families exposed: `families` gives them at each call, none where the database cannot be asked."""
    _SHOWN[name] = families


def _shown() -> bytes:
    registry = CollectorRegistry()
    registry.register(_Given(*(family for families in _SHOWN.values() for family in families())))
    return generate_latest(registry)


def _standing(gauges: Mapping[str, Mapping[str, int] | int]) -> bytes:
    """What is the same whichever process is asked, so that no process keeps it."""
    registry = CollectorRegistry()
    for name, by_state in gauges.items():
        if isinstance(by_state, int):
            Gauge(f"earshot_{name}", name.replace("_", " ").capitalize(), registry=registry).set(by_state)
            continue
        gauge = Gauge(f"earshot_{name}", f"{name.capitalize()} by state", ["state"], registry=registry)
        for state, count in by_state.items():
            gauge.labels(state).set(count)
    return generate_latest(registry)
