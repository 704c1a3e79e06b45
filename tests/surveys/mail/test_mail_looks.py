"""The mail as it is read: by the rules of mail programs, in a browser, and as plain text."""

import re
from html import unescape
from itertools import pairwise
from pathlib import Path

import pytest

from surveys import brands, wording
from surveys.base import clock
from surveys.base.delivery.message import Message
from surveys.domain import names, pictures
from surveys.domain.metrics import METRICS
from surveys.mail import invitation_mail, letters, service_mail
from surveys.models import Invitation, Person
from tests.conftest import ON_SQLITE
from tests.surveys.domain.test_pictures import jpeg, png, svg
from tests.surveys.mail import rules
from tests.surveys.mailbox import invite, outbox

BRAND = {
    "name": "Acme Bikes",
    "color": "#ffd60a",
    "address": "Acme Bikes Ltd\n1 Mill Lane, Leeds",
    "privacy_url": "https://acme.example/privacy",
}


SAID = (
    "Hello Ann,",
    "Your request: ",
    "Refund (35)",
    "Sam Ortiz, Support",
    "Kind regards,",
    "Leeds",
    "/privacy",
)

BAD = (
    "<svg></svg>",
    '<p style="background-image: url(x)">',
    "<img src=x>",
    "<table></table>",
    "<style>a{position:fixed}</style>",
)


def branded(light=None, dark=None):
    """Put a brand with logos in place."""
    logo = {
        scheme: pictures.of_data_url(pictures.data_url(*given)) if given else None
        for scheme, given in (("light", light), ("dark", dark))
    }
    brands.replace({**BRAND, "logo": logo}, clock.now())


@ON_SQLITE
@pytest.mark.parametrize("language", ["en", "de", "he"])
def test_what_a_person_writes_looks_like_the_mail_that_asks(world, make, language):
    branded(("image/png", png(600, 200)))
    survey = make.survey(languages=[language], product="Acme")
    person = Person(id="per_" + "0" * 24, name="Ann <b>", email="ann@x.example", verified=True)
    for quote, asks, text in (("My <i>card</i>.", True, "Cards\nwork."), (None, False, "Hello.")):
        letter = letters.Letter("let_1", "ann@x.example", language, "About it", text, quote, asks)
        mail = letters.compose(letter, person, survey, None)
        assert rules.lacking(mail) == []
        for body in (mail.html, mail.text):
            assert body.count("/f/") == (2 if asks else 0)
            for said in ("Acme Bikes", "Leeds", "/privacy", "/u/", *text.splitlines()):
                assert said in body, said
        assert "#ffd60a" in mail.html
        assert "/brand/" in mail.html
        assert "<i>" not in mail.html


def test_every_mail_stands_in_one_frame():
    root = Path(__file__).parents[3]
    frames = [
        path.name
        for room in ("surveys", "feedback")
        for path in (root / room).rglob("*.html")
        if "PixelsPerInch" in path.read_text()
    ]
    assert frames == ["mail_frame.html"]


@ON_SQLITE
def test_every_mail_keeps_the_rules_of_mail_programs(world, make):
    shown = {}
    for is_branded in (False, True):
        if is_branded:
            branded(("image/png", png(600, 200)), ("image/jpeg", jpeg()))
        for metric in METRICS:
            for language in wording.LANGUAGES if metric == "nps" else ("en", "he"):
                survey = make.survey(metric, languages=[language], product="Acme")
                mail = invitation_mail.example(survey, language, "robin@example.com")
                assert rules.broken(mail.html) == [], (metric, language)
                shown[metric, language] = mail
    # The rules see what breaks them.
    for bad in BAD:
        assert rules.broken(mail.html.replace("</body>", f"{bad}</body>")) != []
    # Whoever reads the text reads the same: each word of it stands in the other.
    for (metric, language), mail in shown.items():
        read = re.sub(r"<(style|title).*?</\1>|<!--.*?-->|<[^>]+>", "", mail.html, flags=re.DOTALL)
        read = re.sub(r"\s", "", unescape(read))
        labels = wording.labels(language, metric).values()
        lines = [line for line in mail.text.splitlines() if line and line != "-- " and "://" not in line]
        assert len(lines) > 10
        for line in lines:
            name = line.removesuffix(wording.colon(language).rstrip())
            words = name.partition(" – ")[2] or name
            assert re.sub(r"\s", "", line) in read or words in mail.html or words in labels, (language, line)


@ON_SQLITE
def test_the_subject_asks_what_the_mail_asks(world, make):
    for metric in METRICS:
        for language in wording.LANGUAGES:
            survey = make.survey(metric, languages=[language], product="Acme")
            mail = invitation_mail.example(survey, language, "robin@example.com")
            assert "<h1" in mail.html
            assert mail.subject in mail.text.splitlines()
    own = make.survey(question={"en": "How was the ride?"})
    assert invitation_mail.example(own, "en", "robin@example.com").subject == "How was the ride?"


def test_the_mail_says_what_it_is_about_and_who_asks(world, api, make):
    branded(("image/png", png(600, 200)), ("image/png", png(300, 100)))
    ticket, agent = {"id": "9", "number": "35", "subject": "Refund"}, {"id": "a", "name": "Sam Ortiz"}
    team = {"id": "t", "name": "Support"}
    own = make.survey(mail={"text": {"en": "Dear {first_name}, about {ticket_subject}."}})
    invite(api, make.survey(), person={"name": "Ann Lee"}, ticket=ticket, agent=agent, team=team)
    invite(api, own, "bo@x.example", person={"name": "Lee, Bo"}, ticket=ticket)
    invite(api, make.survey(), "cy@x.example", person={"name": "cy@x.example"})
    world.work()
    full, own, bare = outbox(world)
    html, text = (full.get_body((kind,)).get_content() for kind in ("html", "plain"))
    for part in (html, text):
        for words in SAID:
            assert words in re.sub("<b[^>]*>", "", part), words
    # What a mailbox shows behind the subject.
    assert re.search(r"<body[^>]*>\s*<div[^>]*>Refund \(35\) · It takes less than a minute\.", html)
    [day, night] = re.findall(r"<img[^>]*>", html)
    for logo in (day, night):
        assert 'alt="Acme Bikes"' in logo
        assert 'width="144" height="48"' in logo
        assert 'src="http://localhost/brand/' in logo
    assert "display: none" in night
    # The company's colour is kept as it is; edges are made to be seen.
    assert "border-top: 4px solid #ffd60a" in html
    assert not re.search(r"border: 2px solid #ffd60a", html)
    # A text of their own says all that itself.
    said = own.get_body(("plain",)).get_content()
    assert said.splitlines()[0] == "Dear Bo, about Refund."
    assert "Your request" not in said
    assert "Kind regards" not in said
    said = bare.get_body(("plain",)).get_content()
    assert said.splitlines()[0] == "Hello,"
    assert "Your request" not in said


@ON_SQLITE
def test_staff_are_asked_as_staff_and_stars_wait_to_be_given(world, make):
    for metric in ("nps", "enps", "stars"):
        mail = invitation_mail.example(make.survey(metric, product="Acme"), "en", "robin@example.com")
        for body in (mail.html, mail.text):
            for words in ("Your request", "Your contact", "Refund", "recently in touch"):
                assert (words in body) == (metric != "enps"), (metric, words)
            assert "Unsubscribe" in body
        assert rules.lacking(mail) == []
    assert mail.html.count("☆") == 5
    assert "★" not in mail.html


def test_a_logo_that_mail_programs_do_not_show_is_a_name(world, api, make):
    branded(("image/svg+xml", svg()))
    invite(api, make.survey())
    world.work()
    html = outbox(world)[0].get_body(("html",)).get_content()
    assert "<img" not in html
    assert re.search(r"<td[^>]*>\s*Acme Bikes\s*</td>", html)


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("Ann Lee", "Ann"), ("Ann", "Ann"), ("Lee, Ann", "Ann"), ("Dr. Ann Lee", "Dr. Ann Lee"),
        ("山田太郎", "山田太郎"),
        ("Ann-Marie de la Cruz", "Ann-Marie"), ("ann@example.com", ""), ("User 1234", ""), ("", ""), (",", ""),
    ],
)  # fmt: skip
def test_first_names(name, first):
    assert names.first(name) == first


@ON_SQLITE
def test_nobody_is_called_by_the_family_name_alone(world, make):
    informal = [tag for tag in wording.LANGUAGES if "informal" in wording.second_wordings(tag)]
    for tag in [*informal, "ja", "ko"]:
        mails = [
            invitation_mail.example(
                make.survey(languages=[tag], formality="informal", mail=own), tag, "r@x.example"
            )
            for own in ({}, {"text": {tag: "{first_name}!"}})
        ]
        # Which of the two is the family's cannot be told where families stand first.
        called = "Robin Vale" if tag in ("hu", "ja", "ko", "zh-Hans") else "Robin"
        for mail in mails:
            line = mail.text.splitlines()[0]
            assert called in line, tag
            assert ("Vale" in line) == ("Vale" in called), tag


def test_first_names_where_families_stand_first():
    told = {
        "Nagy Anna": "Nagy Anna",
        "Nagy, Anna": "Anna",
        "anna@example.com": "",
        "王 小明": "王 小明",
        "": "",
    }
    assert {name: names.first(name, family_first=True) for name in told} == told


#: What a browser measures of a mail.
MEASURE = """() => ({
  wide: document.documentElement.scrollWidth - innerWidth,
  keys: [...document.querySelectorAll('.key a')].map(a => {
    const cell = a.parentElement.getBoundingClientRect(), link = a.getBoundingClientRect(), s = getComputedStyle(a)
    return {top: cell.top, left: cell.left, right: cell.right, bottom: cell.bottom,
            width: cell.width, height: cell.height, link: link.width * link.height,
            ink: s.color, paper: getComputedStyle(a.parentElement).backgroundColor,
            edge: getComputedStyle(a.parentElement).borderTopColor, text: a.innerText.trim()}
  }),
  edges: (({left, right}) => [left, right])(document.querySelector('h1').getBoundingClientRect()),
  hidden: [...document.querySelectorAll('.unseen')].every(e => !e.offsetHeight),
  logos: [...document.images].filter(e => e.offsetWidth).map(e => e.alt),
  title: document.querySelector('h1').innerText,
})"""


def contrast(one, other):
    """By WCAG 2.2, of two colours as a browser says them."""
    lights = []
    for colour in (one, other):
        shares = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
        linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
        lights.append(0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] + 0.05)
    return max(lights) / min(lights)


def assert_one_edge_and_one_gap(keys, edges, is_rtl, where):
    """Keys begin where the words do, with one gap between any two of a row, and rows are well apart."""
    side, start = ("right", edges[1]) if is_rtl else ("left", edges[0])
    tops = sorted({key["top"] for key in keys})
    rows = [sorted((key for key in keys if key["top"] == top), key=lambda key: key["left"]) for top in tops]
    for row in rows:
        assert abs(row[-1 if is_rtl else 0][side] - start) < 0.6, where
        gaps = [after["left"] - before["right"] for before, after in pairwise(row)]
        assert not gaps or (min(gaps) > 2 and max(gaps) - min(gaps) < 0.6), (where, gaps)
    for above, below in pairwise(rows):
        assert 6 <= below[0]["top"] - above[0]["bottom"] <= 8, where


@pytest.mark.browser
@ON_SQLITE
def test_keys_fit_a_finger_on_every_screen_light_and_dark_with_pictures_off(chromium, make):
    branded(("image/png", png(600, 200)), ("image/png", png(300, 100)))
    mails = {
        (metric, language): invitation_mail.example(
            make.survey(metric, languages=[language], product="Acme"), language, "robin@example.com"
        ).html
        for metric in METRICS
        for language in ("en", "de", "ar", "ja")
    }
    for scheme, width in (("light", 360), ("dark", 360), ("dark", 700)):
        context = chromium.new_context(color_scheme=scheme, viewport={"width": width, "height": 800})
        page = context.new_page()
        page.route("**/*", lambda route: route.abort())
        for (metric, language), html in mails.items():
            page.set_content(html, wait_until="domcontentloaded")
            found, where = page.evaluate(MEASURE), (metric, language, width, scheme)
            assert found["wide"] <= 0, where
            assert found["hidden"], where
            assert found["logos"] == ["Acme Bikes"], where
            assert found["title"], where
            keys = found["keys"]
            assert len(keys) == len(METRICS[metric].scores), where
            sizes = [min(key["width"], key["height"]) for key in keys]
            assert min(sizes) >= 44, (where, sizes)
            # The whole key is the link.
            assert min(key["link"] for key in keys) > 40 * 40, where
            assert all(contrast(key["edge"], key["paper"]) >= 3 for key in keys), where
            assert all(contrast(key["ink"], key["paper"]) >= 4.5 and key["text"] for key in keys), where
            rows = {key["top"] for key in keys}
            expected = 3 if metric == "pmf" else 2 if len(keys) == 11 and width == 360 else 1
            assert len(rows) == expected, where
            first, second = keys[0]["left"], keys[1]["left"]
            assert metric == "pmf" or (first > second) == (language == "ar"), where
            assert_one_edge_and_one_gap(keys, found["edges"], language == "ar", where)


def test_an_example_is_nobodys(world, make):
    mail = invitation_mail.example(make.survey(), None, "robin@example.com")
    assert Invitation.get_or_none(Invitation.id == invitation_mail.NOBODYS) is None
    assert invitation_mail.NOBODYS in mail.text


@ON_SQLITE
@pytest.mark.parametrize(
    ("text", "shown", "behind"),
    [
        ("", [], ""),
        ("\n\n \n\n", [], ""),
        ("Hello", ["Hello"], "Hello"),
        ("Hello\n\n\n\nWelcome.\n", ["Hello", "Welcome."], "Welcome."),
        ("Hello\n\n\nCome:\nhttps://x.example/1", ["Hello", "Come:"], "Come:"),
        ("Hello\n\nhttps://x.example/1", ["Hello"], "Hello"),
        ("https://x.example/1", [], ""),
    ],
)
def test_a_mail_of_the_service_may_hold_any_paragraphs(world, text, shown, behind):
    mail = service_mail.dressed(Message(to="ann@x.example", subject="News", text=text), "Go there", "Why")
    said = re.findall(r"<p[^>]*>([^<]+)</p>", mail.html.partition("Why")[0])
    assert [unescape(each).strip() for each in said] == shown
    assert ("Go there" in mail.html) == ("https" in text)
    assert re.search(rf'class="unseen"[^>]*>{behind}[^a-zA-Z]*<', mail.html)
