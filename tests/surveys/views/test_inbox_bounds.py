"""No call to /in takes long, whatever its bytes: what foreign bytes may hold is counted before they are parsed."""

import copy
import json

import pytest

from surveys.helpdesks import HELPDESKS
from surveys.helpdesks.helpdesk import Call, Event
from surveys.mailreports import REPORTERS
from tests import effort
from tests.conftest import ON_SQLITE
from tests.surveys.bombs import BODIES, MEBIBYTE, TEXTS, VALUES
from tests.surveys.helpdesks.cases import BACK, NAMES, connection, payload, recorded, source
from tests.surveys.mailreports import senders

#: What a mebibyte may take, about 0.2 seconds (`effort.units`).
MOST = 20

SECRET = "a secret that comes along with the call"


@ON_SQLITE
@pytest.mark.parametrize("kind", ["generic", "freshdesk", "intercom", *REPORTERS])
def test_no_body_of_a_mebibyte_takes_long(client, api, make, kind):
    about = {"survey": make.survey().id} if kind in HELPDESKS else {}
    body = {"name": kind, "kind": kind, "secret": SECRET, "proof": "shared", **about}
    path = api.post("/api/connections", body)["url"].removeprefix("http://localhost")
    for name, made in BODIES.items():
        raw = made()
        assert 0.85 * MEBIBYTE < len(raw) <= MEBIBYTE, name

        def send(raw=raw):
            answer = client.post(path, data=raw, query_string={"k": SECRET})
            assert answer.status_code == 200, answer.text

        assert effort.units(send, MOST) < MOST, name


@ON_SQLITE
@pytest.mark.parametrize("kind", ["ses", "sendgrid", "mailgun", "dsn", "zendesk", "front", "chatwoot"])
def test_no_body_of_a_mebibyte_takes_long_without_proof(client, api, make, kind):
    secrets = {"sendgrid": senders.sendgrid_secret(), "ses": senders.TOPIC}
    about = {"survey": make.survey().id} if kind in HELPDESKS else {}
    body = {"name": kind, "kind": kind, "secret": secrets.get(kind, SECRET), **about}
    path = api.post("/api/connections", body)["url"].removeprefix("http://localhost")
    for name, made in BODIES.items():
        raw = made()

        def send(raw=raw):
            assert client.post(path, data=raw).status_code == 401

        assert effort.units(send, MOST) < MOST, name


@pytest.mark.parametrize("kind", HELPDESKS)
def test_every_helpdesk_reads_any_body_in_no_time(kind):
    for name, made in BODIES.items():
        call = Call.of("POST", {"content-type": "text/plain"}, made())

        def work(call=call):
            HELPDESKS[kind].read(call, connection(kind))

        assert effort.units(work, MOST) < MOST, name


def places(data, path=()):
    """The path of every value of a payload."""
    for key, value in data.items() if isinstance(data, dict) else enumerate(data):
        yield (*path, key)
        if isinstance(value, dict | list):
            yield from places(value, (*path, key))


def at(data, path):
    for step in path:
        data = data[step]
    return data


def read(kind, headers, data):
    """The effort of reading a payload, and of knowing whom to ask for more."""
    raw = json.dumps(data, ensure_ascii=False).encode("utf-8", "surrogatepass")
    assert len(raw) <= MEBIBYTE
    desk = connection(kind, write_back=BACK)

    def work():
        said = HELPDESKS[kind].read(Call.of("POST", headers, raw), desk)
        if isinstance(said, Event):
            HELPDESKS[kind].lookup(said, desk)

    return effort.units(work, MOST)


CALLS = [name for name in NAMES if source(name) in HELPDESKS and name != "front-sync_challenge"]

#: What makes an event one that is read to the end.
KEPT = ("type", "event", "topic", "id", "ticket_id", "status", "state", "triggered_event")


@pytest.mark.parametrize("name", CALLS)
def test_no_value_in_a_call_takes_long(name):
    call, original = recorded(name)[0], payload(name)
    leaves = [path for path in places(original) if not isinstance(at(original, path), dict | list)]
    changed = [path for path in leaves if path[-1] not in KEPT]
    for what, text in TEXTS.items():
        size = len(json.dumps(text[:100], ensure_ascii=False).encode()) / 100
        longest = int((MEBIBYTE - 40_000) / size / max(len(changed), 1))
        data = copy.deepcopy(original)
        for path in changed:
            at(data, path[:-1])[path[-1]] = text[:longest]
        assert read(source(name), call.headers, data) < MOST, what
    for path in places(original):
        if at(original, path) and isinstance(at(original, path), list):
            for what, value in VALUES.items():
                data = copy.deepcopy(original)
                at(data, path[:-1])[path[-1]] = value
                assert read(source(name), call.headers, data) < MOST, (path, what)


@pytest.mark.parametrize("name", CALLS)
def test_no_type_in_any_place_of_a_call_is_a_fault(name):
    call, original, desk = recorded(name)[0], payload(name), connection(source(name))
    for path in places(original):
        for value in ([], [[]], {}, {"a": {}}, 1.5, True, None, "\ud800", [{"id": []}], -1, 10**40):
            data = copy.deepcopy(original)
            at(data, path[:-1])[path[-1]] = value
            HELPDESKS[source(name)].read(Call.of("POST", call.headers, json.dumps(data).encode()), desk)
