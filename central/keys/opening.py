"""From the configuration of central to its keys: where they lie, what they are encrypted under, and the first ones."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from central.config import CentralConfig
from central.keys.changing import found
from central.keys.folder import KeyFolder
from central.keys.protecting import local_wrapping_key
from evidence.clock import Clock
from evidence.key_files import Protection
from evidence.key_history import History
from evidence.keys import existing_key
from evidence.signers import Purpose

PURPOSES: Final = (Purpose.RECEIPTS, Purpose.LOG)


def key_name(purpose: Purpose, origin: str) -> str:
    """The key name under which the central of this log signs."""
    return f"{origin}/receipts" if purpose is Purpose.RECEIPTS else origin


def folder_of(config: CentralConfig, purpose: Purpose) -> KeyFolder:
    """Where the keys of a purpose lie, and where their history is published."""
    published = config.log_folder / "keys" / purpose
    return KeyFolder(config.state / "keys" / purpose, key_name(purpose, config.origin), purpose, published)


def protection_of(config: CentralConfig) -> Protection:
    """What the configuration names; without it a wrapping key in the state folder, made with the first key.

    Raises KeyProblem.
    """
    return config.protection or local_wrapping_key(config.state)


async def begun(config: CentralConfig, clock: Clock) -> Mapping[Purpose, History]:
    """The history of each purpose, begun where there was none. Raises KeyProblem, OSError.

    Keys of a version that did not encrypt them become the first ones, and their old files go away.
    """
    config.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    histories = {}
    for purpose in PURPOSES:
        folder = folder_of(config, purpose)
        history = folder.history()
        if history is None:
            plain = existing_key(config.state, purpose)
            history = await found(folder, protection_of(config), clock, plain)
        _drop_plain(config.state, purpose)
        histories[purpose] = history
    return histories


def _drop_plain(state: Path, purpose: Purpose) -> None:
    """The key stands in its folder: what a version before had of it may go."""
    for suffix in ("key", "pub"):
        (state / "keys" / f"{purpose}.{suffix}").unlink(missing_ok=True)
