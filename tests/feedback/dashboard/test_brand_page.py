"""The page of the service's brand, and its fields on a survey's page: files, errors, two editors, trying it out."""

import html
import io
import re

from surveys import brands
from surveys.base import clock
from surveys.models import Survey
from tests.conftest import ON_SQLITE
from tests.feedback.dashboard.test_surveys_pages import settings_on, text_of
from tests.surveys.domain.test_pictures import jpeg, png, svg
from tests.visitor import signed_in

PAGE = "/team/brand"

SAID = {
    "brand.name": "Acme Bikes",
    "brand.color": "#17714f",
    "brand.corner": "0",
    "brand.font": "Inter",
    "brand.address": "1 Mill Lane\r\nLeeds",
    "brand.privacy_url": "https://acme.example/privacy",
    "brand.in_widget": "1",
    "brand.formality": "informal",
}


def sent(visitor, address, given, **files):
    """Send a form as a browser does that has files to choose: a field without one is sent with an empty name."""
    chosen = {f"brand.logo.{scheme}": (io.BytesIO(b""), "") for scheme in ("light", "dark")}
    chosen |= {f"brand.logo.{scheme}": (io.BytesIO(file), "any.gif") for scheme, file in files.items()}
    typed = {name: value for name, value in given.items() if name not in chosen or value}
    return visitor.client.post(
        address,
        base_url=visitor.base,
        headers={"Origin": visitor.base},
        content_type="multipart/form-data",
        data={**typed, **{name: file for name, file in chosen.items() if name not in typed}},
    )


def test_a_brand_is_set_tried_out_and_taken_back_by_its_form_alone(world, make):
    editor, survey = signed_in(world, "editor"), make.survey(languages=["de"])
    given = settings_on(editor.get(PAGE)) | SAID
    for part, shown in (
        ("page", b"Acme Bikes"),
        ("widget", b"--earshot-radius, 0px)"),
        ("mail", b"Hallo Robin,"),
    ):
        form = {**given, "lang": "de", "metric": "csat"}
        tried = sent(editor, f"{PAGE}/preview/{part}", form, light=png(), dark=svg())
        assert shown in tried.data, part
        # What nobody has kept stands in it as it is, but for a drawing in mail.
        assert (b"data:image/png;base64," in tried.data) or part == "mail"
        assert "frame-ancestors 'self'" in tried.headers["Content-Security-Policy"]
    assert brands.stored() == {}
    done = sent(editor, PAGE, given, light=png(), dark=svg())
    assert done.headers["Location"] == f"{PAGE}?did=saved"
    kept = brands.stored()
    logos = kept.pop("logo")
    assert [logos[scheme]["type"] for scheme in ("light", "dark")] == ["image/png", "image/svg+xml"]
    assert kept == {
        "name": "Acme Bikes", "color": "#17714f", "corner": 0, "font": '"Inter"', "address": "1 Mill Lane\nLeeds",
        "privacy_url": "https://acme.example/privacy", "in_widget": True, "formality": "informal",
    }  # fmt: skip
    assert Survey.get_by_id(survey.id).definition == 2
    page = editor.get(PAGE)
    assert f'src="/brand/{logos["light"]["hash"]}"' in text_of(page)
    assert "Mail programs do not show the logo for dark pages (image/svg+xml)" in text_of(page)
    assert "brand.logo.dark:" not in text_of(page).partition("<form")[0]
    assert "Mail programs do not show" not in text_of(signed_in(world, "viewer").get(PAGE))
    # Sent again as it stands it is the same; what is emptied goes, and so does a logo where None is ticked.
    assert sent(editor, PAGE, settings_on(page)).status_code == 303
    assert brands.stored()["logo"] == logos
    given = settings_on(editor.get(PAGE))
    cleared = {**given, "brand.name": "", "brand.logo.dark:none": "1", "brand.formality": ""}
    assert sent(editor, PAGE, cleared).status_code == 303
    assert list(brands.stored()["logo"]) == ["light"]
    assert not {"name", "formality"} & set(brands.stored())


@ON_SQLITE
def test_what_is_wrong_with_a_brand_is_told_and_what_was_typed_and_sent_stays(world):
    editor = signed_in(world, "editor")
    given = settings_on(editor.get(PAGE)) | SAID
    for file, told in (
        (b"GIF89a" + b"x" * 40, "Must be PNG, JPEG, WebP or SVG."),
        (png() + b"x" * 102_400, "Must not be larger than 100 KiB"),
        (jpeg()[:-2], "Is a JPEG that is damaged or cut off."),
        (b"", "Must be PNG, JPEG, WebP or SVG."),
    ):
        page = sent(editor, PAGE, given, light=file, dark=png())
        assert told in text_of(page, 422)
        assert 'value="Acme Bikes"' in text_of(page, 422)
        again = settings_on(page)
        assert again["brand.logo.dark"].startswith("data:image/png;base64,")
        assert "brand.logo.light" not in {name for name, value in again.items() if value}
    assert brands.stored() == {}
    page = sent(editor, PAGE, {**again, "brand.corner": "round", "brand.color": "green"})
    assert "Must be a number." in text_of(page, 422)
    assert "Must be a colour like" in text_of(page, 422)
    fine = settings_on(page) | {"brand.corner": "4", "brand.color": ""}
    assert sent(editor, PAGE, fine).status_code == 303
    assert brands.stored()["logo"]["dark"]["type"] == "image/png"


@ON_SQLITE
def test_two_editors_of_the_brand_page_take_nothing_of_each_other_back(world):
    editor = signed_in(world, "editor")
    mine, theirs = settings_on(editor.get(PAGE)), settings_on(editor.get(PAGE))
    assert sent(editor, PAGE, {**theirs, "brand.name": "Theirs", "brand.corner": "4"}).status_code == 303
    clash = sent(editor, PAGE, {**mine, "brand.font": "Lora", "brand.corner": "9"})
    assert "They changed: Company, Round corners, in pixels." in text_of(clash, 409)
    assert sent(editor, PAGE, settings_on(clash)).status_code == 303
    assert brands.stored() == {"name": "Theirs", "corner": 9, "font": '"Lora"', "in_widget": False}


@ON_SQLITE
def test_who_may_not_change_the_brand_reads_it(world, make):
    brands.replace({"name": "Acme <b>"}, clock.now())
    for visitor in (signed_in(world, "viewer"), signed_in(world, "editor", surveys=[make.survey().id])):
        page = visitor.get(PAGE)
        assert "Acme <b>" in text_of(page)
        assert not any("version" in given for _, given in visitor.forms(PAGE))
    token = visitor.forms("/team/profile")[0][1]["token"]
    assert visitor.post(PAGE, {"token": token, "brand.name": "x"}).status_code == 403
    assert brands.stored() == {"name": "Acme <b>"}


@ON_SQLITE
def test_a_surveys_own_company_stands_in_its_form(world, make):
    brands.replace({"name": "Acme", "in_widget": True, "corner": 20}, clock.now())
    editor, survey = signed_in(world, "editor"), make.survey(languages=["de"])
    address = f"/team/surveys/{survey.id}"
    given = settings_on(editor.get(address))
    own = {**given, "brand.name": "Acme Tools", "brand.in_widget": "no", "formality": "informal"}
    tried = sent(editor, f"{address}/preview/page", own, light=png())
    assert "data:image/png;base64," in text_of(tried)
    assert b"--corner: 20px" in tried.data
    assert "dass du Acme" not in html.unescape(tried.text)
    assert "dass du uns" in html.unescape(tried.text)
    assert sent(editor, address, own, light=png()).status_code == 303
    row = Survey.get_by_id(survey.id)
    assert (row.brand["name"], row.brand["in_widget"], row.formality) == ("Acme Tools", False, "informal")
    logo = row.brand["logo"]["light"]["hash"]
    page = editor.get(address)
    assert f'src="/brand/{logo}"' in text_of(page)
    # A change of one field keeps the others, and a bad file is told by its field.
    assert sent(editor, address, {**settings_on(page), "brand.name": ""}).status_code == 303
    assert Survey.get_by_id(survey.id).brand == {"in_widget": False, "logo": row.brand["logo"]}
    bad = sent(editor, address, settings_on(editor.get(address)), dark=b"nothing")
    assert re.search(r"Must be PNG, JPEG, WebP or SVG\.</span>", text_of(bad, 422))
    last = {
        **settings_on(editor.get(address)),
        "brand.in_widget": "",
        "brand.logo.light:none": "1",
        "formality": "",
    }
    assert sent(editor, address, last).status_code == 303
    row = Survey.get_by_id(survey.id)
    assert (row.brand, row.formality) == (None, None)
