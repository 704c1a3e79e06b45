"""Who reports what became of a mail, one file each: proof, and reading bounces, complaints and unsubscribing.

Beside them stands what they share: `report` (the values, and how an invitation is found again).
"""

from surveys.mailreports import dsn, mailgun, postmark, sendgrid, ses
from surveys.mailreports.report import Reporter

REPORTERS: dict[str, Reporter] = {
    "dsn": dsn,
    "ses": ses,
    "sendgrid": sendgrid,
    "mailgun": mailgun,
    "postmark": postmark,
}
