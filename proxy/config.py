"""The configuration of one process: read once from file, flags and environment, checked as a whole, then frozen.

Nothing else in the project reads the environment. Everything that is wrong is reported together (ConfigProblems).
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from evidence.problem import Problem
from evidence.record import Durability
from policy.trust import ExceptionTrust, Trust
from proxy.path.identify import Holder
from proxy.redacting import RedactionConfig
from proxy.settings.addresses import Address, TcpAddress, UnixAddress, listen_address, socket_path
from proxy.settings.bundle_server import read_bundle_server
from proxy.settings.central import CentralConfig, read_central
from proxy.settings.flags import Flags, given_keys, overlaid
from proxy.settings.opa import read_opa_address, read_opa_bundle, read_opa_uid
from proxy.settings.origin import KeyPath, Origin, merged
from proxy.settings.problems import ConfigProblems, Findings, Unfit
from proxy.settings.reading import parse_file, read_shape
from proxy.settings.redaction import read_redaction
from proxy.settings.shape import (
    ApprovalSettings,
    EvidenceSettings,
    HostSettings,
    LimitSettings,
    PolicySettings,
    Settings,
)
from proxy.settings.tokens import read_tokens
from proxy.settings.trust import read_exception_trust, read_trust
from proxy.settings.upstreams import Upstream, read_upstream

if TYPE_CHECKING:
    from policy.bundle_server import BundleServer

BUILT_IN_POLICIES: Final = ("starter", "observe")
ADMIN_SOCKET: Final = "admin.sock"

_LISTEN_REMEDY: Final = "Listen on loopback or a Unix socket, or set identity.tokens_file (--tokens FILE)."
_TOKENS_REMEDY: Final = (
    'Set auth = "none", or take identity.tokens_file out: one sidecar for each agent needs no tokens.'
)


@dataclass(frozen=True, slots=True)
class IdentityConfig:
    """Who calls. `tokens` maps the SHA-256 of a bearer token (hex) to its holder; None means one sole agent."""

    tenant: str
    agent: str
    agent_uid: int | None
    tokens_file: Path | None
    tokens: Mapping[str, Holder] | None = field(repr=False)

    @property
    def tenants(self) -> frozenset[str]:
        """Every tenant that a caller can have."""
        if self.tokens is None:
            return frozenset({self.tenant})
        return frozenset(holder.tenant for holder in self.tokens.values())


@dataclass(frozen=True, slots=True)
class PolicyConfig:
    """Which policy decides, and where. `trust` is for bundles.

    `spec` is `starter`, `observe`, an absolute path, or a URL without its query, which `server` has.
    """

    spec: str
    engine: Literal["embedded", "opa"]
    opa_address: str | None
    opa_uid: int | None
    opa_bundle: Path | None
    budget_seconds: float | None
    trusted_upstreams: tuple[str, ...]
    trust: Trust = field(default_factory=Trust, repr=False)
    exceptions: ExceptionTrust = field(default_factory=ExceptionTrust, repr=False)
    server: "BundleServer | None" = None


@dataclass(frozen=True, slots=True)
class EvidenceConfig:
    """Where records go. A call goes on when its intent is as durable as `durability` says."""

    folder: Path
    durability: Durability
    min_free_bytes: int
    warn_bytes: int
    redaction: RedactionConfig = field(default_factory=RedactionConfig)


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that an operator decides about one process. Paths are absolute; secrets are loaded and not printed."""

    listen: Address
    listen_mode: str
    admin: Address
    state: Path
    upstreams: tuple[Upstream, ...]
    policy: PolicyConfig
    identity: IdentityConfig
    evidence: EvidenceConfig
    limits: LimitSettings
    approvals: ApprovalSettings
    approvals_listen: UnixAddress | None
    hosts: HostSettings
    central: CentralConfig | None = None


@dataclass(frozen=True, slots=True)
class Places:
    """Where one installation keeps what it keeps."""

    state: Path
    evidence: Path


def environment() -> Mapping[str, str]:
    """The environment of this process."""
    return os.environ


def make_state(config: Config) -> None:
    """Make the state folder, for its owner alone, where there is none. Raises ConfigProblems."""
    try:
        config.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        what = f"{config.state} cannot be made: {error.strerror}"
        raise ConfigProblems((Problem("state", what, "Say where to keep keys and orders: --state DIR."),)) from error


def read_config(flags: Flags, environ: Mapping[str, str]) -> Config:
    """The configuration of `agentgate sidecar`. Raises ConfigProblems with everything that is wrong."""
    reader = _Reader(flags, environ)
    if not reader.settings.upstreams and not reader.told_of_upstreams:
        remedy = "Name at least one MCP server: --upstream files=https://tools.example/mcp."
        reader.found.add("upstreams", "there is none", remedy)
    return reader.config(dict.fromkeys(reader.settings.upstreams, ()))


def read_wrap_config(flags: Flags, environ: Mapping[str, str], name: str, command: tuple[str, ...]) -> Config:
    """The configuration of `agentgate wrap`: the one upstream is the child, and it is called `name`.

    Of the file's upstreams only one of this name counts (for `trusted`). Raises ConfigProblems.
    """
    reader = _Reader(flags, environ)
    return reader.config({name: command})


def read_places(flags: Flags, environ: Mapping[str, str]) -> Places:
    """State and evidence folder alone: what is wrong elsewhere stops no order. Raises ConfigProblems."""
    reader = _Reader(flags, environ, only=(("state",), ("evidence", "folder")))
    places = reader.places()
    reader.found.settle()
    return places


def read_bundle_trust(flags: Flags, environ: Mapping[str, str]) -> Trust:
    """Whose bundles count, alone, for commands that look at a policy. Raises ConfigProblems."""
    reader = _Reader(flags, environ, only=tuple(("policy", key) for key in ("keys", "scope", "unsigned")))
    trust = reader.trust()
    reader.found.settle()
    return trust


def read_bundle_place(flags: Flags, environ: Mapping[str, str]) -> "tuple[str, BundleServer | None]":
    """Where the policy is that the flags name (`PolicyConfig.spec`), and its server, alone. Raises ConfigProblems."""
    reader = _Reader(flags, environ, only=(("policy", "server"), ("policy", "spec")))
    server = reader.server()
    reader.found.settle()
    return (reader.settings.policy.spec if server is None else server.shown), server


def read_trust_in_exceptions(flags: Flags, environ: Mapping[str, str]) -> ExceptionTrust:
    """Whose exceptions count, alone, for commands that look at them. Raises ConfigProblems."""
    only = tuple(("policy", key) for key in ("exception_keys", "local_exceptions"))
    reader = _Reader(flags, environ, only=only)
    trust = reader.exception_trust()
    reader.found.settle()
    return trust


def read_redaction_alone(flags: Flags, environ: Mapping[str, str]) -> RedactionConfig:
    """What becomes of texts that are recorded `redacted`, for a look at a sample. Raises ConfigProblems."""
    reader = _Reader(flags, environ, only=(("evidence", "redaction"),))
    redaction = reader.redaction()
    reader.found.settle()
    return redaction


class _Reader:
    """One reading: the merged settings, and what was found wrong so far."""

    def __init__(self, flags: Flags, environ: Mapping[str, str], only: tuple[KeyPath, ...] | None = None) -> None:
        self.found = found = Findings()
        self._environ = environ
        file = flags.config or environ.get("AGENTGATE_CONFIG")
        path = Path(file).expanduser() if file else None
        read = found.take(str(path), parse_file, path) if path else {}
        parsed = read or {}
        keys = given_keys(flags, found)
        self._origin = Origin(path, {key.at: key.flag for key in keys})
        given = overlaid(parsed, keys)
        if only is not None:
            given = _picked(given, only)
        # What could not be read is a problem already: nobody knows whether there is none.
        self.told_of_upstreams = read is None or bool(given.get("upstreams"))
        self.settings = read_shape(Settings, given, self._origin, found) or Settings()

    def config(self, upstreams: Mapping[str, tuple[str, ...]]) -> Config:
        """Resolve everything; `upstreams` maps a name to its command, which is empty for a server behind a URL."""
        places = self.places()
        listen = self._listen()
        identity = self._identity()
        served = tuple(upstream for name, command in upstreams.items() if (upstream := self._upstream(name, command)))
        config = Config(
            listen=listen,
            listen_mode=self.settings.listen_mode,
            admin=self._admin(places.state, wraps=any(upstreams.values())),
            state=places.state,
            upstreams=served,
            policy=self._policy(self.settings.policy, served, places.state),
            identity=identity,
            evidence=_evidence(self.settings.evidence, places.evidence, self.redaction()),
            limits=self.settings.limits,
            approvals=self.settings.approvals,
            approvals_listen=self._approvals_listen(),
            hosts=self.settings.hosts,
            central=self._central(),
        )
        self._check_exposure(config)
        self._check_tokens(config)
        self.found.settle()
        return config

    def places(self) -> Places:
        """State and evidence folder; the evidence folder must not be the state folder, nor hold it."""
        state = self._path(("state",), self.settings.state) or self._default_state()
        at = ("evidence", "folder")
        evidence = self._path(at, self.settings.evidence.folder) or state / "evidence"
        if state.is_relative_to(evidence):
            remedy = "The evidence folder holds evidence and nothing else: choose another."
            self.found.add(self._origin.where(at), f"{evidence} holds the state folder {state}", remedy)
        return Places(state, evidence)

    def _default_state(self) -> Path:
        if named := self._environ.get("AGENTGATE_STATE"):
            return Path(named).absolute()
        base = Path(self._environ.get("XDG_STATE_HOME", ""))
        if base.is_absolute():
            return base / "agentgate"
        home = self.found.take("state", _home, self._environ)
        return (home or Path("/")) / ".local" / "state" / "agentgate"

    def _path(self, at: KeyPath, text: str | None) -> Path | None:
        """An absolute path; a relative one is under the folder of the file that names it."""
        return None if text is None else Path(os.path.normpath(self._origin.folder(at) / Path(text).expanduser()))

    def _address(self, at: KeyPath, text: str) -> Address | None:
        return self.found.take(self._origin.where(at), listen_address, text, self._origin.folder(at))

    def _listen(self) -> Address:
        return self._address(("listen",), self.settings.listen) or listen_address(Settings().listen, Path("/"))

    def _admin(self, state: Path, *, wraps: bool) -> Address:
        """Where health and metrics are served; `wrap` serves none, and its state folder may have a long path."""
        if wraps:
            return UnixAddress(state / ADMIN_SOCKET)
        address = None if self.settings.admin is None else self._address(("admin",), self.settings.admin)
        return address or self._admin_socket(state)

    def _admin_socket(self, state: Path) -> Address:
        path = self.found.take(self._origin.where(("state",)), socket_path, ADMIN_SOCKET, state)
        return UnixAddress(path or state / ADMIN_SOCKET)

    def _approvals_listen(self) -> UnixAddress | None:
        given, at = self.settings.approvals, ("approvals", "listen")
        if given.listen is None:
            return None
        where = self._origin.where(at)
        address = self._address(at, given.listen)
        if isinstance(address, TcpAddress):
            what = f"{address} is no Unix socket, on which alone the system says who answers"
            self.found.add(where, what, "Write unix:PATH, such as unix:/run/agentgate/approvals.sock.")
            return None
        if not given.approvers:
            remedy = "Name the people in approvals.approvers, by their login names."
            self.found.add(where, "is given, and nobody may answer there", remedy)
        return address

    def _central(self) -> CentralConfig | None:
        given = self.settings
        return read_central(given.central, given.evidence, self._file, self._origin, self.found)

    def _identity(self) -> IdentityConfig:
        given = self.settings.identity
        path = self._path(("identity", "tokens_file"), given.tokens_file)
        tokens = None if path is None else read_tokens(path, self.found)
        return IdentityConfig(given.tenant, given.agent, given.agent_uid, path, tokens)

    def _upstream(self, name: str, command: tuple[str, ...]) -> Upstream | None:
        return read_upstream(name, command, self.settings.upstreams.get(name), self._origin, self.found, self._environ)

    def trust(self) -> Trust:
        """Whose bundles count."""
        return read_trust(self.settings.policy, self._file, self._origin, self.found)

    def exception_trust(self) -> ExceptionTrust:
        """Whose exceptions count."""
        return read_exception_trust(self.settings.policy, self._file, self._origin, self.found)

    def _file(self, at: KeyPath, text: str) -> Path:
        return self._path(at, text) or Path(text)

    def _policy(self, given: PolicySettings, upstreams: tuple[Upstream, ...], state: Path) -> PolicyConfig:
        server = self.server()
        return PolicyConfig(
            spec=self._policy_spec(given.spec, state) if server is None else server.shown,
            engine=given.engine,
            opa_address=read_opa_address(given, self._origin, self.found),
            opa_uid=read_opa_uid(given, self._origin, self.found),
            opa_bundle=read_opa_bundle(given, self._file, self._origin, self.found),
            budget_seconds=given.budget_seconds,
            trusted_upstreams=tuple(upstream.name for upstream in upstreams if upstream.trusted),
            trust=self.trust(),
            exceptions=self.exception_trust(),
            server=server,
        )

    def server(self) -> "BundleServer | None":
        """The server that hands out the bundle, if one does."""
        return read_bundle_server(self.settings.policy, self._file, self._origin, self.found, self._environ)

    def _policy_spec(self, spec: str, state: Path) -> str:
        at = ("policy", "spec")
        path = None if spec in BUILT_IN_POLICIES else self._path(at, spec)
        if path is None:
            return spec
        if not path.exists() and not _is_kept(state, str(path)):
            remedy = f"Write {' or '.join(BUILT_IN_POLICIES)}, or the path of a folder or bundle."
            self.found.add(self._origin.where(at), f"there is no {path}", remedy)
        return str(path)

    def redaction(self) -> RedactionConfig:
        """What becomes of texts that are recorded `redacted`."""
        return read_redaction(self.settings.evidence.redaction, self._file, self._origin, self.found)

    def _check_exposure(self, config: Config) -> None:
        """Whoever reaches a listener that asks for no token is the agent, so only this machine may reach it."""
        if not config.listen.loopback and config.identity.tokens_file is None:
            what = f"{config.listen} can be reached from elsewhere, and callers need no token"
            self.found.add(self._origin.where(("listen",)), what, _LISTEN_REMEDY)

    def _check_tokens(self, config: Config) -> None:
        """Authorization holds one token: the sidecar's own for this caller, which no server may see, or a server's."""
        for upstream in config.upstreams:
            if upstream.auth == "passthrough" and config.identity.tokens_file is not None:
                what = "passes Authorization on, where callers show this sidecar their token"
                self.found.add(self._origin.where(("upstreams", upstream.name, "auth")), what, _TOKENS_REMEDY)


def _is_kept(state: Path, spec: str) -> bool:
    """Whether a start can go on with the last good bundle of a file that is not there."""
    from policy.keeping import kept_at  # Where the file is missing alone: what it needs is slow to load.

    return kept_at(state, spec).is_file()


def _evidence(given: EvidenceSettings, folder: Path, redaction: RedactionConfig) -> EvidenceConfig:
    return EvidenceConfig(folder, given.durability, given.min_free_bytes, given.warn_bytes, redaction)


def _home(environ: Mapping[str, str]) -> Path:
    if home := environ.get("HOME"):
        return Path(home).absolute()
    try:
        return Path.home()
    except RuntimeError as error:
        raise Unfit("this user has no home folder", "Say where to keep keys and orders: --state DIR.") from error


def _picked(given: Mapping[str, Any], only: tuple[KeyPath, ...]) -> dict[str, Any]:
    picked: dict[str, Any] = {}
    for at in only:
        value: Any = given
        for key in at:
            value = value.get(key) if isinstance(value, Mapping) else None
        if value is not None:
            picked = merged(picked, at, value)
    return picked
