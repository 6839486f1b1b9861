"""The keys of the log as they lie in central's state folder: enough unless somebody else can write there, too."""

from collections.abc import Sequence

from central.config import CentralConfig, CentralProblems
from central.keys.opening import folder_of
from evidence.note import VerifierKey
from evidence.signers import Purpose


def own_log_keys(config: CentralConfig) -> Sequence[VerifierKey]:
    """Those by which a checkpoint counts. Raises CentralProblems where there are none."""
    folder = folder_of(config, Purpose.LOG)
    history = folder.history()
    if history is None:
        raise CentralProblems([f"{folder.folder}: has no key of the log: name one with --log-key, or the state folder"])
    return history.believed()
