"""What people do with a mail that asks them: each way of answering, and what must then be stored."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.mailed import Mail

Stored = dict[str, Any]

TOUCH = {"has_touch": True, "is_mobile": True, "viewport": {"width": 390, "height": 844}}
PLAIN = {"java_script_enabled": False}

#: The one button of a page that a score link opens.
BUTTON = "#confirm button"


@dataclass(frozen=True)
class Visit:
    """A person with a browser and a mail."""

    page: Page
    mail: Mail

    def open(self, score: int) -> None:
        """Click a link in the mail."""
        self.page.goto(self.mail.scores[score])

    def choose(self, score: int) -> None:
        """Click a point of the scale on the page."""
        self.page.locator(f"label:has(input[value='{score}'])").click()

    def saved(self) -> None:
        """Wait until the page says that the answer is saved."""
        expect(self.page.locator("#told.fine")).not_to_be_empty()

    def sent(self) -> None:
        """Wait for the page that the plain form leads to: a browser that is closed on its way there may hang."""
        expect(self.page.locator("#confirm")).to_have_count(0)

    def send(self, comment: str) -> None:
        """Write a comment and send it; wait for the thanks."""
        self.page.locator("#comment").fill(comment)
        self.page.locator("#more button").click()
        expect(self.page.locator("#done")).to_be_visible()


@dataclass(frozen=True)
class Person:
    """Somebody who answers: what they do, with which browser, and in which circumstances."""

    act: Callable[[Visit], Stored]
    browser: dict[str, Any] = field(default_factory=dict)
    language: str = "en"
    survey: dict[str, Any] = field(default_factory=dict)


def _confirm(how: Callable[[Page], Any]) -> Callable[[Visit], Stored]:
    """Open the link of a nine and do one thing."""

    def act(visit: Visit) -> Stored:
        visit.open(9)
        how(visit.page)
        visit.saved()
        return {"score": 9}

    return act


def _choose_another(visit: Visit) -> Stored:
    visit.open(9)
    visit.choose(2)
    visit.saved()
    return {"score": 2}


def _move_by_arrow(visit: Visit) -> Stored:
    visit.open(9)
    visit.page.locator("input[value='9']").focus()
    visit.page.keyboard.press("ArrowLeft")
    visit.page.keyboard.press("Tab")
    visit.saved()
    return {"score": 8}


def _without_script(visit: Visit) -> Stored:
    visit.open(9)
    visit.page.locator(BUTTON).click()
    visit.sent()
    return {"score": 9}


def _another_without_script(visit: Visit) -> Stored:
    visit.open(9)
    visit.choose(2)
    visit.page.locator(BUTTON).click()
    visit.sent()
    return {"score": 2}


def _comment(visit: Visit) -> Stored:
    visit.open(3)
    visit.page.locator(BUTTON).click()
    visit.send("Slow, but <b>friendly</b> 😀")
    return {"score": 3, "comment": "Slow, but <b>friendly</b> 😀"}


def _comment_later(visit: Visit) -> Stored:
    visit.open(3)
    visit.page.locator(BUTTON).click()
    visit.saved()
    visit.open(3)
    visit.send("What I forgot")
    return {"score": 3, "comment": "What I forgot"}


def _change_of_mind(visit: Visit) -> Stored:
    visit.open(9)
    visit.page.locator(BUTTON).click()
    visit.saved()
    visit.choose(4)
    return {"score": 4}


def _another_link_later(visit: Visit) -> Stored:
    visit.open(9)
    visit.page.locator(BUTTON).click()
    visit.saved()
    visit.open(5)
    visit.page.locator(BUTTON).click()
    return {"score": 5}


def _page_without_score(visit: Visit) -> Stored:
    visit.page.goto(visit.mail.page)
    visit.choose(7)
    visit.saved()
    return {"score": 7}


#: Each is done with a mail as it comes, and with one that machines have opened from end to end before.
ACTS: dict[str, Person] = {
    "clicks the button": Person(_confirm(lambda page: page.locator(BUTTON).click())),
    "presses Enter on the button": Person(_confirm(lambda page: page.locator(BUTTON).press("Enter"))),
    "presses Space on the button": Person(_confirm(lambda page: page.locator(BUTTON).press("Space"))),
    "double-clicks the button": Person(_confirm(lambda page: page.locator(BUTTON).dblclick())),
    "clicks anywhere": Person(_confirm(lambda page: page.mouse.click(5, 5))),
    "presses a letter": Person(_confirm(lambda page: page.keyboard.press("a"))),
    "clicks the chosen score": Person(_confirm(lambda page: page.locator("label:has(:checked)").click())),
    "taps the button": Person(_confirm(lambda page: page.locator(BUTTON).tap()), TOUCH),
    "taps anywhere": Person(_confirm(lambda page: page.touchscreen.tap(5, 5)), TOUCH),
    "chooses another score": Person(_choose_another),
    "moves to another score by keyboard": Person(_move_by_arrow),
    "has no script": Person(_without_script, PLAIN),
    "has no script and another score": Person(_another_without_script, PLAIN),
    "comments": Person(_comment),
    "comments later": Person(_comment_later),
    "has second thoughts": Person(_change_of_mind),
}


def _reload(visit: Visit) -> Stored:
    visit.open(9)
    visit.page.reload()
    visit.page.locator(BUTTON).click()
    visit.saved()
    return {"score": 9}


def _go_back(visit: Visit) -> Stored:
    visit.open(6)
    visit.open(8)
    visit.page.go_back()
    visit.page.locator(BUTTON).click()
    visit.saved()
    return {"score": 6}


def _two_tabs(visit: Visit) -> Stored:
    visit.open(9)
    other = Visit(visit.page.context.new_page(), visit.mail)
    other.open(9)
    for each in (visit, other):
        each.page.locator(BUTTON).click()
        each.saved()
    return {"score": 9}


def _service_away(visit: Visit) -> Stored:
    failures = [503, 500]
    visit.page.route(
        "**/r", lambda route: route.fulfill(status=failures.pop()) if failures else route.continue_()
    )
    visit.open(9)
    visit.page.locator(BUTTON).click()
    visit.saved()
    return {"score": 9}


def _scripts_calls_refused(visit: Visit) -> Stored:
    visit.page.route("**/r", lambda route: route.fulfill(status=403))
    visit.open(9)
    visit.page.locator(BUTTON).click()
    visit.sent()
    return {"score": 9}


def _first_point(visit: Visit) -> Stored:
    visit.open(1)
    visit.page.locator(BUTTON).click()
    visit.saved()
    return {"score": 1}


#: Circumstances that are met once.
OTHERS: dict[str, Person] = {
    "another link of the mail later": Person(_another_link_later),
    "the link without a score": Person(_page_without_score),
    "after a reload": Person(_reload),
    "going back to the first link": Person(_go_back),
    "in two tabs": Person(_two_tabs),
    "while the service is away": Person(_service_away),
    "where the script's calls are refused": Person(_scripts_calls_refused),
    "to a CSAT survey": Person(_first_point, survey={"metric": "csat"}),
    "to a CES survey": Person(_first_point, TOUCH, survey={"metric": "ces"}),
}

#: Left to right and right to left, in Latin letters and in others.
LANGUAGES = ("ar", "de", "es", "fr", "he", "ja", "pl", "pt-BR", "zh-Hans")

IN_LANGUAGES = {f"in {tag}": Person(_comment, language=tag) for tag in LANGUAGES}
