"""Commitments and boxes: who holds the tenant's private key reads them, nobody else, and erasing is final."""

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from evidence.random_pool import RandomPool
from evidence.sealing import (
    CannotOpen,
    Recipient,
    Sealer,
    box_contents,
    box_hash,
    commitment,
    open_box,
    read_key_line,
    unwrap,
)

_PRIVATE = X25519PrivateKey.from_private_bytes(b"\x01" * 32)
_SECRETS = {"input": b'{"a":1}', "raw": b"\xff\x00"}


def _sealer(units: int = 8) -> Sealer:
    return Sealer(
        "acme", Recipient(_PRIVATE.public_key()), lambda kind, text: f"{kind}:{len(text)}", RandomPool(), units
    )


def test_the_private_key_opens_what_was_sealed() -> None:
    sealer = _sealer()
    sealed = sealer.seal(_SECRETS, "s1", retention="", day=0, plain=True)
    line = read_key_line(sealer.unwritten[0][:-1])
    assert sealed.members["sealed"] == {"key": line["id"], "hash": box_hash(sealed.box)}
    opened = open_box(sealed.box, unwrap(line, _PRIVATE), line["id"], "acme")
    assert {name: value for name, (_, value) in opened.items()} == _SECRETS
    for name, (salt, value) in opened.items():
        assert value is not None
        assert len(salt) == 32
        assert sealed.members["commitments"][name] == {"hmac": commitment(salt, value), "bytes": len(value)}


def test_without_plain_the_text_is_nowhere_and_the_commitment_can_still_be_proved() -> None:
    sealer = _sealer()
    sealed = sealer.seal(_SECRETS, "s1", retention="", day=0, plain=False)
    line = read_key_line(sealer.unwritten[0][:-1])
    opened = open_box(sealed.box, unwrap(line, _PRIVATE), line["id"], "acme")
    salt, value = opened["input"]
    assert value is None
    assert commitment(salt, _SECRETS["input"]) == sealed.members["commitments"]["input"]["hmac"]


def test_what_is_redacted_stands_beside_the_commitment_to_the_whole() -> None:
    sealer = _sealer()
    sealed = sealer.seal(_SECRETS, "s1", retention="", day=0, plain=False, redacted={"input": b'{"a":"[card]"}'})
    line = read_key_line(sealer.unwritten[0][:-1])
    contents = box_contents(sealed.box, unwrap(line, _PRIVATE), line["id"], "acme")
    assert {name: set(content) for name, content in contents.items()} == {
        "input": {"salt", "redacted"},
        "raw": {"salt"},
    }
    assert contents["input"]["redacted"] == '{"a":"[card]"}'
    salt, value = open_box(sealed.box, unwrap(line, _PRIVATE), line["id"], "acme")["input"]
    assert value is None, "what is redacted is not taken for what was committed to"
    assert commitment(salt, _SECRETS["input"]) == sealed.members["commitments"]["input"]["hmac"]


def test_equal_values_have_unequal_commitments() -> None:
    sealed = _sealer().seal({"a": b"same", "b": b"same"}, "s1", retention="", day=0, plain=True)
    assert sealed.members["commitments"]["a"]["hmac"] != sealed.members["commitments"]["b"]["hmac"]


def test_each_unit_has_its_own_key_and_the_name_of_the_unit_is_a_pseudonym() -> None:
    sealer = _sealer()
    for unit in ("s1", "s22", "s1"):
        sealer.seal(_SECRETS, unit, retention="", day=0, plain=True)
    lines = [read_key_line(line[:-1]) for line in sealer.unwritten]
    assert [line["unit"] for line in lines] == ["unit:2", "unit:3"]
    assert lines[0]["id"] != lines[1]["id"]


def test_the_number_of_units_in_memory_is_bounded() -> None:
    sealer = _sealer(units=2)
    for unit in ("a", "b", "a", "c", "a", "b"):
        sealer.seal(_SECRETS, unit, retention="", day=0, plain=True)
    # a, b, c, and b again: it was the one that had been used longest ago when c came.
    assert len(sealer.unwritten) == 4


def test_a_data_key_is_of_one_day() -> None:
    sealer = _sealer()
    used = [
        sealer.seal(_SECRETS, "s1", retention="", day=day, plain=True).members["sealed"]["key"]
        for day in (1, 1, 2, 2, 1)
    ]
    assert used[0] == used[1]
    assert used[2] == used[3]
    assert len(set(used)) == len(sealer.unwritten) == 3


def test_each_class_of_a_unit_has_a_key_of_its_own() -> None:
    sealer = _sealer()
    classes = ("full", "redacted", "full", "")
    used = [sealer.seal(_SECRETS, "s1", retention=one, day=0, plain=True).members["sealed"]["key"] for one in classes]
    assert used[0] == used[2]
    assert len(set(used)) == 3
    assert len({read_key_line(line[:-1])["unit"] for line in sealer.unwritten}) == 1


@pytest.mark.parametrize(
    ("private", "key_id", "tenant", "spoil"),
    [
        pytest.param(b"\x02" * 32, None, "acme", 0, id="another-private-key"),
        pytest.param(b"\x01" * 32, "0" * 64, "acme", 0, id="another-key-id"),
        pytest.param(b"\x01" * 32, None, "other", 0, id="another-tenant"),
        pytest.param(b"\x01" * 32, None, "acme", 1, id="a-changed-box"),
    ],
)
def test_what_does_not_open(private: bytes, key_id: str | None, tenant: str, spoil: int) -> None:
    sealer = _sealer()
    sealed = sealer.seal(_SECRETS, "s1", retention="", day=0, plain=True)
    line = read_key_line(sealer.unwritten[0][:-1])
    box = sealed.box[:-1] + bytes([sealed.box[-1] ^ spoil])
    with pytest.raises(CannotOpen):
        open_box(box, unwrap(line, X25519PrivateKey.from_private_bytes(private)), key_id or line["id"], tenant)


def test_a_wrapped_key_is_certified_by_its_own_id() -> None:
    sealer = _sealer()
    sealer.seal(_SECRETS, "s1", retention="", day=0, plain=True)
    line = sealer.unwritten[0][:-1]
    for place in range(len(line)):
        with pytest.raises(ValueError):
            read_key_line(line[:place] + bytes([line[place] ^ 1]) + line[place + 1 :])


def test_the_pool_gives_each_byte_once() -> None:
    counter = iter(range(256))
    pool = RandomPool(16, lambda count: bytes(next(counter) for _ in range(count)))
    drawn = b"".join(pool(count) for count in (5, 5, 5, 20, 1))
    assert len(drawn) == 36
    assert len(set(drawn)) == 36
