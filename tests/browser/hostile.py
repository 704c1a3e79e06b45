"""Thirty pages that are hard to stand on. Each is data: what runs first, what the page is, how it is served."""

from dataclasses import dataclass, field

NOTHING_ELSE = "default-src 'none'; connect-src {service}; "
TRUSTED = "require-trusted-types-for 'script'; "
UNSET = "<style{nonce}>* {{ all: unset !important }}</style>"


@dataclass(frozen=True)
class Hostile:
    """One page: script before the widget, markup, response headers (`{service}` is filled in)."""

    before: str = ""
    body: str = ""
    head: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    after: str = ""
    """Script that runs once the survey shows."""
    keeps: bool = True
    """Whether the answer can arrive (a page without a working fetch keeps it for the next page)."""


def _policy(text: str) -> Hostile:
    return Hostile(headers={"Content-Security-Policy": text})


PAGES: dict[str, Hostile] = {
    # Policies
    "policy by nonce": _policy(NOTHING_ELSE + "script-src 'nonce-n1'"),
    "policy by host": _policy(NOTHING_ELSE + "script-src {service} 'nonce-n1'"),
    "strict-dynamic": _policy(NOTHING_ELSE + "script-src 'nonce-n1' 'strict-dynamic'"),
    "trusted types": _policy(NOTHING_ELSE + TRUSTED + "script-src 'nonce-n1'"),
    "trusted types without policies": _policy(
        NOTHING_ELSE + TRUSTED + "trusted-types 'none'; script-src 'nonce-n1'"
    ),
    "sandbox by header": _policy("sandbox allow-scripts allow-same-origin"),
    "no referrer and a permissions policy": Hostile(
        headers={"Referrer-Policy": "no-referrer", "Permissions-Policy": "unload=(), sync-xhr=()"}
    ),
    "isolated by opener and embedder policy": Hostile(
        headers={
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Embedder-Policy": "credentialless",
        }
    ),
    # Overwritten and extended
    "frozen prototypes": Hostile(
        "for (const made of [Object, Array, Function, Promise, Element, Node, EventTarget, RegExp, String])"
        " Object.freeze(made.prototype);"
    ),
    "prototype.js": Hostile(
        "Array.prototype.toJSON = Object.prototype.toJSON = String.prototype.toJSON = () => 'no';"
        "Array.prototype.each = Array.prototype.first = () => {}; window.$ = id => document.getElementById(id);"
    ),
    "names on every object": Hostile("Object.prototype.extra = 1; Object.prototype.nonce = 'x';"),
    "what we read on every object": Hostile(
        "for (const name of ['score','test','target','mode','after','sampling','pages','rule','person','email','name',"
        "'answer','told','given','q','surveys','ask','type','until','kept','refused','position','touchpoint','invitation'])"
        " Object.prototype[name] = 3;"
    ),
    "what browsers read on every object": Hostile(
        "for (const name of ['signal','headers','body','integrity','redirect','cache','priority','steal','once',"
        "'passive','attributeFilter','attributes','slotAssignment','clonable','customElementRegistry','keepalive','duplex'])"
        " Object.prototype[name] = 'no';"
    ),
    "objects that write themselves": Hostile(
        "Object.prototype.toJSON = Array.prototype.toJSON = function () { return { score: 0, no: 'no' } };"
    ),
    "objects that write themselves, frozen": Hostile(
        "Object.prototype.toJSON = () => 'no'; Object.prototype.score = 3; Object.prototype.comment = 'no';"
        "Object.freeze(Object.prototype);"
    ),
    "lists that hold more": Hostile(
        "Array.prototype[1] = Array.prototype[4] = 'no'; Array.prototype.last = () => {};"
    ),
    "old array methods": Hostile(
        "Array.prototype.flat = Array.prototype.at = Array.prototype.includes = undefined;"
    ),
    "wrapped fetch": Hostile(
        "const was = fetch; window.fetch = function () { return was.apply(this, arguments) };"
    ),
    "fetch that throws": Hostile("window.fetch = () => { throw 1 };", keeps=False),
    "fetch that is gone": Hostile("delete window.fetch; window.fetch = undefined;", keeps=False),
    "overwritten later": Hostile(
        after="for (const name of ['fetch', 'setTimeout', 'Promise', 'Date'])"
        " window[name] = () => { throw 1 }; JSON.stringify = () => 'x'; JSON.parse = null;",
        keeps=False,
    ),
    "events that propagate nowhere": Hostile(
        "for (const type of ['click', 'keydown', 'focusin'])"
        " addEventListener(type, event => event.stopPropagation());"
    ),
    "nothing modern": Hostile(
        "delete window.CSSStyleSheet; delete Crypto.prototype.randomUUID; delete AbortSignal.timeout;"
        "delete window.navigation; Object.defineProperty(navigator, 'locks', { value: undefined });"
    ),
    "no storage": Hostile(
        "for (const name of ['localStorage', 'sessionStorage'])"
        " Object.defineProperty(window, name, { get() { throw 1 } });"
    ),
    "full storage": Hostile("Storage.prototype.setItem = () => { throw 1 };"),
    # Documents
    "clobbered names": Hostile(
        body="".join(
            f'<img name="{name}" alt="">'
            for name in (
                *("querySelector", "createElement", "body", "currentScript", "documentElement", "earshot"),
                *("head", "navigation", "location", "adoptedStyleSheets", "activeElement", "fetch"),
            )
        )
    ),
    "a form called earshot": Hostile(
        body='<form name="earshot" id="earshot"><input name="q"><input name="surveys"></form>'
    ),
    "another base address": Hostile(head='<base href="https://elsewhere.invalid/deep/">'),
    "huge z-index": Hostile(
        body="<div style='position:fixed;inset:0;z-index:2147483647;pointer-events:none'></div>"
    ),
    "everything unset": Hostile(head="<style>* { all: unset !important }</style>"),
    "everything hidden and enormous": Hostile(
        head="<style>div, button, p, section { display: none !important; font-size: 90px !important }"
        "html { font-size: 4px; direction: rtl; writing-mode: vertical-rl; letter-spacing: 1em }</style>"
    ),
    "grid on the root": Hostile(
        head="<style>html { display: grid; grid-template: 1fr / 200px 1fr; gap: 90px; height: 100% }</style>"
    ),
    "a body that is drawn anew": Hostile(
        after="document.body.replaceWith(document.createElement('body'));"
        "document.body.innerHTML = '<main><h1>New</h1></main>'"
    ),
    "a root that re-renders all the time": Hostile(
        "addEventListener('load', () => { const root = document.querySelector('main'); let n = 0;"
        " setInterval(() => { if (n++ < 50) root.innerHTML = '<h1>' + n + '</h1>' }, 10) })"
    ),
    "addresses that change all the time": Hostile(
        "addEventListener('load', () => { let n = 0; const walk = setInterval(() => {"
        " if (n++ < 20) history.pushState(null, '', '/?' + n); else clearInterval(walk) }, 10) })"
    ),
    "design mode": Hostile("addEventListener('load', () => { document.designMode = 'on' })"),
    "a page being printed": Hostile(
        "addEventListener('load', () => dispatchEvent(new Event('beforeprint')))"
    ),
}

#: Whole documents that the widget's script tag is put into.
DOCUMENTS = {
    "quirks mode": "<title>Old</title><center><font>Shop</font><h1>Shop</h1>{end}</center>",
    "written by document.write": "<!doctype html><html lang=en><title>W</title><body><main><h1>W</h1></main>"
    "<script>document.write({tag})</script>",
    "inside a shadow root": "<!doctype html><html lang=en><title>S</title><main><h1>S</h1></main><div id=host></div>"
    "<script>const root = document.querySelector('#host').attachShadow({{ mode: 'open' }});"
    "const tag = document.createElement('script'); tag.src = '{source}'; root.append(tag)</script>",
    "in a sandboxed frame": "<!doctype html><html lang=en><title>F</title><iframe title=f width=800 height=600"
    ' sandbox="allow-scripts allow-same-origin" srcdoc=\'<title>I</title><script src="{source}"></script>\'></iframe>',
    "from a tag that is removed at once": "<!doctype html><html lang=en><title>T</title><main><h1>T</h1></main><script>"
    "const tag = document.createElement('script'); tag.src = '{source}';"
    "document.body.append(tag); tag.onload = () => tag.remove()</script>",
    "as a module": "<!doctype html><html lang=en><title>M</title><main><h1>M</h1></main>"
    '<script type=module crossorigin src="{source}"></script>',
}
