"""One upstream: from what was written to what the data plane needs."""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

from proxy.reach import Network, Reach, literal
from proxy.settings.addresses import upstream_name, upstream_url
from proxy.settings.origin import KeyPath, Origin
from proxy.settings.problems import Findings, Unfit
from proxy.settings.secrets import added_header, passing_header, secret
from proxy.settings.shape import UpstreamSettings

_FINGERPRINT: Final = re.compile(r"(?:sha256:)?((?:[0-9a-f]{2}:?){31}[0-9a-f]{2})")


@dataclass(frozen=True, slots=True)
class Upstream:
    """One MCP server.

    `url` is exactly the configured text, empty for a child of `wrap`, whose `command` is then not empty.
    `added_headers` are set on each request and hold secrets; `forward_headers` and `return_headers` are names in lower
    case beyond the fixed lists; `resource` says whose URL is the resource of a login; `fingerprint` is the SHA-256 of
    the only certificate accepted (32 bytes); `reach` is where connections may go.
    """

    name: str
    url: str
    command: tuple[str, ...] = ()
    auth: Literal["none", "passthrough"] = "none"
    resource: Literal["rewrite", "keep"] = "rewrite"
    added_headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    forward_headers: frozenset[str] = frozenset()
    return_headers: frozenset[str] = frozenset()
    ca_file: Path | None = None
    fingerprint: bytes | None = None
    reach: Reach = field(default_factory=Reach)
    trusted: bool = False


def read_upstream(
    name: str,
    command: tuple[str, ...],
    given: UpstreamSettings | None,
    origin: Origin,
    found: Findings,
    environ: Mapping[str, str],
) -> Upstream | None:
    """The upstream called `name`; None if its name or its URL cannot be used."""
    reader = _Reader(("upstreams", name), given or UpstreamSettings(), origin, found)
    if found.take(reader.where(), upstream_name, name) is None:
        return None
    if command:
        return Upstream(name, "", command, trusted=reader.given.trusted)
    url = reader.url()
    upstream = Upstream(
        name=name,
        url=url or "",
        auth=reader.given.auth,
        resource=reader.resource(),
        added_headers=reader.added_headers(environ),
        forward_headers=reader.passing("forward", reader.given.headers.forward),
        return_headers=reader.passing("return", reader.given.headers.back),
        ca_file=reader.ca_file(),
        fingerprint=reader.fingerprint(),
        reach=reader.reach(url),
        trusted=reader.given.trusted,
    )
    return upstream if url else None


@dataclass(frozen=True, slots=True)
class _Reader:
    """The keys of one upstream, each read into a value or a problem."""

    at: KeyPath
    given: UpstreamSettings
    origin: Origin
    found: Findings

    def where(self, *key: str) -> str:
        return self.origin.where((*self.at, *key))

    def url(self) -> str | None:
        if self.given.url is None:
            self.found.add(self.where("url"), "is missing", f"Say where the server is: --upstream {self.at[-1]}=URL.")
            return None
        url = self.found.take(self.where("url"), upstream_url, self.given.url, allow_http=self.given.allow_http)
        if url is not None and not url.lower().startswith("https:"):
            for key in ("fingerprint", "ca_file"):
                if getattr(self.given, key) is not None:
                    self.found.add(self.where(key), "says which certificate to accept, and http has none", "Use https.")
        return url

    def resource(self) -> Literal["rewrite", "keep"]:
        if self.given.resource == "keep" and self.given.auth == "none":
            what = "speaks of metadata that is only served where the client's own Authorization passes"
            self.found.add(self.where("resource"), what, 'Set auth = "passthrough", or take it out.')
        return self.given.resource

    def added_headers(self, environ: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
        added = []
        for header, source in self.given.headers.set.items():
            key = ("headers", "set", header)
            name = self.found.take(self.where(*key), added_header, header)
            folder = self.origin.folder((*self.at, *key))
            value = self.found.take(self.where(*key), secret, source, folder, environ)
            if name is not None and value is not None:
                added.append((name, value))
        self._check_added([name.lower() for name, _ in added])
        return tuple(added)

    def _check_added(self, names: list[str]) -> None:
        where = self.where("headers", "set")
        if len(set(names)) < len(names):
            self.found.add(where, "names one header twice", "Header names do not tell upper from lower case.")
        if "authorization" in names and self.given.auth == "passthrough":
            what = "sets Authorization, while the client's own is passed through"
            self.found.add(where, what, 'Set auth = "none", or take the header out.')

    def passing(self, direction: str, names: tuple[str, ...]) -> frozenset[str]:
        where = self.where("headers", direction)
        return frozenset(low for name in names if (low := self.found.take(where, passing_header, name)))

    def ca_file(self) -> Path | None:
        text = self.given.ca_file
        if text is None:
            return None
        path = self.origin.folder((*self.at, "ca_file")) / Path(text).expanduser()
        if not path.is_file():
            self.found.add(self.where("ca_file"), f"there is no file {path}", "Name a file of PEM certificates.")
        return path

    def fingerprint(self) -> bytes | None:
        text = self.given.fingerprint
        return None if text is None else self.found.take(self.where("fingerprint"), _fingerprint, text)

    def reach(self, url: str | None) -> Reach:
        where, texts = self.where("addresses"), self.given.addresses
        networks = tuple(network for text in texts if (network := self.found.take(where, _network, text)) is not None)
        reach = Reach(networks)
        host = "" if url is None else urlsplit(url).hostname or ""
        address = literal(host)
        if len(networks) == len(texts) and address is not None and not reach.admits(host, address):
            self.found.add(where, f"has no network with {host}, where the URL goes", "Add it, or take `addresses` out.")
        return reach


def _network(text: str) -> Network:
    try:
        network = ipaddress.ip_network(text)
    except ValueError as error:
        raise Unfit(
            f"{text!r} is no address and no network of addresses",
            "Write 10.2.0.0/16 (no bits beyond the 16), 192.0.2.7 or 2001:db8::/32.",
        ) from error
    if isinstance(network, ipaddress.IPv6Network) and network.network_address.ipv4_mapped is not None:
        raise Unfit(f"{text!r} is a network of IPv4 addresses in the form of IPv6", "Write it as 10.2.0.0/16.")
    return network


def _fingerprint(text: str) -> bytes:
    matched = _FINGERPRINT.fullmatch(text.lower())
    if matched is None:
        raise Unfit(
            "is no SHA-256 of a certificate",
            "Write 64 hex digits, as openssl x509 -fingerprint -sha256 -noout prints them.",
        )
    return bytes.fromhex(matched[1].replace(":", ""))
