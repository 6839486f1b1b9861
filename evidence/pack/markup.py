"""Small pieces of HTML. Everything that a tool, an agent or an operator wrote goes through `text` or `block`. Pure."""

import base64
import hashlib
import html
from collections.abc import Iterable
from typing import Final

from evidence.printable import printable

SHOWN_CHARACTERS: Final = 4000
"""Of one text on the page; the rest is in the pack."""

STYLE: Final = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { font: 15px/1.45 system-ui, sans-serif; color: #1a1d21; background: #fff; max-width: 62rem; margin: 2rem auto;
  padding: 0 1.25rem; }
h1 { font-size: 1.6rem; margin: 0 0 .2rem; } h2 { font-size: 1.15rem; margin: 2.2rem 0 .6rem; padding-bottom: .25rem;
  border-bottom: 2px solid #1a1d21; } h3 { font-size: 1rem; margin: 0; }
p { margin: .35rem 0; } .dim { color: #5a626b; } code, pre { font: .84em/1.4 ui-monospace, monospace; }
code { overflow-wrap: anywhere; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; background: #f4f5f7; border: 1px solid #dfe2e6;
  padding: .5rem .6rem; margin: .3rem 0; border-radius: 4px; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; vertical-align: top; padding: .28rem .6rem
  .28rem 0; border-bottom: 1px solid #e6e8eb; } th { font-weight: 600; width: 9.5rem; } .steps th { width: 2rem; }
.verdict { padding: .7rem .9rem; border-radius: 6px; margin: 1rem 0; border: 2px solid; font-weight: 600; }
.good { background: #eaf6ec; border-color: #2c7a3a; color: #1d5528; } .bad { background: #fdecea; border-color: #b3261e;
  color: #8c1d18; } .plain { background: #f4f5f7; border-color: #8a929b; color: #3b4249; }
.badge { display: inline-block; padding: 0 .5rem; border-radius: 999px; border: 1px solid; font-size: .84em;
  font-weight: 600; white-space: nowrap; }
.call, .record { border: 1px solid #d5d9dd; border-radius: 6px; padding: .7rem .9rem; margin: .7rem 0; }
.call header { display: flex; gap: .4rem .8rem; align-items: baseline; flex-wrap: wrap; }
.call header .dim { margin-left: auto; }
.ref { font-size: .8em; white-space: nowrap; } a { color: #1a4f8b; text-decoration: none; } a:hover {
  text-decoration: underline; } .record:target { border-color: #1a4f8b; background: #f3f8fe; }
ul { margin: .2rem 0; padding-left: 1.2rem; } li { margin: .2rem 0; }
.call h3 + .badge { align-self: center; }
@media print { body { max-width: none; margin: 0; font-size: 10.5pt; } .call, tr { break-inside: avoid; } h2, h3 {
  break-after: avoid; } a { color: inherit; } .verdict, .badge, pre { print-color-adjust: exact; } }
"""


def text(value: object) -> str:
    """Text of others on one line: escaped, and what could hide or reorder is spelled out."""
    return html.escape(printable(value))


def block(value: str) -> str:
    """Text of others on lines of their own, cut where it is long."""
    shown = "\n".join(text(line) for line in value[:SHOWN_CHARACTERS].split("\n"))
    more = len(value) - SHOWN_CHARACTERS
    rest = f'<p class="dim">… and {more} characters more, in the pack</p>' if more > 0 else ""
    return f"<pre>{shown}</pre>{rest}"


def code(value: object) -> str:
    """A digest, an id, a name."""
    return f"<code>{text(value)}</code>"


def when(at: str) -> str:
    """A time in the form of `at`, to the second: the record that it is of has all of it."""
    day, _, rest = at.partition("T")
    return text(f"{day} {rest[:8]} UTC" if at.endswith("+00:00") else at)


def badge(value: object, kind: str) -> str:
    """A word that catches the eye; `kind` is good, bad or plain."""
    return f'<span class="badge {kind}">{text(value)}</span>'


def rows(pairs: Iterable[tuple[str, str]], css: str = "") -> str:
    """A table of names and markup; rows without markup are left out."""
    lines = "".join(f"<tr><th>{text(name)}</th><td>{markup}</td></tr>" for name, markup in pairs if markup)
    return f'<table class="{css}">{lines}</table>'


def items(markups: Iterable[str]) -> str:
    """A list of markup; nothing where it is empty."""
    lines = "".join(f"<li>{markup}</li>" for markup in markups)
    return f"<ul>{lines}</ul>" if lines else ""


def page_head(title: str) -> str:
    """The beginning of a page that can load nothing, run nothing, send nothing, and has this one style."""
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="referrer" content="no-referrer"><meta name="robots" content="noindex">'
        f"<title>{text(title)}</title><style>{STYLE}</style></head><body>"
    )


PAGE_END: Final = "</body></html>\n"
