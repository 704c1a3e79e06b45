"""For whoever runs the service: is it up, is it ready, what does it count."""

import hmac
import ipaddress
from typing import Any

from flask import Response, request

from surveys import invitations
from surveys.base import clock, db, errors, jobs
from surveys.base.db import migrations
from surveys.base.http import context, observe
from surveys.base.http.bodies import Routes
from surveys.base.http.problems import Problem
from surveys.keeping import kept_backups
from surveys.schemas.operators import Alive, Ready
from surveys.webhooks import telling

#: What proxies add to what they pass on, beside X-Forwarded-For and its kin (RFC 7239; RFC 9110, 7.6.3; RFC 8586).
_BY_PROXIES = frozenset(
    {"forwarded", "via", "cdn-loop", "x-real-ip", "x-client-ip", "x-cluster-client-ip", "true-client-ip"}
    | {"cf-connecting-ip", "fastly-client-ip", "x-original-forwarded-for", "x-envoy-external-address"}
    | {
        "cf-ray",
        "fly-client-ip",
        "x-azure-clientip",
        "x-appengine-user-ip",
        "x-proxyuser-ip",
        "x-amzn-trace-id",
    }
    | {"x-varnish", "x-original-host", "x-original-url", "x-scheme", "x-nginx-proxy"}
)

routes = Routes("operators", __name__, description="For operators.")


@routes.route("/healthz", methods=["GET"])
@routes.response(200, Alive)
def healthz() -> Any:
    """The process is up."""
    return {"status": "ok"}


@routes.route("/readyz", methods=["GET"])
@routes.response(200, Ready)
@routes.doc(responses={"503": {"description": "Not ready; says what is missing."}})
def readyz() -> Any:
    """Ready for traffic: the database answers, all migrations are applied, and the tables are those of this version."""
    try:
        missing = [f"migration {name} is not applied" for name in migrations.pending()]
        db.check()
        missing_text = missing or migrations.differences()
    except db.FAILURES:
        db.forget_connection()
        missing_text = ["the database cannot be reached"]
    except db.WrongDatabase as error:
        missing_text = [str(error)]
    if missing_text:
        raise Problem(503, "Not ready: " + "; ".join(missing_text) + ".", headers={"Retry-After": "2"})
    return {"status": "ready", "backup": _backup()}


@routes.route("/metrics", methods=["GET"])
@routes.doc(responses={"200": {"description": "Prometheus text format.", "content": {"text/plain": {}}}})
def metrics() -> Response:
    """Counters for Prometheus; with METRICS_TOKEN, or from this machine and through no proxy. Else a 404."""
    if not (_has_token() or _is_local()):
        raise errors.Missing
    body, content_type = observe.exposition(_standing(), _told())
    return Response(body, content_type=content_type)


def _backup() -> dict[str, Any] | None:
    found = kept_backups.state(context.settings())
    if found is None:
        return None
    return {"at": clock.stamp(found.at) if found.at else None, "failed": found.failed}


def _standing() -> dict[str, dict[str, int] | int]:
    """What somebody may have to look at: backups, and jobs and invitations that are not done, as far as the database
    can be asked."""
    standing: dict[str, dict[str, int] | int] = {}
    if backups := kept_backups.state(context.settings()):
        standing["backup_failed"] = int(backups.failed)
        if backups.at:
            standing["backup_age_seconds"] = int((clock.now() - backups.at).total_seconds())
    try:
        standing |= {"jobs": jobs.backlog(clock.now()), "invitations": invitations.open_counts()}
    except db.FAILURES:
        db.forget_connection()
    return standing


def _told() -> dict[str, int] | None:
    try:
        return telling.totals()
    except db.FAILURES:
        db.forget_connection()
        return None


def _has_token() -> bool:
    token = context.settings().metrics_token
    kind, _, given = request.headers.get("Authorization", "").partition(" ")
    is_bearer = kind.lower() == "bearer"
    return bool(token) and is_bearer and hmac.compare_digest(given.strip().encode(), (token or "").encode())


def _is_local() -> bool:
    # A proxy on this machine also comes from loopback; it announces itself by one of these headers.
    if any(
        name.lower() in _BY_PROXIES or name.lower().startswith("x-forwarded") for name, _ in request.headers
    ):
        return False
    try:
        return ipaddress.ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        return False
