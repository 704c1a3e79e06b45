"""A bare peer that keeps nothing: what gunicorn and Flask alone take of an answer, and so the ceiling of the others."""

import itertools

from flask import Flask, request


def create_app() -> Flask:
    """The application; gunicorn calls this in its one worker."""
    app = Flask(__name__)
    numbers = itertools.count(1)

    @app.post("/r")
    def record():
        answer = request.get_json()
        score = answer["score"]
        if type(score) is not int or not 0 <= score <= 10:
            return {"error": "score"}, 422
        # In C, and so exact among threads.
        next(numbers)
        return {"id": answer["id"], "score": score}, 201

    @app.get("/readyz")
    def ready():
        return {}

    @app.get("/count")
    def count():
        return str(next(numbers) - 1), {"Content-Type": "application/json"}

    return app
