"""The bytes of a bundle, once, from where it is: a file, or the server that hands it out. Nothing is kept of them."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from policy.archive import read_file
from policy.bundle_server import BundleServer
from policy.engine import PolicyAway, PolicyRefused
from policy.fetched import NoBundle, NotFetched

Place = Path | BundleServer


@dataclass(frozen=True, slots=True)
class Obtained:
    """A bundle that nobody has looked into: what it is called in problems, its place as it may be told, its bytes."""

    name: str
    shown: str
    packed: bytes


def obtained(place: Place) -> Obtained:
    """What is there now. Raises PolicyAway where a server gave nothing, PolicyRefused for what can be no bundle."""
    if isinstance(place, Path):
        return Obtained(place.name, str(place), read_file(place))
    return Obtained(place.name, place.shown, asyncio.run(_fetched(place)))


async def _fetched(server: BundleServer) -> bytes:
    from policy.fetching import fetch  # aiohttp's client is loaded where a bundle comes from a server.

    try:
        found = await fetch(server, None, 0)
    except NoBundle as error:
        raise PolicyRefused((f"{server.shown}: {error.what}",)) from error
    except NotFetched as error:
        raise PolicyAway((f"{server.shown}: {error.what}",)) from error
    assert found.packed is not None  # noqa: S101  (nobody was asked whether it is still the same)
    return found.packed
