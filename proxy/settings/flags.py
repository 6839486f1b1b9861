"""What the command line says, laid over what the file says."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from proxy.settings.origin import KeyPath, merged
from proxy.settings.problems import Findings, Unfit

KEYS: Final[Mapping[str, KeyPath]] = {
    "listen": ("listen",),
    "admin": ("admin",),
    "state": ("state",),
    "tenant": ("identity", "tenant"),
    "agent": ("identity", "agent"),
    "tokens": ("identity", "tokens_file"),
    "policy": ("policy", "spec"),
    "bundle_url": ("policy", "spec"),
    "policy_token": ("policy", "server", "token"),
    "opa": ("policy", "opa_address"),
    "opa_bundle": ("policy", "opa_bundle"),
    "evidence": ("evidence", "folder"),
    "durability": ("evidence", "durability"),
    "central": ("central", "url"),
    "central_key": ("central", "receipt_key"),
}
"""The key of each flag that has one."""

_WRITTEN: Final = {"bundle_url": "BUNDLE"}
"""What is written without a flag, as the command's usage names it."""


@dataclass(frozen=True, slots=True)
class Flags:
    """The flags as they were written; None or empty where there was none.

    `upstreams` holds NAME=URL, `upstream_headers` NAME:Header=@FILE or NAME:Header=$VARIABLE, `policy_keys` ID=FILE.
    """

    config: str | None = None
    listen: str | None = None
    admin: str | None = None
    state: str | None = None
    tenant: str | None = None
    agent: str | None = None
    tokens: str | None = None
    policy: str | None = None
    bundle_url: str | None = None
    policy_token: str | None = None
    opa: str | None = None
    opa_bundle: str | None = None
    evidence: str | None = None
    durability: str | None = None
    central: str | None = None
    central_key: str | None = None
    unsigned_bundles: bool = False
    policy_keys: tuple[str, ...] = ()
    upstreams: tuple[str, ...] = ()
    upstream_headers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Given:
    """One key that the command line gives: where it belongs, its value, and the flag for messages."""

    at: KeyPath
    value: str | bool
    flag: str


def given_keys(flags: Flags, found: Findings) -> list[Given]:
    """Every key that the flags give, in the order of their meaning; what cannot be split becomes a problem."""
    written = {name: value for name in KEYS if (value := getattr(flags, name)) is not None}
    keys = [
        Given(KEYS[name], value, _WRITTEN.get(name) or "--" + name.replace("_", "-")) for name, value in written.items()
    ]
    if flags.opa is not None:
        keys.append(Given(("policy", "engine"), "opa", "--opa"))
    if flags.unsigned_bundles:
        keys.append(Given(("policy", "unsigned"), value=True, flag="--unsigned-bundles"))
    for text in flags.policy_keys:
        keys += found.take(f"--policy-key {text.partition('=')[0]}", _policy_key, text) or ()
    for text in flags.upstreams:
        keys += found.take(f"--upstream {text.partition('=')[0]}", _upstream, text) or ()
    for text in flags.upstream_headers:
        keys += found.take(f"--upstream-header {text.partition('=')[0]}", _header, text) or ()
    _refuse_twins(keys, found)
    return keys


def overlaid(parsed: Mapping[str, Any], keys: list[Given]) -> dict[str, Any]:
    """The file's mapping with the command line's keys over it."""
    settings = dict(parsed)
    for key in keys:
        settings = merged(settings, key.at, key.value)
    return settings


def _refuse_twins(keys: list[Given], found: Findings) -> None:
    places = set[KeyPath]()
    for key in keys:
        if key.at in places:
            found.add(key.flag, "is given twice", "Give each upstream, each of its headers, and each key once.")
        places.add(key.at)


def _policy_key(text: str) -> list[Given]:
    keyid, equals, file = text.partition("=")
    if not (keyid and equals and file):
        raise Unfit("is not ID=FILE", "Write for example --policy-key release-2026=/etc/agentgate/release-2026.pem.")
    return [Given(("policy", "keys", keyid), file, f"--policy-key {keyid}")]


def _upstream(text: str) -> list[Given]:
    name, equals, url = text.partition("=")
    if not (name and equals and url):
        raise Unfit("is not NAME=URL", "Write for example --upstream files=https://tools.example/mcp.")
    return [Given(("upstreams", name, "url"), url, f"--upstream {name}")]


def _header(text: str) -> list[Given]:
    target, equals, value = text.partition("=")
    name, colon, header = target.partition(":")
    if not (name and colon and header and equals and value):
        raise Unfit(
            "is not NAME:Header=@FILE or NAME:Header=$VARIABLE",
            "Write for example --upstream-header files:Authorization=@/run/secrets/files.",
        )
    return [Given(("upstreams", name, "headers", "set", header), value, f"--upstream-header {target}")]
