"""Who owns which session id, and what policy may know of a caller's past. Every table is bounded."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from policy.vocabulary import Caller, SessionView
from proxy.elicitation import Form
from proxy.refusals import NoSuchSession

MAX_SESSIONS: Final = 10_000
"""Session ids remembered for each sidecar; the one unused for longest goes first (its owner initialises again)."""

MAX_CALLERS: Final = 1_000
"""Verified callers whose past is counted."""


@dataclass(slots=True)
class _Past:
    calls: int = 0
    denials: int = 0


class Sessions:
    """Binds session ids to verified callers and counts for each caller, whatever session ids it claims.

    `sole_caller` is True when configuration names exactly one agent: an id from before a restart can
    then only be that agent's, and is adopted. With several callers an unknown id is nobody's.
    """

    def __init__(self, *, sole_caller: bool) -> None:
        self._sole_caller = sole_caller
        self._owners: OrderedDict[tuple[str, str], Caller] = OrderedDict()
        self._pasts: OrderedDict[Caller, _Past] = OrderedDict()
        self._forms: OrderedDict[tuple[Caller, str, str | None], frozenset[Form]] = OrderedDict()

    def declare(self, caller: Caller, upstream: str, session: str | None, forms: frozenset[Form]) -> None:
        """The client of a session (of the whole connection on stdio) can ask its user in these forms."""
        self._forms[caller, upstream, session] = forms
        self._forms.move_to_end((caller, upstream, session))
        if len(self._forms) > MAX_SESSIONS:
            self._forms.popitem(last=False)

    def forms(self, caller: Caller, upstream: str, session: str | None) -> frozenset[Form]:
        """In which forms the client of a session can ask its user; none where that is not known."""
        return self._forms.get((caller, upstream, session), frozenset())

    def bind(self, upstream: str, session: str, caller: Caller) -> None:
        """The upstream gave this id to this caller.

        Raises NoSuchSession for an id that another caller holds: it is not handed over.
        """
        owner = self._owners.setdefault((upstream, session), caller)
        if owner != caller:
            raise NoSuchSession
        self._owners.move_to_end((upstream, session))
        if len(self._owners) > MAX_SESSIONS:
            self._owners.popitem(last=False)

    def check(self, upstream: str, session: str | None, caller: Caller) -> None:
        """Refuse (NoSuchSession) an id that is not this caller's."""
        if session is None:
            return
        owner = self._owners.get((upstream, session))
        if owner is None and self._sole_caller:
            self.bind(upstream, session, caller)
        elif owner != caller:
            raise NoSuchSession
        else:
            self._owners.move_to_end((upstream, session))

    def end(self, upstream: str, session: str) -> None:
        """The session is over (DELETE, or the upstream says that it knows it no longer)."""
        owner = self._owners.pop((upstream, session), None)
        if owner is not None:
            self._forms.pop((owner, upstream, session), None)

    def view(self, caller: Caller, session: str | None) -> SessionView:
        """The caller's past; `session` only narrows what is shown, never resets it."""
        past = self._pasts.get(caller)
        return SessionView(session) if past is None else SessionView(session, past.calls, past.denials)

    def count(self, caller: Caller, *, denied: bool) -> None:
        """One more call of this caller, allowed or denied."""
        past = self._pasts.setdefault(caller, _Past())
        past.calls += 1
        past.denials += denied
        if len(self._pasts) > MAX_CALLERS:
            self._pasts.popitem(last=False)
