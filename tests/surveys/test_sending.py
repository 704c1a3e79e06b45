"""The process that sends mail, killed for good at each of its steps; `tests.bench.sending` does it by the hundred."""

import pytest

from tests.bench import sender, sending


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_a_sender_killed_at_each_step_sends_nothing_twice_and_hides_nothing(
    database, tmp_path, request, capsys
):
    environment = {"DATA_DIR": str(tmp_path), "ADMIN_KEY": "k" * 40, "MAIL_FROM": "Desk <desk@shop.example>"}
    if database == "postgresql":
        server = request.getfixturevalue("postgres")
        server.drop_database("sending")
        environment["DATABASE_URL"] = server.create_database("sending")
    mails = len(sender.STEPS) + 2
    assert sending.run(environment, mails, kills=0, seed=1) == []
    assert f"{mails} invitations" in capsys.readouterr().out
