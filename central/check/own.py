"""The keys of the log as they lie in central's state folder: enough unless somebody else can write there, too."""

from collections.abc import Sequence

from central.app import verifier_keys
from central.config import CentralConfig, CentralProblems
from evidence.note import VerifierKey


def own_log_keys(config: CentralConfig) -> Sequence[VerifierKey]:
    """Those by which a checkpoint counts. Raises CentralProblems where there are none."""
    if not (config.state / "keys").is_dir():
        raise CentralProblems([f"{config.state}: has no key of the log: name one with --log-key, or the state folder"])
    return [verifier_keys(config.state, config.origin)["log"]]
