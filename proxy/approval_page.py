"""The page of an approval, for whoever made the call: how it stands, and nothing that lets it pass.

Its address holds the approval's id, which nobody guesses (128 random bits); beyond that nobody is asked who he is.
"""

import html
from typing import Final

from evidence.printable import printable
from policy.approval import State
from policy.approval_store import Approval
from proxy.settings.addresses import Address, TcpAddress
from proxy.vocabulary import Reply

PAGES: Final = "/-/approvals/"
_ID: Final = "{id}"
_EVERYWHERE: Final = frozenset({"0.0.0.0", "::", "*", ""})  # noqa: S104  (compared with, not bound)
_AGAIN_SECONDS: Final = 3

_HEADERS: Final = (
    ("Content-Type", "text/html; charset=utf-8"),
    ("Cache-Control", "no-store"),
    ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
)
_SAID: Final = {
    State.WAITING: ("Waiting", "It waits for somebody who may approve it. This page looks again by itself."),
    State.GRANTED: ("Approved", "The call may pass once. The agent goes on, or repeats it."),
    State.REJECTED: ("Rejected", "Somebody was asked, and said no."),
    State.EXPIRED: ("Expired", "Nobody answered in time, or the call was not repeated in time."),
    State.SPENT: ("Done", "The call has passed, with this approval."),
    State.CANCELLED: ("Cancelled", "Whoever made the call wants it no more."),
}
_PAGE: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}: approval {id}</title>{again}
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 38rem; margin: 3rem auto; padding: 0 1rem }}
body {{ color: #1a1a1a; background: #fff }}
h1 {{ font-size: 1.5rem; margin: 0 0 .25rem }}
dl {{ display: grid; grid-template-columns: 8rem 1fr; gap: .25rem 1rem; margin: 1.5rem 0 }}
dt {{ color: #595959 }} dd {{ margin: 0; overflow-wrap: anywhere }} code {{ font-size: .9em }}
@media (prefers-color-scheme: dark) {{ body {{ color: #eee; background: #161616 }} dt {{ color: #a6a6a6 }} }}
</style></head>
<body><main><h1>{title}</h1><p>{said}</p>
<dl>{facts}</dl></main></body></html>
"""


def page_url(address: Address) -> str | None:
    """Where the page is found, with `{id}` in it; None where nobody can tell by the listening address alone."""
    if not isinstance(address, TcpAddress) or address.host in _EVERYWHERE or address.port == 0:
        return None
    return f"http://{address}{PAGES}{_ID}"


def id_in(path: str) -> str | None:
    """The id in the path of a page; None for any other path."""
    id = path.removeprefix(PAGES)
    return id if id != path and len(id) == 32 and id.isascii() and id.isalnum() else None


def page(approval: Approval | None, now: int) -> Reply:
    """The page as it stands at `now` (seconds since 1970); 404 for no such approval."""
    if approval is None:
        return Reply(404, (("Content-Type", "text/plain; charset=utf-8"),), b"There is no such approval.\n")
    title, said = _SAID[approval.state]
    again = f'<meta http-equiv="refresh" content="{_AGAIN_SECONDS}">' if approval.state is State.WAITING else ""
    facts = "".join(f"<dt>{name}</dt><dd>{html.escape(printable(value))}</dd>" for name, value in _facts(approval, now))
    text = _PAGE.format(title=title, id=approval.asked.id[:8], said=said, again=again, facts=facts)
    return Reply(200, _HEADERS, text.encode())


def _facts(approval: Approval, now: int) -> list[tuple[str, str]]:
    asked = approval.asked
    facts = [
        ("Approval", asked.id),
        ("Agent", asked.agent),
        ("Call", asked.name or asked.method),
        ("Tool server", asked.upstream),
        ("Reason", asked.reason),
    ]
    if asked.approvers:
        facts.append(("Who may", ", ".join(asked.approvers)))
    if asked.steps > 1:
        facts.append(("Approved by", f"{len(approval.answers)} of {asked.steps} people"))
    if approval.state in (State.WAITING, State.GRANTED):
        facts.append(("Time left", f"{max(0, asked.expires_at - now) // 60} min"))
    return facts
