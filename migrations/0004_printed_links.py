"""Invitations behind printed rating links are unverified for good, whoever has named their ticket."""

#: The marks of printed links: "~claimed", and "~claimed:" before a resolution. No index leads there and none is
#: needed: there is one mark for each ticket that was asked about.
PRINTED = (
    "UPDATE invitation SET unverified = TRUE WHERE NOT unverified AND id IN "
    "(SELECT invitation_id FROM resolution WHERE resolution = '~claimed' OR substr(resolution, 1, 9) = '~claimed:')"
)


def up(migrator, db):
    db.execute_sql(PRINTED)


def down(migrator, db):
    """Nothing: unverified is what they are, and the version before takes it for a ticket nobody has named yet."""
