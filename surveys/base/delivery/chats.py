"""What the chats have in common: a message is posted to an address that is the secret itself."""

from surveys.base import delivery
from surveys.base.delivery.message import DeliveryFailed
from surveys.base.delivery.webhook import Outcome, outcome_of

#: Answers of a chat that says it is not there any more; who goes on asking is shut out (Discord, "Rate limits").
GONE = (404, 410)


def post(address: str, body: bytes) -> Outcome:
    """Try once to post a message. Raises nothing."""
    if not address:
        return Outcome(error="UnreadableSecret")
    try:
        answer = delivery.outbound().call("POST", address, body, {"Content-Type": "application/json"})
    except DeliveryFailed as error:
        return Outcome(error=str(error))
    return outcome_of(answer, GONE)
