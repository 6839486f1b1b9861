"""From the settings of policy to the server that hands out its bundle; all that is wrong is told at the start."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from proxy.settings.addresses import is_loopback
from proxy.settings.origin import KeyPath, Origin
from proxy.settings.problems import Findings, Unfit
from proxy.settings.secrets import added_header, secret
from proxy.settings.shape import BundleServerSettings, PolicySettings

if TYPE_CHECKING:
    from policy.bundle_server import BundleServer

_URL_REMEDY: Final = "Write the bundle's whole URL, such as https://policy.example/agentgate/policy."
_HTTP_REMEDY: Final = "Use https, or set policy.server.allow_http = true if the network between is trusted."
_SPEC_REMEDY: Final = "Say which bundle: policy.spec = https://… (--policy), or take policy.server out."
_AT: Final = ("policy", "server")


def bundle_url(text: str, *, allow_http: bool) -> str:
    """The URL of a bundle as it is written: https, or http to loopback (anywhere, with `allow_http`). Raises Unfit."""
    if not text.isascii() or not text.isprintable() or " " in text:
        raise Unfit("the URL has blanks or characters outside ASCII", "Write them percent-encoded.")
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError as error:
        raise Unfit("this is no URL", _URL_REMEDY) from error
    if not parts.hostname or parts.path in ("", "/"):
        raise Unfit("the URL names no bundle of a server", _URL_REMEDY)
    if parts.username is not None or parts.password is not None:
        raise Unfit("the URL holds a user name or password", "Take it out, and set policy.server.token or headers.")
    if parts.fragment or text.endswith("#"):
        raise Unfit("the URL has a fragment, which no server ever sees", "Take out '#' and what follows it.")
    if parts.scheme.lower() == "http" and not allow_http and not is_loopback(parts.hostname):
        raise Unfit(f"plain http to {parts.hostname}, which is not this machine", _HTTP_REMEDY)
    return text


def read_bundle_server(
    given: PolicySettings,
    path_of: Callable[[KeyPath, str], Path],
    origin: Origin,
    found: Findings,
    environ: Mapping[str, str],
) -> "BundleServer | None":
    """The server that `spec` names, if it does. `path_of` gives the absolute path of a file that a key names."""
    if not given.spec.lower().startswith(("http://", "https://")):
        if given.server != BundleServerSettings() and not _spec_alone_is_of_a_flag(origin):
            token = (*_AT, "token")
            where = origin.where(token if token in origin.flags else _AT)
            found.add(where, "is given, while the policy comes from no server", _SPEC_REMEDY)
        return None
    return _Reader(given.server, path_of, origin, found, environ).server(given.spec)


def _spec_alone_is_of_a_flag(origin: Origin) -> bool:
    """Whether the command line names another policy than a file that has a server for its own."""
    return ("policy", "spec") in origin.flags and (*_AT, "token") not in origin.flags


@dataclass(frozen=True, slots=True)
class _Reader:
    """The keys of the server, each read into a value or a problem."""

    given: BundleServerSettings
    path_of: Callable[[KeyPath, str], Path]
    origin: Origin
    found: Findings
    environ: Mapping[str, str]

    def server(self, spec: str) -> "BundleServer | None":
        from policy.bundle_server import BundleServer  # For a policy of a server alone.

        given = self.given
        where = self.origin.where(("policy", "spec"))
        url = self.found.take(where, bundle_url, spec, allow_http=given.allow_http)
        sources = self._sources()
        for name, (key, source) in sources.items():
            self.found.take(self._where(*key), secret, source, self._folder(*key), self.environ)
            if name in given.headers:
                self.found.take(self._where(*key), added_header, name)
        if url is None:
            return None
        server = BundleServer(
            url=url,
            credentials=self._credentials(sources),
            ca_file=self._file("ca_file"),
            certificate_file=self._file("certificate_file"),
            key_file=self._file("key_file"),
            poll_seconds=given.poll_seconds,
            wait_seconds=given.wait_seconds,
            max_bytes=given.max_bytes,
        )
        self._check_tls(server)
        return server

    def _where(self, *key: str) -> str:
        return self.origin.where((*_AT, *key))

    def _folder(self, *key: str) -> Path:
        return self.origin.folder((*_AT, *key))

    def _file(self, key: str) -> Path | None:
        text = getattr(self.given, key)
        if text is None:
            return None
        path = self.path_of((*_AT, key), text)
        if not path.is_file():
            self.found.add(self._where(key), f"there is no file {path}", "Name a PEM file.")
            return None
        return path

    def _sources(self) -> dict[str, tuple[KeyPath, str]]:
        """Key and source of each header that holds a secret."""
        given = self.given
        sources: dict[str, tuple[KeyPath, str]] = {
            name: (("headers", name), source) for name, source in given.headers.items()
        }
        if given.token is not None:
            if any(name.lower() == "authorization" for name in given.headers):
                what = "is given, while headers sets Authorization, too"
                self.found.add(self._where("token"), what, "Take one of them out.")
            sources["Authorization"] = (("token",), given.token)
        return sources

    def _credentials(self, sources: Mapping[str, tuple[KeyPath, str]]) -> Callable[[], Mapping[str, str]]:
        """What reads the secrets anew; the token alone is written behind the word that it goes by."""
        places = {name: (source, self._folder(*key), key == ("token",)) for name, (key, source) in sources.items()}
        environ = self.environ

        def read() -> Mapping[str, str]:
            from policy.engine import PolicyRefused

            try:
                return {
                    name: ("Bearer " if bearer else "") + secret(source, folder, environ)
                    for name, (source, folder, bearer) in places.items()
                }
            except Unfit as error:
                raise PolicyRefused((error.what,)) from error

        return read

    def _check_tls(self, server: "BundleServer") -> None:
        """Certificates are for https, a key has its certificate, and both can be loaded."""
        given = self.given
        named = [key for key in ("ca_file", "certificate_file", "key_file") if getattr(given, key) is not None]
        if server.url.lower().startswith("http:"):
            for key in named:
                self.found.add(self._where(key), "is about TLS, and http has none", "Use https, or take it out.")
            return
        if given.key_file is not None and given.certificate_file is None:
            self.found.add(self._where("key_file"), "has no certificate_file", "Name the certificate as well.")
        elif named:
            try:
                server.tls()
            except OSError as error:
                what = f"cannot be used: {error.strerror or error}"
                self.found.add(self._where(named[0]), what, "Name PEM files: certificates, and the key of the first.")
