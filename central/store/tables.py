"""The tables of central, for SQLite and PostgreSQL alike. The migrations make them; a test holds the two together.

Links, hashes and keys are raw bytes (32), times are microseconds since 1970 (UTC). `received_at` is central's clock,
every `at` the sidecar's own. Rows of `records`, `batches`, `heads` and `strays` are never changed: triggers refuse it.
"""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata: Final = MetaData()

_Number = BigInteger().with_variant(Integer, "sqlite")
"""SQLite gives numbers of its own only to columns of the type INTEGER."""

FROZEN: Final = ("records", "batches", "heads", "strays")
"""Tables whose rows nobody changes, deletes or truncates."""


def _own_number(name: str = "no") -> Column[int]:
    return Column(name, _Number, primary_key=True, autoincrement=True)


def _number(name: str, *, default: int | None = None, nullable: bool = False) -> Column[int]:
    given = None if default is None else text(str(default))
    return Column(name, _Number, nullable=nullable, server_default=given)


chains: Final = Table(
    "chains",
    metadata,
    _own_number(),
    Column("tenant", Text, nullable=False),
    Column("sidecar", Text, nullable=False),
    Column("chain", LargeBinary, nullable=False),
    _number("first_seq"),
    _number("seq"),
    Column("link", LargeBinary, nullable=False),
    Column("last_header", LargeBinary),
    Column("incarnation_key", LargeBinary),
    _number("signed"),
    _number("missing"),
    _number("received_at"),
    UniqueConstraint("tenant", "chain", name="chains_once"),
    Index("chains_of_sidecar", "tenant", "sidecar"),
)
"""Where each chain stands: the row that replicas lock, and all that is needed to go on with it. `first_seq` is 0 until
a record is there, `signed` the number of the last record that a head covers, `missing` how many records gaps took."""

incarnations: Final = Table(
    "incarnations",
    metadata,
    Column("chain_no", _Number, primary_key=True, autoincrement=False),
    Column("first_seq", _Number, primary_key=True, autoincrement=False),
    Column("incarnation", Text, nullable=False),
    Column("public_key", LargeBinary),
    Column("isolation", Text),
    _number("last_seq"),
    _number("first_at"),
    _number("last_at"),
    _number("last_boot"),
    _number("heartbeats"),
    Column("closed", Boolean, nullable=False),
    _number("received_at"),
)
"""Each life of a sidecar within a chain. `public_key` is null where its start was lost in a gap."""

batches: Final = Table(
    "batches",
    metadata,
    _own_number("id"),
    _number("chain_no"),
    _number("first_seq"),
    _number("last_seq"),
    _number("first_at"),
    _number("last_at"),
    _number("received_at"),
    Index("batches_of_chain", "chain_no", "first_seq"),
)
"""The new part of each accepted batch that had one: its records have its `received_at`."""

records: Final = Table(
    "records",
    metadata,
    Column("chain_no", _Number, primary_key=True, autoincrement=False),
    Column("seq", _Number, primary_key=True, autoincrement=False),
    Column("received_at", _Number, primary_key=True, autoincrement=False),
    Column("link", LargeBinary, nullable=False),
    Column("header", LargeBinary, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("box", LargeBinary),
    postgresql_partition_by="RANGE (received_at)",
)

heads: Final = Table(
    "heads",
    metadata,
    _own_number(),
    _number("chain_no"),
    _number("seq"),
    _number("signed"),
    Column("checked", Boolean, nullable=False),
    Column("note", LargeBinary, nullable=False),
    _number("received_at"),
    Index("heads_of_chain", "chain_no", "seq"),
)
"""Signed heads: each stands after record `seq` and covers record `signed`. `checked` is false where the key of its
incarnation was lost in a gap."""

data_keys: Final = Table(
    "data_keys",
    metadata,
    _own_number(),
    Column("tenant", Text, nullable=False),
    Column("id", LargeBinary, nullable=False),
    Column("unit", Text, nullable=False),
    _number("chain_no", nullable=True),
    Column("line", LargeBinary, nullable=False),
    _number("received_at"),
    UniqueConstraint("tenant", "id", name="data_keys_once"),
    Index("data_keys_of_unit", "tenant", "unit"),
    Index("data_keys_of_chain", "chain_no"),
)
"""Wrapped data keys, whole lines of keys.jsonl. Deleting one is what erasure is. `chain_no` is null for a stray's."""

calls: Final = Table(
    "calls",
    metadata,
    Column("chain_no", _Number, primary_key=True, autoincrement=False),
    Column("call", LargeBinary, primary_key=True),
    Column("state", Text, nullable=False),
    _number("intent_seq", nullable=True),
    _number("last_seq"),
    Index(
        "calls_open",
        "chain_no",
        sqlite_where=text("state IN ('asked', 'open')"),
        postgresql_where=text("state IN ('asked', 'open')"),
    ),
    sqlite_with_rowid=False,
)
"""Where each call stands, by the first 16 bytes of SHA-256 of its id."""

silences: Final = Table(
    "silences",
    metadata,
    Column("chain_no", _Number, primary_key=True, autoincrement=False),
    Column("after_seq", _Number, primary_key=True, autoincrement=False),
    _number("from_at"),
    _number("to_at"),
    _number("boot_us"),
)
"""Two records of one incarnation, next to each other, with more than two heartbeat intervals between them."""

incidents: Final = Table(
    "incidents",
    metadata,
    _own_number(),
    Column("tenant", Text, nullable=False),
    Column("sidecar", Text, nullable=False),
    Column("chain", LargeBinary, nullable=False),
    Column("kind", Text, nullable=False),
    Column("about", Text, nullable=False),
    _number("seq"),
    _number("amount"),
    Column("what", Text, nullable=False),
    _number("first_at"),
    _number("last_at"),
    _number("count"),
    UniqueConstraint("tenant", "sidecar", "chain", "kind", "about", name="incidents_once"),
)
"""What was met that should not be. `about` tells apart what is counted together; the times are central's."""

strays: Final = Table(
    "strays",
    metadata,
    _own_number(),
    Column("tenant", Text, nullable=False),
    Column("sidecar", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    _number("incident_no"),
    Column("data", LargeBinary, nullable=False),
    _number("received_at"),
    UniqueConstraint("tenant", "sidecar", "digest", name="strays_once"),
)
"""Batches that no chain could take, without their wrapped keys (which stand in `data_keys`)."""

pending: Final = Table("pending", metadata, Column("batch_id", _Number, primary_key=True, autoincrement=False))
"""Batches that the sequencer has not taken yet."""

log_batches: Final = Table(
    "log_batches",
    metadata,
    Column("batch_id", _Number, primary_key=True, autoincrement=False),
    _number("first_leaf"),
    _number("count"),
    UniqueConstraint("first_leaf", name="log_batches_once"),
)
"""Which leaves of the log a batch has become."""

tree: Final = Table(
    "tree",
    metadata,
    Column("one", Integer, primary_key=True, autoincrement=False),
    _number("size"),
    Column("root", LargeBinary, nullable=False),
    _number("fence"),
    CheckConstraint("one = 1", name="tree_is_one"),
)
"""The one row of the log's tree."""

sealings: Final = Table(
    "sealings",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("key_id", LargeBinary, primary_key=True),
    Column("about", LargeBinary, primary_key=True),
    Column("upstream", Text, nullable=False),
    Column("class_name", Text, nullable=False),
    Column("agent", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("session", Text, nullable=False),
    _number("first_at"),
    _number("last_at"),
    _number("first_received"),
    _number("last_received"),
    _number("records"),
    Index("sealings_of_session", "tenant", "session"),
    Index("sealings_of_subject", "tenant", "subject"),
)
"""What each data key has sealed, as far as retention, holds and erasure ask: whose, where, when. `about` is a digest of
the five texts, which are empty where a record does not say."""

erasures: Final = Table(
    "erasures",
    metadata,
    _own_number(),
    Column("tombstone", LargeBinary, nullable=False),
    Column("tenant", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("asked_by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    _number("keys"),
    _number("at"),
    UniqueConstraint("tombstone", name="erasures_once"),
    Index("erasures_of_unit", "tenant", "unit"),
)
"""What was erased; `tombstone` is the link of the record that says so, in central's own chain of the tenant."""

erased_keys: Final = Table(
    "erased_keys",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("id", LargeBinary, primary_key=True),
    _number("at"),
)
"""The ids of destroyed data keys. A trigger keeps these out of `data_keys`, whoever sends them again."""

holds: Final = Table(
    "holds",
    metadata,
    Column("id", Text, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("agent", Text),
    Column("session", Text),
    _number("from_at", nullable=True),
    _number("until_at", nullable=True),
    Column("placed_by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    _number("placed_at"),
    Column("released_by", Text),
    Column("release_reason", Text),
    _number("released_at", nullable=True),
    Index("holds_of_tenant", "tenant"),
)
"""Legal holds, released ones included. What a null member would narrow, it does not."""

abandonments: Final = Table(
    "abandonments",
    metadata,
    Column("statement", LargeBinary, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("chain", LargeBinary, nullable=False),
    _number("seq"),
    _number("calls"),
    _number("at"),
    Index("abandonments_of_chain", "tenant", "chain", "seq"),
)
"""Chains that nobody went on with behind record `seq`, and how many calls were open there. `statement` is the link of
the record that says so, in central's own chain of the tenant; a chain that left many calls open has several."""

packs: Final = Table(
    "packs",
    metadata,
    _own_number(),
    Column("tenant", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("exported_by", Text, nullable=False),
    _number("exported_at"),
    UniqueConstraint("tenant", "digest", name="packs_once"),
)
"""Packs that have left central with text in them, which no erasure reaches."""

pack_units: Final = Table(
    "pack_units",
    metadata,
    Column("pack_no", _Number, primary_key=True, autoincrement=False),
    Column("unit", Text, primary_key=True),
    Index("packs_of_unit", "unit"),
)
"""The erasure units whose text a pack has."""
