"""Every page of the team: its title, its address, who may see it, and where it stands in the navigation.

The navigation, the access matrix and the runs of crawler and axe are made from `PAGES`.
"""

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, g, request

from feedback.dashboard import assets, layout, words
from feedback.dashboard import forms as forms_module
from surveys import visible
from surveys.base.accounts import members
from surveys.base.accounts.caller import Caller
from surveys.base.errors import Missing
from surveys.base.http import csrf, problems, signed_in
from surveys.base.http.callers import needs
from surveys.views import layout as pages_layout

#: The address that leads every member to the first page that is theirs.
ENTRANCE = "/team"

blueprint = Blueprint("team", __name__, template_folder="../templates")

#: The parts of the navigation, in their order; `words` has their names.
PARTS = ("listen", "act", "people", "ask", "admin")


@dataclass(frozen=True)
class Page:
    """One page. `scope` None: for whoever comes. `form_scope`: what sending its form takes; None: it has none.

    `nav`: the part of the navigation that it stands in; None for pages that others lead to. `place`: pages of a part
    stand in this order. `shared`: it is about what all surveys share, so it is not for who sees some of them alone.
    """

    title: str
    address: str
    scope: str | None
    nav: str | None
    icon: str
    endpoint: str
    form_scope: str | None
    forms: bool
    place: int
    shared: bool

    @property
    def is_plain(self) -> bool:
        """Whether the address names nothing, so that anybody can open it as it stands."""
        return "<" not in self.address


PAGES: list[Page] = []

View = Callable[..., Any]


def page(
    *,
    title: str,
    address: str,
    scope: str | None,
    nav: str | None = None,
    icon: str = "dot",
    forms: bool = False,
    form_scope: str | None = None,
    place: int = 50,
    shared: bool = False,
    token_page: bool = False,
) -> Callable[[View], View]:
    """Make a function the page at `address`. `forms`: it also takes POST, which ends in a 303.

    `scope`: who may see it; `form_scope`: who may send its form (default: whoever sees it). `shared`: it is kept from
    who sees some surveys alone, as its view says. `token_page`: its address is a secret, which no other site may learn.
    """
    if nav is not None and nav not in PARTS:
        raise ValueError(f"{nav!r} is no part of the navigation")

    def decorate(view: View) -> View:
        taken = forms_module.ours_alone(view, token_page)
        shown = needs(scope)(taken) if scope else taken
        sent = needs(form_scope)(taken) if form_scope else shown

        @functools.wraps(view)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return (sent if request.method == "POST" else shown)(*args, **kwargs)

        endpoint = f"{view.__module__.rpartition('.')[2]}_{view.__name__}"
        methods = ["GET", "POST"] if forms else ["GET"]
        blueprint.add_url_rule(address, endpoint, wrapper, methods=methods, provide_automatic_options=False)
        PAGES.append(
            Page(
                title,
                address,
                scope,
                nav,
                icon,
                f"{blueprint.name}.{endpoint}",
                (form_scope or scope) if forms else None,
                forms,
                place,
                shared,
            )
        )
        return wrapper

    return decorate


def form(address: str, scope: str | None = None) -> Callable[[View], View]:
    """Make a function what takes a form at `address`, without a page of its own; it ends in a 303.

    `scope`: who may send it; None: whoever comes.
    """

    def decorate(view: View) -> View:
        taken = forms_module.ours_alone(view)
        endpoint = f"{view.__module__.rpartition('.')[2]}_{view.__name__}"
        blueprint.add_url_rule(
            address,
            endpoint,
            needs(scope)(taken) if scope else taken,
            methods=["POST"],
            provide_automatic_options=False,
        )
        return view

    return decorate


def navigation() -> Iterator[tuple[str, list[Page]]]:
    """Each part of the navigation with the pages in it that the caller may see; parts without any are left out."""
    for part in PARTS:
        pages = [page for page in PAGES if page.nav == part and _is_for_caller(page)]
        if pages:
            yield part, sorted(pages, key=lambda page: page.place)


def _is_for_caller(page: Page) -> bool:
    return layout.may(page.scope) and not (page.shared and seen() is not None)


def is_current(page: Page) -> bool:
    """Whether this request is for the page or one beneath it."""
    path = request.path
    return path == page.address or (page.address != "/team" and path.startswith(page.address + "/"))


# ------------------------------------------------------------------------------------------------------


@blueprint.app_context_processor
def _for_templates() -> dict[str, Any]:
    """What the layout needs beside what its page gives it."""
    if request.blueprint != blueprint.name:
        return {}
    return {"navigation": navigation, "is_current": is_current, "csrf_token": csrf_token}


@blueprint.app_template_global()
def icons_address() -> str:
    """Where the icons are."""
    return assets.address("icons.svg")


def csrf_token() -> str:
    """What a form sends back to prove that it is one of ours."""
    return csrf.token()


@blueprint.errorhandler(Exception)
def _refused(error: Exception) -> Response:
    if isinstance(error, csrf.Stale):
        return layout.send_again(error)
    problem = problems.problem_of(error)
    found = signed_in.member() if problem.status == 403 else None
    if found is not None and signed_in.lacks_second_factor(found):
        return layout.led(layout.at(layout.SECOND_FACTOR))
    if found is not None and request.method == "GET" and request.path == ENTRANCE:
        # What everybody types and bookmarks.
        return layout.led(layout.at(members.home(found.role)))
    return layout.refusal(problem, _home(problem))


@blueprint.after_request
def _keep_private(answer: Response) -> Response:
    """Nobody keeps a copy of a page whose address is a secret, and no other site learns the address."""
    if g.get("on_token_page"):
        answer.headers["Cache-Control"] = "no-store"
        answer.headers["Referrer-Policy"] = "no-referrer"
    return answer


def _not_a_page(error: Exception) -> Response:
    """An address under /team that is no page: told as a page of the team. Of others, whoever asks reads what suits."""
    problem = problems.problem_of(error)
    if request.path == "/team" or request.path.startswith("/team/"):
        return layout.refusal(problem, _home(problem))
    return pages_layout.answered(problem)


def _home(problem: problems.Problem) -> tuple[str, str]:
    """Address and words of the link to the first page that whoever asks may open."""
    if problem.status >= 500 or (g.get("caller") is not None and g.caller.member is None):
        # The database may be what failed; and a key has no role.
        return ENTRANCE, words.say("back_to", page=words.say("overview"))
    found = signed_in.member()
    if found is None:
        return ENTRANCE, words.say("to_sign_in")
    address = members.home(found.role)
    title = next(page.title for page in PAGES if page.address == address)
    return address, words.say("back_to", page=title)


for _status in (404, 405):
    blueprint.app_errorhandler(_status)(_not_a_page)


def not_found() -> Missing:
    """The one 404 of pages: what is not there and what is not yours look alike."""
    return Missing()


def caller() -> Caller:
    """Who asks for the page."""
    found: Caller = g.caller
    return found


def seen() -> list[str] | None:
    """The only surveys that the caller may see; None: all."""
    return visible.only(caller())


def sees(survey: str) -> bool:
    """Whether the caller may see a survey."""
    return visible.all_of([survey], caller())
