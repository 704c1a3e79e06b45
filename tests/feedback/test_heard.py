"""What was heard of is heard once and in time: webhooks and digests whose sender is killed, and beside who is dead."""

import pytest

from tests.bench import client, digesting, telling

pytestmark = [pytest.mark.prove, pytest.mark.timeout(0)]


@pytest.fixture
def environment(tmp_path):
    return {
        "DATA_DIR": str(tmp_path),
        "ADMIN_KEY": client.ADMIN_KEY,
        "MAIL_FROM": "Desk <desk@shop.example>",
        "LOG_LEVEL": "ERROR",
    }


def test_no_event_is_lost_or_late_when_its_sender_is_killed(environment):
    assert telling.run(environment, events=2_000, kills=200, seed=1) == []


def test_nobody_waits_for_an_endpoint_that_is_dead(environment):
    assert telling.beside(environment, events=2_000, pace=10) == []


def test_no_digest_is_sent_twice_when_its_sender_is_killed(environment):
    assert digesting.run(environment, days=60, readers=5, kills=50, seed=1) == []
