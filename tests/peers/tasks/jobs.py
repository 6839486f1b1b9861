"""Calls that go on as tasks: what each is at a moment, in the members of the extension io.modelcontextprotocol/tasks.

Moments are seconds since 1970 and arguments; nothing runs in the background.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

TTL_MS: Final = 60_000
POLL_MS: Final = 100
OVER: Final = frozenset({"completed", "failed", "cancelled"})


@dataclass(slots=True)
class Job:
    """One task. It waits for an answer to each of `asks`, works until `ready`, and is over with `end`.

    `end` is `{"result": ...}` or `{"error": ...}`. What was answered stands in the result as text.
    """

    id: str
    begun: float
    ready: float
    end: Mapping[str, Any]
    asks: dict[str, Any] = field(default_factory=dict)
    answers: dict[str, Any] = field(default_factory=dict)
    touched: float = 0.0
    cancelled: bool = False

    def status(self, now: float) -> str:
        """One of working, input_required, completed, failed, cancelled."""
        if self.cancelled:
            return "cancelled"
        if self.asks:
            return "input_required"
        if now < self.ready:
            return "working"
        return "failed" if "error" in self.end else "completed"

    def created(self, now: float) -> dict[str, Any]:
        """The result of the call that begins it: nothing yet of what it asks for, or of how it ends."""
        return {"resultType": "task", **self._members(now)}

    def seen(self, now: float) -> dict[str, Any]:
        """What `tasks/get` tells."""
        match self.status(now):
            case "input_required":
                return {**self._members(now), "inputRequests": self.asks}
            case "completed" | "failed":
                return {**self._members(now), **self._ended()}
        return self._members(now)

    def answer(self, answers: Mapping[str, Any], now: float) -> None:
        """Takes the answers to what is still asked; others mean nothing to it."""
        if self.cancelled:
            return
        self.touched = now
        for key in self.asks.keys() & answers.keys():
            self.answers[key] = answers[key]
            del self.asks[key]

    def cancel(self, now: float) -> None:
        """Ends it, unless it is over."""
        if self.status(now) not in OVER:
            self.cancelled, self.touched = True, now

    def _members(self, now: float) -> dict[str, Any]:
        changed = max(self.begun, self.touched, self.ready if self.status(now) in ("completed", "failed") else 0.0)
        return {
            "taskId": self.id,
            "status": self.status(now),
            "ttlMs": TTL_MS,
            "pollIntervalMs": POLL_MS,
            "createdAt": _told(self.begun),
            "lastUpdatedAt": _told(changed),
        }

    def _ended(self) -> Mapping[str, Any]:
        if not self.answers:
            return self.end
        result = self.end["result"]
        said = {"type": "text", "text": json.dumps(self.answers, sort_keys=True)}
        return {"result": {**result, "content": [*result["content"], said]}}


def _told(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")
