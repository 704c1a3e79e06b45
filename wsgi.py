"""Puts the service together: settings, database, routes, listeners, commands."""

import gc
import os

# What the modules make lives as long as the process. Looking through it for garbage again and again took a fifth of
# each start, a third of each end, and 0.1 s out of the middle of an answer now and then.
gc.disable()

from flask import Flask

import feedback.commands
import feedback.dashboard
import feedback.views
import feedback.views.exposed
import feedback.views.reader
import surveys.commands.service
import surveys.views
from feedback import listening
from surveys import daily_counts, duties, links, reactions
from surveys.base import cli, db, delivery, settings, signing, worker
from surveys.base.http import app as web_app
from surveys.base.http import audited, limits, observe, signed_in
from surveys.commands import data
from surveys.keeping import erasure
from surveys.views import layout, short_way

gc.freeze()
gc.enable()


def create_app(environ: dict[str, str] | None = None) -> Flask:
    """The application, from the settings in `environ` (default: the process environment).

    Raises SettingsError for a setting that cannot be used. Opens no connection: commands that need no
    database run without one, and `/readyz` says what is missing.
    """
    # Databases, mail and backups hold what people said: files we make are for nobody else on this machine.
    os.umask(0o077)
    chosen = settings.read(environ)
    app = web_app.Application(
        "earshot", static_folder=None, template_folder="surveys/templates", root_path=str(settings.ROOT)
    )
    observe.configure_logs(chosen.log_level)
    signing.use_secret(lambda: chosen.secret_key, chosen.secret_keys_before)
    links.use_base_url(chosen.base_url)
    links.use_bounce_address(chosen.bounce_address)
    daily_counts.use_time_zone(chosen.time_zone)
    delivery.install(chosen)
    erasure.use_directory(chosen.data_dir)
    db.open_database(chosen)
    app.extensions["limiter"] = limits.Limiter(chosen)
    duties.install(app.extensions["limiter"], chosen)
    web_app.install(app, chosen)
    observe.install(app)
    signed_in.install(app)
    audited.install(app)
    web_app.route(app, [*surveys.views.BLUEPRINTS, *feedback.views.BLUEPRINTS])
    layout.install(app)
    app.register_blueprint(feedback.dashboard.BLUEPRINT)
    feedback.views.reader.install(app)
    feedback.views.exposed.install()
    app.wsgi_app = short_way.ShortWay(app)  # type: ignore[method-assign]
    worker.install(chosen)
    reactions.install()
    listening.install()
    surveys.commands.service.install(app)
    data.install(app)
    feedback.commands.install(app)
    cli.install(app, chosen)
    return app
