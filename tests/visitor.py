"""A browser without scripts: it keeps cookies, fills the forms it is shown, and says where they come from."""

import re
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

from surveys import team
from surveys.base import clock
from surveys.base.accounts import members, one_time_links, passwords
from surveys.base.accounts.audit import AuditEntry
from surveys.base.accounts.members import Member

PASSWORD = "seven blue otters"
ORIGIN = "http://localhost"


#: Forms that change nothing of the team's: what one has read, a password given again, a decision only asked for.
_UNWRITTEN = ("/read", "/confirm", "/reset", "/triggers")


#: What was made shows in addresses.
_MADE_UP = re.compile(r"[0-9a-f-]{36}|(?<=_)[0-9a-z]{24}")

#: Pages that forms led to and that were opened since.
_FOLLOWED: set[str] = set()


def _lines() -> int:
    return AuditEntry.select().count()


class _Forms(HTMLParser):
    """The forms of a page: address, and the fields with their values."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str | None, dict[str, str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Each form, and each field in it."""
        given = dict(attrs)
        if tag == "form":
            self.found.append((given.get("action"), {}))
        elif tag in ("input", "textarea") and self.found and given.get("name"):
            chosen = given.get("type") not in ("checkbox", "radio") or "checked" in given
            if chosen and given.get("type") != "submit":
                self.found[-1][1][str(given["name"])] = given.get("value") or ""


def forms_on(answer: Any) -> list[tuple[str | None, dict[str, str]]]:
    """The forms of an answer: where each goes (None: to the page itself) and what is in it."""
    parser = _Forms()
    parser.feed(answer.get_data(as_text=True))
    return parser.found


class _Filled(_Forms):
    """Forms as a browser would send them: also what is chosen of lists, and the text of areas."""

    _choice = _area = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Each list begins with its first choice."""
        super().handle_starttag(tag, attrs)
        given = dict(attrs)
        if tag == "select":
            self._choice = given.get("name") or ""
        elif tag == "textarea":
            self._area = given.get("name") or ""
        elif tag == "option" and self._choice and self.found:
            fields = self.found[-1][1]
            if "selected" in given or self._choice not in fields:
                fields[self._choice] = given.get("value") or ""

    def handle_endtag(self, tag: str) -> None:
        """A list or an area is over."""
        if tag == "select":
            self._choice = ""
        elif tag == "textarea":
            self._area = ""

    def handle_data(self, data: str) -> None:
        """What stands in an area."""
        if self._area and self.found:
            self.found[-1][1][self._area] += data


def filled(answer: Any, **having: str) -> dict[str, str]:
    """The form of a page that has these fields with these values, with all that a browser would send of it."""
    parser = _Filled()
    parser.feed(answer.get_data(as_text=True))
    return next(given for _, given in parser.found if having.items() <= given.items())


def pressed(client: Any, page: str, headers: Any = None, **fields: Any) -> Any:
    """Send the form on a page whose address is a secret, as its reader would: with the hidden token on it."""
    (_, given), *_ = forms_on(client.get(page))
    return client.post(page, data={"token": given["token"], **fields}, headers=headers)


class Visitor:
    """One browser at the service of a world."""

    def __init__(self, world: Any, base: str = ORIGIN) -> None:
        self.base, self.client = base, world.app.test_client()

    def get(self, address: str, **options: Any) -> Any:
        """Open a page."""
        return self.client.get(address, base_url=self.base, **options)

    def forms(self, address: str) -> list[tuple[str | None, dict[str, str]]]:
        """The forms on a page."""
        return forms_on(self.get(address))

    def send(self, address: str, on: str | None = None, **fields: Any) -> Any:
        """Fill the form that is sent to `address`, as it stands on the page `on` (default: at that address)."""
        on = on or address
        given = next(
            (
                each
                for action, each in self.forms(on)
                # What only asks for another view has no token.
                if "token" in each and (action or on).partition("?")[0] == address.partition("?")[0]
            ),
            {},
        )
        return self.post(address, {**given, **fields})

    def post(self, address: str, fields: dict[str, Any], **headers: Any) -> Any:
        """Send a form as a page of ours would. One that was done leaves a line in the audit log."""
        told = {"Origin": self.base, "Sec-Fetch-Site": "same-origin", **headers}
        before = _lines()
        answer = self.client.post(
            address, base_url=self.base, data=fields, headers={n: v for n, v in told.items() if v is not None}
        )
        path = answer.request.path
        if answer.status_code == 303 and not path.endswith(_UNWRITTEN):
            led = urlsplit(answer.headers["Location"]).path
            assert _lines() > before or led.startswith("/team/sign-in"), f"no line in the audit log of {path}"
        if answer.status_code == 303:
            self._follow(answer.headers["Location"])
        return answer

    def _follow(self, address: str) -> None:
        """A page that is to say what was done can be opened; one of a kind is enough."""
        kind = _MADE_UP.sub("", address)
        if re.search(r"[?&](did|done)=", address) and kind not in _FOLLOWED:
            _FOLLOWED.add(kind)
            # What is shown once lies in a cookie.
            before = dict(self.client._cookies or {})
            assert self.get(address).status_code < 400, f"{address} cannot be opened"
            self.client._cookies = before

    def sign_in(self, email: str, password: str = PASSWORD, **more: Any) -> Any:
        """Sign in by the form."""
        return self.send("/team/sign-in", email=email, password=password, **more)

    @property
    def secret(self) -> str | None:
        """What the cookie holds."""
        name = "__Host-earshot" if self.base.startswith("https") else "earshot"
        host = self.base.partition("//")[2].partition(":")[0]
        cookie = self.client.get_cookie(name, domain=host)
        return cookie.value if cookie else None


_hash = None


def member(role: str = "administrator", email: str | None = None, **values: Any) -> Member:
    """A member who has joined with PASSWORD."""
    global _hash
    _hash = _hash or passwords.hashed(PASSWORD)
    made = members.invite({"email": email or f"{role}@acme.example", "role": role, **values}, clock.now())
    members.join(made.id, values.get("name") or role.title(), _hash, clock.now())
    return members.get(made.id)  # type: ignore[return-value]


def signed_in(world: Any, role: str = "administrator", **values: Any) -> Visitor:
    """A browser in which a new member of this role is signed in."""
    visitor = Visitor(world)
    answer = visitor.sign_in(member(role, **values).email)
    assert answer.status_code == 303, answer.get_data(as_text=True)
    return visitor


def welcome_path(found: Member) -> str:
    """The address of a new invitation, without its host."""
    return team.link(one_time_links.WELCOME, found, clock.now()).removeprefix(ORIGIN)
