"""From the settings of policy to the OPA that is asked: where it listens, whose it is, and what it is brought."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from proxy.settings.addresses import opa_address
from proxy.settings.origin import KeyPath, Origin
from proxy.settings.problems import Findings
from proxy.settings.shape import PolicySettings

_BUNDLE_REMEDY: Final = "Name a file for the sidecar to write; where its policy comes from is --policy URL."


def read_opa_address(given: PolicySettings, origin: Origin, found: Findings) -> str | None:
    """Where OPA listens; None where none is asked."""
    at = ("policy", "opa_address")
    where = origin.where(at)
    if given.engine == "opa" and given.opa_address is None:
        found.add(where, "is missing, while the engine is opa", "Say where OPA listens: --opa unix:PATH.")
    if given.engine == "embedded" and given.opa_address is not None:
        found.add(where, "is given, while the engine is embedded", 'Set policy.engine = "opa", or take it out.')
    if given.opa_address is None:
        return None
    return found.take(where, opa_address, given.opa_address, origin.folder(at))


def read_opa_uid(given: PolicySettings, origin: Origin, found: Findings) -> int | None:
    """Who listens is seen on a Unix socket alone: nobody shall rely on it elsewhere."""
    if given.opa_uid is not None and not (given.opa_address or "").startswith("unix:"):
        where = origin.where(("policy", "opa_uid"))
        found.add(where, "is given, while OPA is not asked on a Unix socket", "Say --opa unix:PATH, or take it out.")
    return given.opa_uid


def read_opa_bundle(
    given: PolicySettings, path_of: Callable[[KeyPath, str], Path], origin: Origin, found: Findings
) -> Path | None:
    """The file that the sidecar writes for OPA; None where somebody else brings OPA its bundle."""
    if given.opa_bundle is None:
        return None
    at = ("policy", "opa_bundle")
    where = origin.where(at)
    if given.opa_bundle.lower().startswith(("http://", "https://")):
        found.add(where, "is a URL, and has to be a file that OPA watches", _BUNDLE_REMEDY)
        return None
    path = path_of(at, given.opa_bundle)
    if given.engine != "opa":
        found.add(where, "is given, while no OPA is asked", "Say where OPA listens: --opa unix:PATH, or take it out.")
    if not path.parent.is_dir():
        found.add(where, f"there is no folder {path.parent}", "Make it, so that sidecar and OPA can enter it.")
    return path
