"""From the settings of central to where evidence goes: the URL, whose receipts count, how long is waited and kept."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from evidence.note import VerifierKey
from evidence.receipt import read_receipt_key
from proxy.settings.addresses import is_loopback
from proxy.settings.origin import KeyPath, Origin
from proxy.settings.problems import Findings, Unfit
from proxy.settings.shape import CentralSettings, EvidenceSettings

_AT: Final = ("central",)
_KEY_REMEDY: Final = "Give what `agentgate central keys list` prints for receipts, or a file that holds it."


@dataclass(frozen=True, slots=True)
class CentralConfig:
    """Where evidence is shipped. `url` ends without a slash; `receipt_key` signs the receipts."""

    url: str
    ca_file: Path | None
    receipt_key: VerifierKey
    acknowledge_seconds: float
    keep_seconds: float


def read_central(
    given: CentralSettings,
    evidence: EvidenceSettings,
    path_of: Callable[[KeyPath, str], Path],
    origin: Origin,
    found: Findings,
) -> CentralConfig | None:
    """The central that `url` names; None where there is none, and then nothing may need it."""
    if given.url is None:
        if given != CentralSettings():
            found.add(origin.where(_AT), "is given without a url", "Say where central is: central.url = https://…")
        if evidence.durability == "acknowledged":
            what = "nobody can acknowledge anything: no central is configured"
            found.add(origin.where(("evidence", "durability")), what, "Set central.url, or durability = host.")
        return None
    url = found.take(origin.where((*_AT, "url")), _url, given.url, allow_http=given.allow_http)
    ca_file = None if given.ca_file is None else path_of((*_AT, "ca_file"), given.ca_file)
    if ca_file is not None and not ca_file.is_file():
        found.add(origin.where((*_AT, "ca_file")), f"there is no file {ca_file}", "Name a PEM file.")
    receipt_key = _receipt_key(given.receipt_key, path_of, origin, found)
    if url is None or receipt_key is None:
        return None
    return CentralConfig(url, ca_file, receipt_key, given.acknowledge_seconds, given.keep_seconds)


def _url(text: str, *, allow_http: bool) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise Unfit("this is no URL of a central", "Write for example https://central.example.")
    if parts.username is not None or parts.password is not None:
        raise Unfit("the URL holds a user name or password", "Take it out: a sidecar shows its own key.")
    if parts.scheme == "http" and not allow_http and not is_loopback(parts.hostname):
        raise Unfit(f"plain http to {parts.hostname}, which is not this machine", "Use https.")
    return text.rstrip("/")


def _receipt_key(
    given: str | None, path_of: Callable[[KeyPath, str], Path], origin: Origin, found: Findings
) -> VerifierKey | None:
    at = (*_AT, "receipt_key")
    if given is None:
        found.add(origin.where(at), "is missing: a receipt counts by its signature alone", _KEY_REMEDY)
        return None
    return found.take(origin.where(at), _read_key, given, path_of(at, given))


def _read_key(text: str, path: Path) -> VerifierKey:
    try:
        return read_receipt_key(path.read_text().strip() if path.is_file() else text)
    except (OSError, ValueError) as error:
        raise Unfit(f"is no verifier key: {error}", _KEY_REMEDY) from error
