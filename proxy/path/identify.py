"""Identify: who is verified to be calling. The only maker of a Caller."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from policy.vocabulary import Caller

_SCHEME: Final = "bearer "


class Unidentified(Exception):
    """Nobody vouches for this caller; answered 401, since it is the sidecar itself that asks."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What came with a message: the Authorization header, and on a Unix socket the user id at its other end."""

    authorization: str | None = None
    peer_uid: int | None = None

    def __repr__(self) -> str:
        return f"Credentials(authorization={'given' if self.authorization else 'none'})"


@dataclass(frozen=True, slots=True)
class Holder:
    """Whom a token stands for."""

    tenant: str
    agent: str
    user: str | None = None


class Identity(Protocol):
    """Tells callers apart."""

    @property
    def tenants(self) -> frozenset[str]:
        """Every tenant that a caller can have: each has a chain of its own."""
        ...

    @property
    def sole(self) -> bool:
        """True if there can be only one caller."""
        ...

    @property
    def checks_peer(self) -> bool:
        """True if the user id at the other end of a Unix socket matters."""
        ...

    def identify(self, credentials: Credentials) -> Caller:
        """The caller. Raises Unidentified."""
        ...


class SoleAgent:
    """One agent named by configuration: whoever reaches the socket is it (loopback, a Unix socket, a pipe).

    With its user id known, on a Unix socket only that user is it, and the caller counts as verified by `peer`.
    """

    def __init__(self, tenant: str, agent: str, uid: int | None = None) -> None:
        self._caller = Caller(tenant, agent, None, None, "static")
        self._peer = Caller(tenant, agent, None, None, "peer")
        self._uid = uid
        self.tenants = frozenset({tenant})
        self.sole = True
        self.checks_peer = uid is not None

    def identify(self, credentials: Credentials) -> Caller:
        """The configured agent. Raises Unidentified for another user at the other end of a Unix socket."""
        if self._uid is None or credentials.peer_uid is None:
            return self._caller
        if credentials.peer_uid != self._uid:
            raise Unidentified
        return self._peer


class TokenHolders:
    """Callers told apart by bearer tokens, known by their SHA-256 (hex): looking one up tells nothing of the others."""

    def __init__(self, holders: Mapping[str, Holder]) -> None:
        self._callers = {
            digest: Caller(holder.tenant, holder.agent, None, holder.user, "static")
            for digest, holder in holders.items()
        }
        self.tenants = frozenset(holder.tenant for holder in holders.values())
        self.sole = len(set(self._callers.values())) == 1
        self.checks_peer = False

    def identify(self, credentials: Credentials) -> Caller:
        """The holder of the bearer token. Raises Unidentified."""
        given = credentials.authorization or ""
        if given[: len(_SCHEME)].lower() != _SCHEME:
            raise Unidentified
        # A header that is no UTF-8 holds its bytes as surrogates; these are looked up, and belong to nobody.
        token = given[len(_SCHEME) :].strip().encode(errors="surrogateescape")
        caller = self._callers.get(hashlib.sha256(token).hexdigest())
        if caller is None:
            raise Unidentified
        return caller
