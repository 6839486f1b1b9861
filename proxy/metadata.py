"""Metadata: what the sidecar says in the place of an OAuth-protected upstream about where tokens for it come from.

    401, WWW-Authenticate: Bearer resource_metadata=URL     URL becomes the sidecar's own
    GET /.well-known/oauth-protected-resource/NAME          the upstream's document; its resource becomes the URL
                                                            that the client uses
    GET /.well-known/oauth-authorization-server[/NAME]      the upstream's document as it is, for older clients

An upstream of revision 2025-03-26 is its own authorization server and has no resource metadata. Clients look for the
one at the origin that they call, which is the sidecar's: so the sidecar says in resource metadata where it really is.
Documents come from the configured origin only, at the place that the upstream named last or at the well-known ones.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass, replace
from typing import Final

from proxy.forward import HttpLeg, HttpUpstream
from proxy.metrics import Metrics
from proxy.refusals import JSON, BadAnswer
from proxy.vocabulary import Arrival, Headers, Reply, UpstreamDown
from proxy.wire.challenges import UnclearChallenge, metadata_places, with_metadata_at
from proxy.wire.resource_metadata import (
    AUTHORIZATION_SERVERS,
    PROTECTED,
    WELL_KNOWN,
    NoDocument,
    beside,
    covers,
    origin,
    own_issuer,
    path_form,
    read_object,
    resource_document,
    resource_of,
    root_form,
    with_resource,
)

DOCUMENT_BYTES: Final = 256 << 10
"""A document of metadata has a few hundred bytes; signed ones have some thousand."""

FETCH_SECONDS: Final = 10.0
"""How long one document may take: a person waits for a login."""

_CHALLENGE: Final = "www-authenticate"
_HEADERS: Final = (*JSON, ("Cache-Control", "no-store"))
"""What a document says depends on how the client reached the sidecar; nobody in between may keep it."""

_ABSENT: Final = b'{"error":"the tool server publishes no such document"}'


@dataclass(frozen=True, slots=True)
class Place:
    """A path of the sidecar that stands for a document of an upstream; `path` is the resource's, empty for the root."""

    upstream: str
    kind: str
    path: str


def places(names: Iterable[str], sole: str | None) -> Mapping[str, Place]:
    """Every path at which documents of the upstreams called `names` are served.

    `sole` is the second path of the only upstream that is served, if there is only one: then the root is its, too.
    """
    served: dict[str, Place] = {}
    for name in names:
        for kind in (PROTECTED, *AUTHORIZATION_SERVERS):
            for path in (f"/{name}", *([] if sole is None else [sole, ""])):
                served[f"{WELL_KNOWN}{kind}{path}"] = Place(name, kind, path)
    return served


class Protected:
    """One upstream that gets the client's own Authorization: its challenges and documents, seen from the client."""

    def __init__(self, upstream: HttpUpstream, metrics: Metrics, *, keeps: bool) -> None:
        """`keeps`: documents go on with the upstream's own resource."""
        self._upstream = copy(upstream)
        self._upstream.target = replace(upstream.target, answer_bytes=DOCUMENT_BYTES)
        self._metrics = metrics
        self._keeps = keeps
        self._named: str | None = None

    def challenged(self, headers: Headers, base: str, path: str) -> Headers:
        """The headers of an answer, with the metadata that its challenges name at `base`, for the resource `path`.

        A challenge in which two readers could find two places is taken out: clients look in the usual places then.
        """
        if not any(name.lower() == _CHALLENGE for name, _ in headers):
            return headers
        return tuple(self._challenged(headers, base, f"{base}{WELL_KNOWN}{PROTECTED}{path}"))

    def _challenged(self, headers: Headers, base: str, own: str) -> Iterator[tuple[str, str]]:
        for name, value in headers:
            if name.lower() != _CHALLENGE:
                yield name, value
                continue
            try:
                named = metadata_places(value)
            except UnclearChallenge:
                self._count(BadAnswer("unclear_challenge", "two readers could find two places of metadata in it"))
                continue
            for place in named:
                self._follow(place.url, base)
            yield name, with_metadata_at(value, named, own)

    def _follow(self, named: str, base: str) -> None:
        """Remember where the upstream says that its document lies, if that is a place to go to."""
        place = beside(self._upstream.target.url, named, base)
        if place is None:
            self._count(BadAnswer("foreign_metadata", "metadata of another origin than the configured URL"))
        self._named = place

    def _count(self, met: BadAnswer) -> None:
        """Count what is wrong with a challenge; the answer that carries it goes on without that."""
        self._metrics.refused(self._upstream.name, met.code)

    async def document(self, place: Place, base: str, headers: Headers) -> Reply:
        """The document that stands for `place`, as a client at `base` may have it; 404 where the upstream has none.

        A failure of the upstream keeps its status. Raises UpstreamDown, BadAnswer.
        """
        status = 404
        for url in self._candidates(place):
            arrival = await self._fetch(url, headers)
            if arrival.status == 200 and (document := self._told(place, arrival.body or b"", base)) is not None:
                return Reply(200, _HEADERS, document)
            if arrival.status == 429 or arrival.status >= 500:
                status = arrival.status
        if status == 404 and place.kind == PROTECTED and (made := await self._made(place, base, headers)) is not None:
            return Reply(200, _HEADERS, made)
        return Reply(status, _HEADERS, _ABSENT)

    async def _made(self, place: Place, base: str, headers: Headers) -> bytes | None:
        """Resource metadata for an upstream that is its own authorization server; None for every other."""
        url = self._upstream.target.url
        arrival = await self._fetch(root_form(url, AUTHORIZATION_SERVERS[0]), headers)
        try:
            issuer = own_issuer(arrival.body or b"", url) if arrival.status == 200 else None
        except NoDocument:
            return None
        return None if issuer is None else resource_document(url if self._keeps else base + place.path, issuer)

    def _candidates(self, place: Place) -> Iterable[str]:
        """Where the document may lie, in the order in which a client looks that asks the upstream itself."""
        url, kind = self._upstream.target.url, place.kind
        if not place.path:
            return (root_form(url, kind),)
        if kind != PROTECTED:
            return (path_form(url, kind),)
        named = () if self._named is None else (self._named,)
        return dict.fromkeys((*named, path_form(url, kind), root_form(url, kind)))

    async def _fetch(self, url: str, headers: Headers) -> Arrival:
        """One document, unread; a stream counts as an empty one. Redirects are not followed."""
        try:
            async with asyncio.timeout(FETCH_SECONDS), HttpLeg(self._upstream) as leg:
                return await leg.request("GET", (*headers, *self._upstream.added_headers), url=url)
        except TimeoutError as error:
            raise UpstreamDown(self._upstream.name, f"no document in {FETCH_SECONDS} s", written=True) from error

    def _told(self, place: Place, document: bytes, base: str) -> bytes | None:
        """The document as the client gets it; None if it is none. Raises BadAnswer for one of another resource here."""
        try:
            if place.kind != PROTECTED:
                read_object(document)
                return document
            resource = resource_of(document)
        except NoDocument:
            return None
        own = base + place.path
        if resource is None or resource == own:
            return document
        if covers(resource, self._upstream.target.url):
            return document if self._keeps else with_resource(document, own)
        if origin(resource) == origin(base):
            raise BadAnswer("foreign_resource", "the metadata speaks of another resource behind this sidecar")
        return document
