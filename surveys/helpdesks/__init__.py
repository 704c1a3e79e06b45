"""The helpdesks, one file each: proof, reading "solved", writing a note back.

Beside them stands what they share: `helpdesk` (the values), `reception` (the door), `proofs`, `bounds`, `body` and
`reading` (bytes and single values), `statuses` (words for solved), `notes` (words of the note),
`conversations` (Help Scout's object, which FreeScout copies).
"""

from surveys.helpdesks import (
    chatwoot,
    freescout,
    freshdesk,
    front,
    generic,
    helpscout,
    intercom,
    missive,
    zammad,
    zendesk,
)
from surveys.helpdesks.helpdesk import Helpdesk

HELPDESKS: dict[str, Helpdesk] = {
    "generic": generic,
    "zendesk": zendesk,
    "freshdesk": freshdesk,
    "intercom": intercom,
    "helpscout": helpscout,
    "front": front,
    "chatwoot": chatwoot,
    "zammad": zammad,
    "freescout": freescout,
    "missive": missive,
}
