"""What answers approvals at a sidecar's desk: the other end of `approval_desk`."""

import http.client
import json
import socket
from typing import Any, Final

SECONDS: Final = 10.0


class Unanswered(Exception):
    """Nobody is there, or what was asked was refused; the text says which."""


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: str) -> None:
        """Nothing is connected yet."""
        super().__init__("localhost", timeout=SECONDS)
        self._path = path

    def connect(self) -> None:
        """Connect to the path."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(SECONDS)
        self.sock.connect(self._path)


class Desk:
    """The desk behind a Unix socket; every method raises Unanswered."""

    def __init__(self, path: str) -> None:
        """Nothing is connected yet."""
        self._path = path.removeprefix("unix:")

    def list(self, *, every: bool) -> list[dict[str, Any]]:
        """The approvals, the oldest first."""
        found = self._asked("GET", f"/approvals{'?all=1' if every else ''}")["approvals"]
        return list(found)

    def answer(self, id: str, what: str) -> dict[str, Any]:
        """Approve or reject: the id and the state afterwards."""
        if not (4 <= len(id) <= 32 and set(id) <= set("0123456789abcdef")):
            raise Unanswered(f"{id!r} is no id: it has 32 digits of 0-9 a-f, the first four of them at the least")
        return self._asked("POST", f"/approvals/{id}", json.dumps({"answer": what}))

    def _asked(self, method: str, path: str, body: str | None = None) -> dict[str, Any]:
        connection = UnixConnection(self._path)
        try:
            connection.request(method, path, body)
            answer = connection.getresponse()
            members = json.loads(answer.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Unanswered(f"no sidecar answers at {self._path}: {error}") from error
        finally:
            connection.close()
        if answer.status != 200:
            raise Unanswered(str(members.get("error", f"HTTP status {answer.status}")))
        return dict(members)
