"""Members under the one form of their address, and who made a saved view."""

import unicodedata

import idna
import structlog

log = structlog.get_logger()


def up(migrator, db):
    """Where two members have one address, both keep their spellings: each still signs in by the own one.

    Nothing tells who made the views of members that are there; they stay the service's.
    """
    respell = "UPDATE member SET email = ? WHERE id = ?".replace("?", db.param)
    db.execute_sql('ALTER TABLE saved_feed ADD COLUMN "made_by" TEXT')
    db.execute_sql("UPDATE saved_feed SET made_by = api_key WHERE api_key <> ''")
    # Whoever joined first comes first.
    found = db.execute_sql(
        "SELECT id, email FROM member ORDER BY joined_at IS NULL, joined_at, id"
    ).fetchall()
    taken = {email for _, email in found}
    for member, email in found:
        kept = _normal(email)
        if kept == email:
            continue
        if kept in taken:
            log.warning("two members have one address, each in a spelling of its own", member=member)
            continue
        taken.add(kept)
        db.execute_sql(respell, (kept, member))


def down(migrator, db):
    """Addresses stay in A-labels, and are then typed so; who made a view is lost."""
    db.execute_sql('ALTER TABLE saved_feed DROP COLUMN "made_by"')


# The form of an address, as it was when this was written.


def _normal(address):
    typed = address.strip().lower()
    if typed.isascii():
        return typed.rstrip(".") or address
    local, at, domain = typed.rpartition("@")
    return _lower(local) + at + _domain(domain) if at else _lower(typed)


def _lower(text):
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).lower())


def _domain(domain):
    if domain.isascii():
        return domain.strip().rstrip(".")
    try:
        return idna.encode(domain.strip(), uts46=True).decode().rstrip(".")
    except idna.IDNAError:
        pass
    try:
        mapped = idna.uts46_remap(domain.strip(), std3_rules=False)
    except idna.IDNAError:
        return _lower(domain).rstrip(".")
    return ".".join(_label(label) for label in mapped.split(".")).rstrip(".")


def _label(label):
    plain = label.isascii() or label[0] == "-" or label[-1] == "-"
    return label if plain else "xn--" + label.encode("punycode").decode()
