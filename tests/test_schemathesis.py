"""The OpenAPI document, held against the service by schemathesis with all its checks."""

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.config import SchemathesisConfig

from tests.conftest import ADMIN_KEY, ON_SQLITE

#: For each operation and mode; the same ones every time.
EXAMPLES, MANY = 3, 12

#: What a request may get that fits the document. 422: no schema can say which cursors are ours, that a score must
#: fit the survey's own scale, or that no text may hold NUL.
TAKEN = ["2xx", "3xx", 401, 403, 404, 409, 422, 429]
REFUSED = [400, 401, 403, 404, 405, 409, 413, 415, 422, 429]


@ON_SQLITE
@pytest.mark.timeout(600)
@pytest.mark.parametrize("mode", GenerationMode)
def test_every_operation_keeps_to_the_document(world, make, mode):
    hold_all(world, make, mode, EXAMPLES)


@pytest.mark.prove
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("mode", GenerationMode)
def test_every_operation_keeps_to_the_document_whatever_is_sent(world, make, mode):
    hold_all(world, make, mode, MANY)


def hold_all(world, make, mode, examples):
    """Call every operation of the document with made-up cases of a mode."""
    make.response(make.survey(), 9, comment="fine")
    checks = {"positive_data_acceptance": TAKEN, "negative_data_rejection": REFUSED}
    config = SchemathesisConfig.from_dict(
        {"checks": {check: {"expected-statuses": statuses} for check, statuses in checks.items()}}
    )
    schema = schemathesis.openapi.from_wsgi("/api/openapi.json", world.app, config=config)
    tried, broken = set(), {}
    for result in schema.get_all_operations():
        operation = result.ok()
        tried.add(operation.label)
        try:
            _hold(operation, mode, examples)
        except Unsatisfiable:
            # An operation without parameters has nothing that could be wrong.
            assert mode.is_negative, operation.label
        except schemathesis.errors.SchemathesisError as error:
            broken[operation.label] = str(error)
        except BaseExceptionGroup as group:
            broken[operation.label] = "\n".join(map(str, group.exceptions))
    assert {"POST /r", "GET /api/feed", "GET /api/metrics", "PATCH /api/surveys/{survey_id}"} <= tried
    assert not broken, "\n\n".join(f"{label}\n{text}" for label, text in broken.items())


def _hold(operation, mode, examples):
    """Call one operation with made-up cases of a mode, with a key."""

    @settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def attempt(case):
        case.call_and_validate(headers={"Authorization": f"Bearer {ADMIN_KEY}"})

    attempt()
