"""What a sidecar takes for a key of its central: what the configured one leads to, and never less than before."""

from pathlib import Path

import pytest

from evidence.key_entry import BadHistory, Event
from evidence.layout import LEDGER_KEYS_NAME
from proxy.ledger_keys import LedgerKeys
from tests.vectors.keys import generate as made

ROOT = made.key(made.ROOT)
STRANGERS = [made.entry(Event.ROOT, made.STRANGER, 1, made.STRANGER)]
OTHER = [*made.GOOD[:4], made.entry(Event.ANNOUNCE, made.STRANGER, 8, made.SECOND, made.STRANGER)]


def published(entries: list[made.Entry] | None) -> bytes | None:
    return None if entries is None else made.file(made.notes(entries)).encode()


class Central:
    """Publishes a history, and counts how often it was asked."""

    def __init__(self, entries: list[made.Entry] | None) -> None:
        self.history, self.asked = published(entries), 0

    async def ask(self) -> bytes | None:
        self.asked += 1
        return self.history


@pytest.mark.parametrize(
    ("entries", "by", "hour", "said", "asked"),
    [
        pytest.param(None, made.ROOT, 3, None, 0, id="the-configured-key"),
        pytest.param(made.GOOD, made.THIRD, 12, None, 1, id="a-later-key"),
        pytest.param(None, made.SECOND, 5, "names another key", 1, id="a-later-key-without-a-history"),
        pytest.param(made.GOOD[:2], made.SECOND, 5, "not active", 1, id="a-key-that-is-announced"),
        pytest.param(made.GOOD, made.STRANGER, 5, "names another key", 1, id="a-stranger"),
        pytest.param(STRANGERS, made.STRANGER, 5, "another root", 1, id="another-root"),
        pytest.param(made.GOOD, made.SECOND, 11, "revoked", 1, id="a-revoked-key"),
    ],
)  # fmt: skip
async def test_a_receipt(entries: list[made.Entry] | None, by: int, hour: int, said: str | None, asked: int) -> None:
    keys, central = LedgerKeys(ROOT), Central(entries)
    if said is None:
        assert (await keys.open(made.receipt_by(by, hour), central.ask)).at == made.at(hour)
    else:
        with pytest.raises(BadHistory, match=said):
            await keys.open(made.receipt_by(by, hour), central.ask)
    assert central.asked == asked


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        pytest.param(made.GOOD[:3], "names another key", id="an-older-one"),
        pytest.param(OTHER, "two histories were signed", id="another-one"),
        pytest.param([], "does not end with a line|holds no entry", id="nothing"),
    ],
)
async def test_what_was_learned_is_not_forgotten(tmp_path: Path, entries: list[made.Entry], said: str) -> None:
    before = LedgerKeys(ROOT)
    await before.open(made.receipt_by(made.THIRD, 12), Central(made.GOOD).ask)
    before.keep(tmp_path)
    assert (tmp_path / LEDGER_KEYS_NAME).read_bytes() == published(made.GOOD)
    after = LedgerKeys(ROOT)
    after.remember(tmp_path)
    with pytest.raises(BadHistory, match=said):
        await after.open(made.receipt_by(made.STRANGER, 12), Central(entries).ask)
    assert (await after.open(made.receipt_by(made.THIRD, 12), Central(None).ask)).at == made.at(12)


async def test_the_first_key_alone_leaves_nothing_beside_receipts(tmp_path: Path) -> None:
    keys = LedgerKeys(ROOT)
    await keys.open(made.receipt_by(made.ROOT, 3), Central(None).ask)
    keys.keep(tmp_path)
    assert not (tmp_path / LEDGER_KEYS_NAME).exists()
