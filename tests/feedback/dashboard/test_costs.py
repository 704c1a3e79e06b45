"""What the team's pages cost: as many statements for twelve of everything as for two."""

import uuid
from datetime import timedelta

from playhouse.test_utils import count_queries

from feedback.dashboard import registry
from feedback.models import Placement, Topic
from surveys.base import clock
from surveys.models import Connection, Invitation, Trigger
from tests.conftest import ADMIN_KEY, ON_SQLITE

#: What a page may ask once more where there is more, as for another kind of thing that it had not met before.
SPARE = 2

MORE = 10

#: The overview draws a card of each of at most twenty surveys, from so many statements.
A_CARD = {"/team": 10}


def more_of_everything(make, count):
    """As much again: surveys with an answer, its topic, an ask and a connection with its receipt, and keys."""
    now = clock.now()
    for number in range(count):
        mark = uuid.uuid4().hex
        survey = make.survey(allowed_origins=[f"https://{mark}.example"], segments=["plan"])
        person = {"id": mark, "name": f"Kim {mark}", "company": f"Company {mark}"}
        row = make.response(survey, number % 11, comment=f"The parcel {mark} came late.", person=person)
        Topic.create(id=f"top_{mark}", label=f"Parcels {mark}", created_at=now)
        Placement.create(response=row.key, topic=f"top_{mark}", main=True, evidence=["parcel"])
        Invitation.create(
            id=f"inv_{mark}", survey=survey.id, channel="email", status="sent", person=row.person_id,
            created_at=now - timedelta(days=2), sent_at=now - timedelta(days=1), answered_at=now,
        )  # fmt: skip
        Connection.create(
            id=f"con_{mark}",
            name=mark,
            kind="generic",
            survey=survey,
            secret=mark,
            skip_tags=[],
            created_at=now,
            proof="shared",
        )
        Trigger.create(
            id=f"tr_{mark}", survey=survey, decision="ignored", connection_id=f"con_{mark}", created_at=now
        )
        make.key("read", surveys=[survey.id])


@ON_SQLITE
def test_no_page_asks_more_where_there_is_more(world, make):
    addresses = [each.address for each in registry.PAGES if each.is_plain and each.scope is not None]

    def costs():
        found = {}
        for address in addresses:
            headers = {"Authorization": f"Bearer {ADMIN_KEY}", "Accept": "text/html"}
            with count_queries() as counted:
                status = world.client.get(address, headers=headers).status_code
            found[address] = (counted.count, status)
        return found

    more_of_everything(make, 2)
    world.work()
    costs()
    few = costs()
    more_of_everything(make, MORE)
    world.work()
    many = costs()
    assert {status for _, status in few.values()} <= {200, 303, 403}
    grown = {
        address: (few[address][0], count)
        for address, (count, _) in many.items()
        if count > few[address][0] + SPARE + MORE * A_CARD.get(address, 0)
    }
    assert grown == {}
