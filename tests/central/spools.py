"""Spools of tests, as a central knows them, and what ships them."""

from pathlib import Path

from evidence.receipt import read_receipt_key
from proxy.assembly import sidecar_id
from proxy.settings.central import CentralConfig
from proxy.uplink import Uplink
from tests.evidence.desk import Desk
from tests.peers.central import Central


def known_desk(root: Path, place: Central) -> Desk:
    """Of a sidecar that this central knows, of the tenant acme."""
    place.register(root / "state", tenant="acme")
    return named_desk(root)


def named_desk(root: Path) -> Desk:
    """Of a sidecar that goes by its own key."""
    desk = Desk(root)
    desk.sidecar = sidecar_id(desk.keys)
    return desk


def uplink_of(desk: Desk, place: Central, keep_seconds: float = 3_600.0) -> Uplink:
    """What ships a desk's chains; it gives up what the log has had for `keep_seconds`."""
    config = CentralConfig(place.url, None, read_receipt_key(place.key("receipts")), 5.0, keep_seconds)
    return Uplink(config, desk.keys, desk.sidecar, desk.evidence)
