"""SVG made harmless: written anew out of elements and attributes that draw, and of nothing else.

What may stay is listed, so nobody has to judge what is left out: scripts, handlers, links, frames, pictures within,
animations, filters, style sheets. Simple rules of a style sheet become attributes, so that the drawing needs none and a
policy may forbid them all.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import defusedxml.ElementTree
from defusedxml.common import DefusedXmlException

_SVG = "{http://www.w3.org/2000/svg}"
_XLINK = "{http://www.w3.org/1999/xlink}href"

_SHAPES = frozenset("path rect circle ellipse line polyline polygon text use".split())
_ELEMENTS = _SHAPES | frozenset(
    "svg g defs symbol title desc tspan linearGradient radialGradient stop clipPath mask".split()
)

#: Presentation attributes (SVG 2, 6.6), which a style sheet may set too.
_LOOKS = frozenset(
    "clip-path clip-rule color color-interpolation direction display dominant-baseline fill fill-opacity fill-rule "
    "font-family font-size font-style font-weight letter-spacing mask opacity overflow paint-order shape-rendering "
    "stop-color stop-opacity stroke stroke-dasharray stroke-dashoffset stroke-linecap stroke-linejoin "
    "stroke-miterlimit stroke-opacity stroke-width text-anchor text-rendering vector-effect visibility "
    "word-spacing".split()
)
_ATTRIBUTES = _LOOKS | frozenset(
    "id d points x y x1 y1 x2 y2 cx cy r rx ry fx fy fr dx dy rotate width height viewBox preserveAspectRatio "
    "transform gradientTransform gradientUnits spreadMethod offset clipPathUnits maskUnits maskContentUnits "
    "pathLength textLength lengthAdjust".split()
)

#: What refers to something leads to a place within the drawing.
_URL = re.compile(r"url\(\s*['\"]?#[\w.:-]+['\"]?\s*\)")
_LEADS_OUT = re.compile(r"url|image|src|://|\\|script:|data:|expression|@|[<>]", re.IGNORECASE)
_NAME = re.compile(r"[\w.:-]+")
_PLACE = re.compile(r"#[\w.:-]+")
_SELECTOR = re.compile(r"[.#]?[A-Za-z_][\w-]*")
_NUMBER = re.compile(r"([0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:e[+-]?[0-9]{1,3})?", re.IGNORECASE)

#: Copies of a part, which may be large, at most; elements within each other; rules, each of which is tried on each.
_MOST_COPIES, _DEEPEST, _MOST_RULES = 50, 60, 500

#: By selector: what its rules say of the looks, each with where it stands among all, the strongest last.
Rules = Mapping[str, Sequence[tuple[int, Mapping[str, str]]]]


class BadDrawing(Exception):
    """It is no SVG, or none that can be shown; the message says why, as a sentence."""


def harmless(content: bytes) -> tuple[bytes, tuple[int, int]]:
    """The drawing written anew, and its width and height. Raises BadDrawing."""
    root = _read(content)
    copied = _copied(root)
    drawn = _written(root, _rules(root), copied, is_root=True)
    if drawn is None or not any(each.tag in _SHAPES for each in drawn.iter()):
        raise BadDrawing("Is an SVG in which nothing is drawn.")
    size = _size(drawn)
    drawn.set("xmlns", "http://www.w3.org/2000/svg")
    return ElementTree.tostring(drawn, encoding="utf-8"), size


def _read(content: bytes) -> Element:
    try:
        root = defusedxml.ElementTree.fromstring(content, forbid_entities=True, forbid_external=True)
    except DefusedXmlException:
        raise BadDrawing("Is an SVG that declares entities; save it as plain SVG.") from None
    except (ElementTree.ParseError, LookupError, ValueError):
        raise BadDrawing("Is an SVG that cannot be read.") from None
    if root.tag != f"{_SVG}svg":
        raise BadDrawing("Is XML, and no SVG.")
    return root


def _rules(root: Element) -> Rules:
    """The simple rules of the drawing's style sheets. Raises BadDrawing for too many."""
    found: list[tuple[int, str, Mapping[str, str]]] = []
    for sheet in root.iter(f"{_SVG}style"):
        for selectors, declarations in _blocks(sheet.text or ""):
            looks = _declared(declarations)
            for selector in map(str.strip, selectors.split(",")):
                if _SELECTOR.fullmatch(selector):
                    weight = {"#": 2, ".": 1}.get(selector[0], 0)
                    found.append((weight, selector, looks))
                if len(found) > _MOST_RULES:
                    raise BadDrawing(f"Is an SVG with more than {_MOST_RULES} rules of style.")
    rules: dict[str, list[tuple[int, Mapping[str, str]]]] = {}
    for at, (_, chosen, said) in enumerate(sorted(found, key=lambda rule: rule[0])):
        rules.setdefault(chosen, []).append((at, said))
    return rules


def _blocks(text: str) -> Iterator[tuple[str, str]]:
    """What stands before and in the braces of each plain rule; those within an at-rule hold at times only.

    Split rather than matched: a pattern that looks for a brace that never comes looks from each letter anew.
    """
    first, *rest = text.split("/*")
    plain = first + "".join(part.partition("*/")[2] for part in rest)
    for block in plain.split("}"):
        before, brace, within = block.partition("{")
        if brace and "{" not in within:
            yield before, within


def _declared(text: str) -> dict[str, str]:
    pairs = (part.partition(":") for part in text.split(";"))
    return {name.strip(): value.strip().removesuffix("!important").strip() for name, _, value in pairs}


def _copied(root: Element) -> frozenset[str]:
    """Places that may be copied: those that copy nothing themselves, or a few lines would make millions.

    Raises BadDrawing for what is too deep or copies too much.
    """
    known: set[str] = set()
    copying: set[str] = set()
    uses = 0
    waiting: list[tuple[Element, tuple[str, ...]]] = [(root, ())]
    while waiting:
        each, above = waiting.pop()
        if len(above) > _DEEPEST:
            raise BadDrawing(f"Is an SVG with parts more than {_DEEPEST} deep in each other.")
        place = f"#{each.get('id', '')}"
        known.add(place)
        within = (*above, place)
        if each.tag == f"{_SVG}use":
            uses += 1
            copying.update(within)
        waiting += [(child, within) for child in each]
    if uses > _MOST_COPIES:
        raise BadDrawing(f"Is an SVG that copies parts of itself more than {_MOST_COPIES} times.")
    return frozenset(known - copying)


def _written(source: Element, rules: Rules, copied: frozenset[str], is_root: bool = False) -> Element | None:
    """An element without all that is not on the lists; None where it is not on them itself."""
    name = source.tag.removeprefix(_SVG) if isinstance(source.tag, str) else ""
    if name not in _ELEMENTS or (name == "svg" and not is_root):
        return None
    place = source.get(_XLINK, source.get("href", ""))
    if name == "use" and place not in copied:
        return None
    made = Element(name, _attributes(source, name, rules))
    if place and name in ("use", "linearGradient", "radialGradient") and _PLACE.fullmatch(place):
        made.set("href", place)
    if name in ("text", "tspan", "title", "desc"):
        made.text = source.text
    for child in source:
        part = _written(child, rules, copied)
        if part is not None:
            if name in ("text", "tspan"):
                part.tail = child.tail
            made.append(part)
    return made


def _attributes(source: Element, name: str, rules: Rules) -> dict[str, str]:
    """What draws of an element's attributes, of the rules that fit it and of its own style, the strongest last."""
    given = {key: value for key, value in source.attrib.items() if key in _ATTRIBUTES}
    classes = {f".{each}" for each in source.get("class", "").split()}
    fitting = classes | {name, f"#{source.get('id')}"}
    ranked = [rule for selector in fitting for rule in rules.get(selector, ())]
    styles = [said for _, said in sorted(ranked, key=lambda rule: rule[0])]
    styles.append(_declared(source.get("style", "")))
    for said in styles:
        given.update({key: value for key, value in said.items() if key in _LOOKS})
    return {
        key: value
        for key, value in given.items()
        if (_NAME.fullmatch(value) if key == "id" else _draws(value))
    }


def _draws(value: str) -> bool:
    """Whether nothing in it leads out of the drawing: no address, no escape that could spell one."""
    return _LEADS_OUT.search(_URL.sub("", value)) is None


def _size(root: Element) -> tuple[int, int]:
    """Width and height in pixels: as said, else by the view box. Raises BadDrawing where neither says it."""
    said = [root.get(name, "").strip().lower().removesuffix("px").strip() for name in ("width", "height")]
    sides = [_NUMBER.fullmatch(side) for side in said]
    box = re.split(r"[\s,]+", root.get("viewBox", "").strip())
    try:
        if all(sides):
            size = [float(side[0]) for side in sides if side]
        else:
            size = [float(each) for each in box[2:4]] if len(box) == 4 else []
    except ValueError:
        size = []
    if len(size) != 2 or not all(0 < side < 1e6 for side in size):
        raise BadDrawing("Is an SVG that says neither viewBox nor width and height.")
    # Without both, browsers take it for 300 × 150 (CSS 2, 10.3.2).
    root.set("width", f"{size[0]:g}")
    root.set("height", f"{size[1]:g}")
    if len(box) != 4:
        root.set("viewBox", f"0 0 {size[0]:g} {size[1]:g}")
    return max(1, round(size[0])), max(1, round(size[1]))
