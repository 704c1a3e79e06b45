"""What the sender's domain says of its mail: SPF, DKIM and DMARC, as a name server tells them now."""

from email.utils import parseaddr

from surveys.base.delivery import dns
from surveys.base.settings import Settings
from surveys.domain import addresses
from surveys.domain import mail_records as records
from surveys.domain.mail_records import Finding


def domain_of(chosen: Settings) -> str | None:
    """The domain that mail is sent from; None where MAIL_FROM is not set."""
    return addresses.domain_of(parseaddr(chosen.mail_from or "")[1])


def findings(
    chosen: Settings, domain: str, selector: str | None, asked: tuple[str, int]
) -> dict[str, Finding]:
    """What `domain` says, by kind of record and name. Raises dns.Unanswered."""
    # SPF is asked of the envelope's domain, and counts for DMARC only within the domain that readers see.
    envelope = addresses.domain_of(chosen.bounce_address or "") if domain == domain_of(chosen) else None
    found = {f"SPF    {envelope or domain}": records.spf(dns.txt(envelope or domain, asked))}
    if selector:
        name = f"{selector}._domainkey.{domain}"
        found[f"DKIM   {name}"] = records.dkim(dns.txt(name, asked))
    else:
        found[f"DKIM   {domain}"] = Finding(False, "not looked up: set MAIL_DKIM_SELECTOR")
    found[f"DMARC  {domain}"] = _dmarc(domain, asked)
    return found


def _dmarc(domain: str, asked: tuple[str, int]) -> Finding:
    for name in records.dmarc_names(domain):
        if finding := records.dmarc(dns.txt(name, asked)):
            return finding
    return Finding(False, f'missing; begin with "v=DMARC1; p=none; rua=mailto:…" at _dmarc.{domain}')
