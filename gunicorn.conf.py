"""How gunicorn serves Earshot; everything comes from the settings."""

import gc
import logging
import os
import shutil
import sys
import tempfile

from gunicorn.glogging import Logger

from surveys.base import settings as _settings

try:
    _chosen = _settings.read()
    _chosen.make_ready()
except _settings.SettingsError as _error:
    # Gunicorn would show where it was raised.
    _error.show()
    sys.exit(_error.exit_code)

bind = f"{_settings.in_url(_chosen.host)}:{_chosen.port}"
workers = _chosen.web_concurrency
worker_class = "gthread"
# SQLite wants one process with many threads, whose answers share a commit; PostgreSQL groups commits itself.
threads = 64 if _chosen.on_sqlite else 16
preload_app = True
# The proxy in front hangs up first (nginx after 60 s, deploy/nginx.conf): a connection that we close while it sends
# the next request on it costs that request.
keepalive = 75
graceful_timeout = 20
timeout = 60
max_requests = 0
# The access log is ours (surveys/base/http/observe.py): gunicorn's would hold addresses and tokens.
accesslog = None
errorlog = "-"
loglevel = "warning"
control_socket_disable = True
# Whoever is on this machine, a proxy with what its callers sent included, could name another path or prefix otherwise
# (gunicorn believes SCRIPT_NAME and PATH_INFO as headers from there). BASE_URL says where we are.
forwarder_headers = ""
# Of three headers that tell of TLS only the one that deploy/nginx.conf sets: two that differ are a 400.
secure_scheme_headers = {"X-FORWARDED-PROTO": "https"}
limit_request_line = 8190

_OURS = "earshot-metrics-"

if workers > 1 and "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
    # This file runs again on HUP; the directory of the first run stays.
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix=_OURS)


def on_exit(server):
    """Remove the counters with the master, and only then: a worker that ends would take them from the others."""
    counters = os.environ.get("PROMETHEUS_MULTIPROC_DIR", "")
    if os.path.basename(counters).startswith(_OURS):
        shutil.rmtree(counters, ignore_errors=True)


class logger_class(Logger):
    """Gunicorn's own words as our JSON lines, without what callers sent: request lines hold tokens."""

    def setup(self, cfg):
        """Hand everything to the log of the service."""
        # Imported late: counters choose where they live when they are first imported.
        from surveys.base.http import observe

        super().setup(cfg)
        observe.configure_logs(_chosen.log_level)
        self.error_log.handlers.clear()
        self.error_log.propagate = True
        self.error_log.addFilter(_say_nothing_of_requests)


def _say_nothing_of_requests(record: logging.LogRecord) -> bool:
    # gunicorn.workers.base.Worker.handle_error
    for beginning in ("Invalid request", "Error handling request"):
        if str(record.msg).startswith(beginning):
            record.msg, record.args = beginning, ()
    return True


def pre_fork(server, worker):
    """Leave the application, which is made by now, out of every look for garbage: see wsgi.py."""
    gc.freeze()


def child_exit(server, worker):
    """Keep a dead worker's counters in the sums."""
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        from prometheus_client import multiprocess

        multiprocess.mark_process_dead(worker.pid)
