"""Callers that call in turns what a busy agent calls, each call with a token of its own."""

import asyncio
import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import aiohttp

from tests.peers.raw import document, modern_headers

TURNS: Final = ("echo", "slow", "stream", "hang", "forbidden")
"""What each caller does in turn: `hang` is given up, `forbidden` has no grant."""

GRANTED: Final = ("echo", "slow", "stream", "hang")
GIVE_UP_SECONDS: Final = 0.03


@dataclass(slots=True)
class Calls:
    """What callers saw, by token; `unanswered` had no answer because nobody listened any more.

    `refused` has the codes of refusals that policy is not the reason of.
    """

    answered: set[str] = field(default_factory=set)
    denied: set[str] = field(default_factory=set)
    cancelled: set[str] = field(default_factory=set)
    unanswered: set[str] = field(default_factory=set)
    refused: dict[str, str] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def add(self, other: "Calls") -> None:
        """What other callers saw as well."""
        for mine, theirs in ((self.answered, other.answered), (self.denied, other.denied)):
            mine |= theirs
        self.cancelled |= other.cancelled
        self.unanswered |= other.unanswered
        self.refused |= other.refused
        self.wrong += other.wrong

    def count(self) -> int:
        """All calls that were made."""
        kinds = (self.answered, self.denied, self.cancelled, self.unanswered, self.refused, self.wrong)
        return sum(map(len, kinds))


async def call_until(urls: Sequence[str], stop: asyncio.Event, prefix: str, callers: int = 8) -> Calls:
    """Call in turns, at each of `urls` in turn, on `callers` connections until `stop`, or until nobody listens."""
    calls = Calls()
    tokens = (f"{prefix}-{number}" for number in itertools.count())
    connector = aiohttp.TCPConnector(limit=callers)
    async with aiohttp.ClientSession(connector=connector) as session:
        lines = (_Caller(session, urls, tokens, calls, turn) for turn in range(callers))
        await asyncio.gather(*(line.until(stop) for line in lines))
    return calls


class _Caller:
    """One caller; `turn` is where it begins, so that not all do the same at once."""

    def __init__(
        self, session: aiohttp.ClientSession, urls: Sequence[str], tokens: Iterator[str], calls: Calls, turn: int
    ) -> None:
        self._session, self._tokens, self._calls = session, tokens, calls
        self._tools = itertools.islice(itertools.cycle(TURNS), turn, None)
        self._urls = itertools.islice(itertools.cycle(urls), turn, None)

    async def until(self, stop: asyncio.Event) -> None:
        """Call until told to stop, or until nobody listens."""
        while not stop.is_set():
            token = next(self._tokens)
            try:
                await self._call(next(self._urls), next(self._tools), token)
            except (aiohttp.ClientError, OSError):
                self._calls.unanswered.add(token)
                return

    async def _call(self, url: str, tool: str, token: str) -> None:
        body = document("tools/call", {"name": tool, "arguments": {"token": token}})
        try:
            async with asyncio.timeout(GIVE_UP_SECONDS if tool == "hang" else None):
                async with self._session.post(url, data=body, headers=modern_headers("tools/call", tool)) as answer:
                    text = await answer.text()
        except TimeoutError:
            self._calls.cancelled.add(token)
            return
        self._sort(tool, token, text)

    def _sort(self, tool: str, token: str, text: str) -> None:
        code = refusal_code(text)
        if token in text:
            self._calls.answered.add(token)
        elif code == "not_granted" and tool == "forbidden":
            self._calls.denied.add(token)
        elif code is not None and code != "not_granted":
            self._calls.refused[token] = code
        else:
            self._calls.wrong.append(text)


def refusal_code(text: str) -> str | None:
    """The code of the sidecar's own refusal in an answer to a call; None for any other answer."""
    try:
        result = json.loads(text)["result"]
        return str(result["_meta"]["agentgate/decision"]["code"])
    except (ValueError, KeyError, TypeError):
        return None
