"""Whether the process lives, whether it can serve, and how much it has served.

``/health/live`` and ``/health/ready`` are open to everybody and tell nothing worth hiding. ``/metrics`` answers
this machine only, or whoever shows ``lms.metrics.token``; for others it does not exist. Where several processes
serve one port, PROMETHEUS_MULTIPROC_DIR names the folder in which they add up their counts.
"""

import hmac
import ipaddress
import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import orjson
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED
from pyramid.tweens import EXCVIEW
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from lms_core.kernel.errors import NotFound
from lms_core.kernel.headers import client_address
from lms_core.kernel.logging import request_target
from lms_core.kernel.migrations import current, heads
from lms_core.kernel.opensearch import OpenSearchAddress

if TYPE_CHECKING:
    from pyramid.config import Configurator
    from pyramid.registry import Registry

    from lms_core.kernel.core import Core
    from lms_core.kernel.request import Request

Handler = Callable[["Request"], Response]

_BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_MULTIPROCESS = "PROMETHEUS_MULTIPROC_DIR"


class Metrics:
    """The process' counters, on ``registry.metrics``; a plugin may register its own on ``collectors``."""

    def __init__(self) -> None:
        self.collectors = CollectorRegistry()
        labels = ("view", "method", "status")
        self.requests = Counter("lms_requests", "Requests answered", labels, registry=self.collectors)
        self.seconds = Histogram(
            "lms_request_seconds", "Time to answer", ("view", "method"), registry=self.collectors, buckets=_BUCKETS
        )

    def page(self) -> bytes:
        """The counts in Prometheus' text format: of all processes where they share a folder."""
        if _MULTIPROCESS not in os.environ:
            return generate_latest(self.collectors)
        together = CollectorRegistry()
        MultiProcessCollector(together)  # type: ignore[no-untyped-call]  # prometheus_client left it untyped.
        return generate_latest(together)


_OPENSEARCH_TIMEOUT = 1.0
"""Seconds: who asks whether we are ready waits no longer, and asks again."""
_OPENSEARCH_EVERY = 5.0
"""Seconds between two questions to OpenSearch, whoever asks us however often."""


class Readiness:
    """The checks behind ``/health/ready``. That the schema is at its head is asked until it once was."""

    def __init__(self, core: "Core") -> None:
        self._core = core
        self._migrated = False
        self._opensearch = OpenSearchAddress.from_settings(core.settings)
        self._opensearch_state, self._opensearch_asked = "", 0.0

    def checks(self) -> dict[str, str]:
        """``ok`` or what is wrong, for each thing that must be there."""
        report = {"database": "ok", "migrations": "ok", "broker": "ok"}
        try:
            with self._core.reader() as connection:
                connection.execute(text("SELECT 1"))
                if not self._migrated:
                    wanted = heads(self._core.plugins.gather("lms_migrations"))
                    self._migrated = current(connection) == wanted
            if not self._migrated:
                report["migrations"] = "behind; run lms db upgrade"
        except SQLAlchemyError:
            report["database"] = report["migrations"] = "no answer"
        if not self._core.settings.text("lms.broker.url"):
            report["broker"] = "not configured"
        return report

    def extras(self) -> dict[str, str]:
        """The same for what can be missing without keeping people from learning."""
        if self._opensearch is None:
            return {}
        now = time.monotonic()
        if not self._opensearch_state or now - self._opensearch_asked >= _OPENSEARCH_EVERY:
            self._opensearch_asked = now  # First, so that others take what was last known and do not wait, too.
            self._opensearch_state = self._opensearch.state(_OPENSEARCH_TIMEOUT)
        return {"opensearch": self._opensearch_state}


def live(_request: "Request") -> Response:
    return _answer(200, {"status": "ok"})


def ready(request: "Request") -> Response:
    """503 names what is missing. A broker that is down is no reason: events wait in the outbox.

    Nor is OpenSearch: without it the status is ``degraded``, and 200, since other processes would lack it as well.
    """
    readiness: Readiness = request.registry.readiness
    checks, extras = readiness.checks(), readiness.extras()
    fine, whole = (all(state == "ok" for state in each.values()) for each in (checks, extras))
    status = "unavailable" if not fine else "ok" if whole else "degraded"
    return _answer(200 if fine else 503, {"status": status, "checks": {**checks, **extras}})


def metrics(request: "Request") -> Response:
    if not _may_read_metrics(request):
        raise NotFound()
    return Response(body=request.registry.metrics.page(), headerlist=[("Content-Type", CONTENT_TYPE_LATEST)])


def _may_read_metrics(request: "Request") -> bool:
    token = request.core.settings.text("lms.metrics.token")
    if token:
        given = request.environ.get("HTTP_AUTHORIZATION", "").partition(" ")[2]
        return hmac.compare_digest(given.encode(), token.encode())
    # Behind a proxy on this machine everybody comes from here; a proxy gives itself away by its header.
    return (
        "HTTP_X_FORWARDED_FOR" not in request.environ
        and "HTTP_FORWARDED" not in request.environ
        and ipaddress.ip_address(client_address(request)).is_loopback
    )


def _answer(status: int, document: Any) -> Response:
    return Response(body=orjson.dumps(document), status=status, content_type="application/json", charset=None)


def metrics_tween(handler: Handler, registry: "Registry") -> Handler:
    """Count each request and its time, by view, method and status."""
    requests, seconds = registry.metrics.requests, registry.metrics.seconds

    def tween(request: "Request") -> Response:
        began = time.perf_counter()
        status = 500
        try:
            response = handler(request)
            status = response.status_int
            return response
        finally:
            target, method = request_target(request), request.environ["REQUEST_METHOD"]
            if method not in _METHODS:
                method = "other"
            requests.labels(target, method, status).inc()
            seconds.labels(target, method).observe(time.perf_counter() - began)

    return tween


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def includeme(config: "Configurator") -> None:
    config.registry.metrics = Metrics()
    config.registry.readiness = Readiness(config.registry.core)
    for name, path, view in (
        ("health_live", "/health/live", live),
        ("health_ready", "/health/ready", ready),
        ("metrics", "/metrics", metrics),
    ):
        config.add_route(name, path, request_method=("GET", "HEAD"))
        config.add_view(view, route_name=name, permission=NO_PERMISSION_REQUIRED)
    config.add_tween(
        "lms_core.kernel.health.metrics_tween", under="lms_core.kernel.logging.request_log_tween", over=EXCVIEW
    )
