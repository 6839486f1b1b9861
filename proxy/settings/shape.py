"""The shape of the configuration file: what may be written, with type, bounds, unit and meaning.

`docs/configuration.md` is generated from here. Every key is optional unless it says otherwise; a key that is not here
is a problem, not a remark. Sizes are in bytes and times in seconds, as their names say.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

_AUTHORITY = r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])"

Text = Annotated[str, Meta(min_length=1)]
Name = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9][A-Za-z0-9._@:/+-]{0,127}\Z")]
"""A tenant, an agent, a user: safe in a file name's quoting, a label and a terminal."""

HostName = Annotated[str, Meta(pattern=rf"\A{_AUTHORITY}(?::(?:[0-9]{{1,5}}|\*))?\Z")]
Origin = Annotated[str, Meta(pattern=rf"\Ahttps?://{_AUTHORITY}(?::[0-9]{{1,5}})?\Z")]
PageUrl = Annotated[str, Meta(pattern=rf"\Ahttps?://{_AUTHORITY}(?::[0-9]{{1,5}})?/[!-~]*\{{id\}}[!-~]*\Z")]
Count = Annotated[int, Meta(ge=1)]
Size = Annotated[int, Meta(ge=1024)]
Seconds = Annotated[float, Meta(gt=0, le=3600)]


class IdentitySettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who calls. Without `tokens_file` everybody who reaches the listening address is `agent`."""

    tenant: Annotated[Name, Meta(description="The tenant of the sole agent: letters, digits and . _ @ : / + -")] = (
        "default"
    )
    agent: Annotated[Name, Meta(description="The name of the sole agent: letters, digits and . _ @ : / + -")] = (
        "default"
    )
    agent_uid: Annotated[
        Annotated[int, Meta(ge=0)] | None,
        Meta(description="The user id that the agent runs under, where it is known; isolation is judged by it."),
    ] = None
    tokens_file: Annotated[
        Text | None,
        Meta(description="A file of bearer tokens' hashes (mode 0600); with it each caller must show a token."),
    ] = None


class BundleServerSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the server is asked that hands out the bundle, where `policy.spec` is a URL."""

    token: Annotated[
        Text | None,
        Meta(
            description="Bearer token: `@FILE`, read anew for each question, or `$VARIABLE`; never the secret itself."
        ),
    ] = None
    headers: Annotated[
        dict[str, Text], Meta(description="Other headers that the sidecar sends. A value is `@FILE` or `$VARIABLE`.")
    ] = {}
    ca_file: Annotated[Text | None, Meta(description="PEM file: the only authorities accepted for this server.")] = None
    certificate_file: Annotated[
        Text | None, Meta(description="PEM file: the certificate that the sidecar shows to this server.")
    ] = None
    key_file: Annotated[
        Text | None, Meta(description="PEM file: the key of `certificate_file`, if it is not in there.")
    ] = None
    allow_http: Annotated[bool, Meta(description="Accept an http URL that is not on loopback.")] = False
    poll_seconds: Annotated[
        Seconds,
        Meta(description="Longest pause before the server is asked again, where it cannot wait for news, or fails."),
    ] = 60.0
    wait_seconds: Annotated[
        Annotated[int, Meta(ge=0, le=600)],
        Meta(description="How long a server that can is asked to wait for news (OPA's long polling); 0: never."),
    ] = 30
    max_bytes: Annotated[
        Annotated[int, Meta(ge=1024, le=64 << 20)], Meta(description="Largest bundle that is taken from the server.")
    ] = 64 << 20


class PolicySettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is allowed, and by which engine that is decided."""

    spec: Annotated[
        Text, Meta(description="`starter`, `observe`, a folder of Rego and data, or a bundle (.tar.gz): file or URL.")
    ] = "starter"
    server: BundleServerSettings = BundleServerSettings()
    keys: Annotated[
        dict[str, Text],
        Meta(description="Public keys (PEM files) by the id that signatures name: bundles that these sign count."),
    ] = {}
    scope: Annotated[
        Text | None, Meta(description="What the signature of a bundle must be for. Default: nothing in particular.")
    ] = None
    unsigned: Annotated[
        bool, Meta(description="Take bundles that nobody signed; without it, and without keys, no bundle is taken.")
    ] = False
    exception_keys: Annotated[
        dict[str, Text],
        Meta(description="Public keys (PEM files) by the id that exceptions name: those that these sign count."),
    ] = {}
    local_exceptions: Annotated[
        bool,
        Meta(
            description="Whether exceptions count that the key in the state folder has signed. Whoever can read that "
            "key, an agent of the same user too, can make them."
        ),
    ] = False
    engine: Annotated[
        Literal["embedded", "opa"], Meta(description="`embedded` evaluates in this process, `opa` asks a local OPA.")
    ] = "embedded"
    opa_address: Annotated[
        Text | None, Meta(description="`unix:/path` or `http://127.0.0.1:PORT`; needed by, and only for, engine `opa`.")
    ] = None
    opa_bundle: Annotated[
        Text | None,
        Meta(
            description="A file for OPA to watch: the sidecar writes the policy there, grants included, and then waits "
            "for OPA to answer for it. Default: somebody else brings OPA its bundle."
        ),
    ] = None
    opa_uid: Annotated[
        Annotated[int, Meta(ge=0)] | None,
        Meta(description="The user id that OPA's Unix socket is of, where that is neither the sidecar's own nor root."),
    ] = None
    budget_seconds: Annotated[
        Annotated[float, Meta(gt=0, le=60)] | None,
        Meta(
            description="Longest time that one decision may take, else it is refused. Default: 0.5 embedded, 0.05 OPA."
        ),
    ] = None


class RedactionRuleSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What becomes of some findings; of rules that fit the most specific counts (docs/redaction.md)."""

    mode: Annotated[
        Literal["mask", "tokenise", "drop", "keep"],
        Meta(description="`[email]`, a keyed token, the member left out, or the value itself."),
    ]
    at: Annotated[
        Annotated[str, Meta(pattern=r"\A(?:/(?:[^~]|~[01])*)?\Z")] | None,
        Meta(description="JSON Pointer that findings stand under, such as `/arguments/to` or `/result`."),
    ] = None
    tool: Annotated[Text | None, Meta(description="The tool that is called: `upstream/name`.")] = None
    detector: Annotated[Text | None, Meta(description="The id of a detector.")] = None
    kind: Annotated[
        Literal["secret", "financial", "national_id", "contact", "network", "other"] | None,
        Meta(description="The kind of a detector."),
    ] = None


class RedactionSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What evidence keeps of texts that policy wants recorded `redacted`."""

    mode: Annotated[
        Literal["mask", "tokenise", "drop", "keep"],
        Meta(description="What becomes of a finding that no rule is about, as in `rules`."),
    ] = "mask"
    detectors_file: Annotated[
        Text | None,
        Meta(description="TOML or JSON: detectors of your own, besides the built-in ones or in their place."),
    ] = None
    off: Annotated[tuple[Text, ...], Meta(description="Ids of detectors that are not used.")] = ()
    rules: dict[str, RedactionRuleSettings] = {}


class EvidenceSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where records are kept, and how durable they are before a call goes on."""

    folder: Annotated[
        Text | None, Meta(description="Holds evidence and nothing else. Default: `evidence` in the state folder.")
    ] = None
    durability: Annotated[
        Literal["process", "host", "acknowledged"],
        Meta(
            description="`process` survives the end of this process, `host` is flushed to disk before each call, "
            "`acknowledged` is held by central as well."
        ),
    ] = "process"
    min_free_bytes: Annotated[
        Annotated[int, Meta(ge=0)], Meta(description="Under this much free space new calls are refused.")
    ] = 256 << 20
    warn_bytes: Annotated[Size, Meta(description="A chain larger than this is reported by /readyz.")] = 1 << 30
    redaction: RedactionSettings = RedactionSettings()


class CentralSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where evidence is shipped. Without `url` it stays where it is written."""

    url: Annotated[Text | None, Meta(description="Central's address: https, or http on loopback.")] = None
    receipt_key: Annotated[
        Text | None,
        Meta(description="Verifier key (`name+id+key`), or a file that holds it: receipts count that this key signed."),
    ] = None
    ca_file: Annotated[Text | None, Meta(description="PEM file: the only authorities accepted for central.")] = None
    allow_http: Annotated[bool, Meta(description="Accept an http URL that is not on loopback.")] = False
    acknowledge_seconds: Annotated[
        Seconds, Meta(description="How long a call of durability `acknowledged` waits for central, else it is refused.")
    ] = 5.0
    keep_seconds: Annotated[
        Annotated[float, Meta(ge=0)],
        Meta(description="Records stay here at least so long, although central's log holds them."),
    ] = 604_800.0


class LimitSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bounds that keep memory and time finite; what exceeds one is refused with its own code."""

    message_bytes: Annotated[Size, Meta(description="Largest message of a client.")] = 4 << 20
    answer_bytes: Annotated[Size, Meta(description="Largest answer of an upstream.")] = 32 << 20
    header_bytes: Annotated[Size, Meta(description="Longest header line of a request.")] = 16 << 10
    depth: Annotated[Annotated[int, Meta(ge=4, le=512)], Meta(description="Deepest nesting of a message.")] = 64
    in_flight: Annotated[Count, Meta(description="Exchanges at the same time; more are refused as busy.")] = 1000
    open_streams: Annotated[Count, Meta(description="Streams that clients may hold open at the same time.")] = 1000
    upstream_connect_seconds: Annotated[Seconds, Meta(description="Longest wait for a connection upstream.")] = 10.0
    drain_seconds: Annotated[Seconds, Meta(description="How long calls in flight may take after SIGTERM.")] = 10.0


class ApprovalSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose answers count when a human must approve a call."""

    same_user: Annotated[
        bool,
        Meta(
            description="Whether answers given on this machine count although the agent may be the same user, and "
            "could give them itself."
        ),
    ] = False
    listen: Annotated[
        Text | None,
        Meta(
            description="`unix:PATH` of a socket on which `approvers` answer, in a folder that they can enter. Only "
            "`sidecar` makes it."
        ),
    ] = None
    approvers: Annotated[
        tuple[Name, ...], Meta(description="Login names of those who may answer on the socket; the agent never may.")
    ] = ()
    url: Annotated[
        PageUrl | None,
        Meta(
            description="The page that a client is sent to, with `{id}` in it. Default: the sidecar's own, which shows "
            "how an approval stands, where it listens on one address of TCP."
        ),
    ] = None
    wait_seconds: Annotated[
        Annotated[float, Meta(ge=0, le=600)],
        Meta(
            description="How long a call is held until somebody has answered; clients wait for a minute, most of them."
        ),
    ] = 45.0


class HostSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Names under which browsers and clients may reach the sidecar, besides those it listens on."""

    names: Annotated[tuple[HostName, ...], Meta(description="Values of Host: `name`, `name:port` or `name:*`.")] = ()
    origins: Annotated[tuple[Origin, ...], Meta(description="Values of Origin: `https://name[:port]`.")] = ()


class HeaderSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Headers of one upstream beyond the fixed allow-lists."""

    forward: Annotated[tuple[Text, ...], Meta(description="Headers of the client that go to the upstream.")] = ()
    back: Annotated[tuple[Text, ...], Meta(description="Headers of the upstream that go to the client.")] = field(
        default=(), name="return"
    )
    set: Annotated[
        dict[str, Text],
        Meta(description="Headers that the sidecar adds. A value is `@FILE` or `$VARIABLE`, never the secret itself."),
    ] = {}


class UpstreamSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One MCP server; the table's name is the path under which clients reach it."""

    url: Annotated[
        Text | None,
        Meta(description="Needed by `sidecar`: https, or http on loopback; used exactly as written."),
    ] = None
    auth: Annotated[
        Literal["none", "passthrough"],
        Meta(description="`passthrough` forwards the client's own Authorization header; else it stays here."),
    ] = "none"
    resource: Annotated[
        Literal["rewrite", "keep"],
        Meta(
            description="With `passthrough`: whose URL the resource metadata names, the sidecar's (`rewrite`) or the "
            "server's own (`keep`)."
        ),
    ] = "rewrite"
    allow_http: Annotated[bool, Meta(description="Accept an http URL that is not on loopback.")] = False
    trusted: Annotated[
        bool, Meta(description="Believe this server's own annotations, such as readOnlyHint, in the starter policy.")
    ] = False
    ca_file: Annotated[Text | None, Meta(description="PEM file: the only authorities accepted for this server.")] = None
    fingerprint: Annotated[
        Text | None, Meta(description="SHA-256 of the server's certificate (DER), in hex: no other is accepted.")
    ] = None
    addresses: Annotated[
        tuple[Text, ...],
        Meta(
            description="The only addresses (`10.2.0.0/16`, `192.0.2.7`) that the URL's name may stand for when it is "
            "connected to. Default: any but link-local, multicast and the metadata services of clouds."
        ),
    ] = ()
    headers: HeaderSettings = HeaderSettings()


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The top of the file."""

    listen: Annotated[
        Text, Meta(description="Where clients connect: `HOST:PORT` or `unix:PATH`. Not loopback: needs tokens_file.")
    ] = "127.0.0.1:8900"
    listen_mode: Annotated[
        Literal["0600", "0660", "0666"],
        Meta(description="Mode of the socket that `listen` makes as `unix:PATH`, so that another user can connect."),
    ] = "0600"
    admin: Annotated[
        Text | None,
        Meta(description="`HOST:PORT` of /livez, /readyz, /metrics. Default: `admin.sock` in the state folder."),
    ] = None
    state: Annotated[
        Text | None,
        Meta(description="Keys, grants, orders. Default: `agentgate` in $XDG_STATE_HOME or ~/.local/state."),
    ] = None
    identity: IdentitySettings = IdentitySettings()
    policy: PolicySettings = PolicySettings()
    evidence: EvidenceSettings = EvidenceSettings()
    central: CentralSettings = CentralSettings()
    limits: LimitSettings = LimitSettings()
    approvals: ApprovalSettings = ApprovalSettings()
    hosts: HostSettings = HostSettings()
    upstreams: dict[str, UpstreamSettings] = {}
