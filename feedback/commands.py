"""What a product team's operator types: `flask --app wsgi …`."""

from flask import Flask


def install(app: Flask) -> None:
    """Add the commands to the app."""
