"""The tables of the ledger and of the log's place in it."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make them."""
    _make_chains()
    _make_calls()
    _make_records()
    _make_findings()
    _make_log()


def _make_chains() -> None:
    """Chains, and the lives of sidecars in them."""
    op.create_table(
        "chains",
        sa.Column("no", NUMBER, autoincrement=True, nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("sidecar", sa.Text(), nullable=False),
        sa.Column("chain", sa.LargeBinary(), nullable=False),
        sa.Column("first_seq", NUMBER, nullable=False),
        sa.Column("seq", NUMBER, nullable=False),
        sa.Column("link", sa.LargeBinary(), nullable=False),
        sa.Column("last_header", sa.LargeBinary(), nullable=True),
        sa.Column("incarnation_key", sa.LargeBinary(), nullable=True),
        sa.Column("signed", NUMBER, nullable=False),
        sa.Column("missing", NUMBER, nullable=False),
        sa.Column("received_at", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("no"),
        sa.UniqueConstraint("tenant", "chain", name="chains_once"),
    )
    op.create_index("chains_of_sidecar", "chains", ["tenant", "sidecar"], unique=False)
    op.create_table(
        "incarnations",
        sa.Column("chain_no", NUMBER, autoincrement=False, nullable=False),
        sa.Column("first_seq", NUMBER, autoincrement=False, nullable=False),
        sa.Column("incarnation", sa.Text(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=True),
        sa.Column("isolation", sa.Text(), nullable=True),
        sa.Column("last_seq", NUMBER, nullable=False),
        sa.Column("first_at", NUMBER, nullable=False),
        sa.Column("last_at", NUMBER, nullable=False),
        sa.Column("last_boot", NUMBER, nullable=False),
        sa.Column("heartbeats", NUMBER, nullable=False),
        sa.Column("closed", sa.Boolean(), nullable=False),
        sa.Column("received_at", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("chain_no", "first_seq"),
    )
    op.create_table(
        "silences",
        sa.Column("chain_no", NUMBER, autoincrement=False, nullable=False),
        sa.Column("after_seq", NUMBER, autoincrement=False, nullable=False),
        sa.Column("from_at", NUMBER, nullable=False),
        sa.Column("to_at", NUMBER, nullable=False),
        sa.Column("boot_us", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("chain_no", "after_seq"),
    )


def _make_calls() -> None:
    """What became of each call."""
    op.create_table(
        "calls",
        sa.Column("chain_no", NUMBER, autoincrement=False, nullable=False),
        sa.Column("call", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("intent_seq", NUMBER, nullable=True),
        sa.Column("last_seq", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("chain_no", "call"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "calls_open",
        "calls",
        ["chain_no"],
        unique=False,
        sqlite_where=sa.text("state IN ('asked', 'open')"),
        postgresql_where=sa.text("state IN ('asked', 'open')"),
    )


def _make_records() -> None:
    """What sidecars send."""
    op.create_table(
        "batches",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("chain_no", NUMBER, nullable=False),
        sa.Column("first_seq", NUMBER, nullable=False),
        sa.Column("last_seq", NUMBER, nullable=False),
        sa.Column("first_at", NUMBER, nullable=False),
        sa.Column("last_at", NUMBER, nullable=False),
        sa.Column("received_at", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("batches_of_chain", "batches", ["chain_no", "first_seq"], unique=False)
    op.create_table(
        "data_keys",
        sa.Column("no", NUMBER, autoincrement=True, nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("chain_no", NUMBER, nullable=True),
        sa.Column("line", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("no"),
        sa.UniqueConstraint("tenant", "id", name="data_keys_once"),
    )
    op.create_index("data_keys_of_chain", "data_keys", ["chain_no"], unique=False)
    op.create_index("data_keys_of_unit", "data_keys", ["tenant", "unit"], unique=False)
    op.create_table(
        "heads",
        sa.Column("no", NUMBER, autoincrement=True, nullable=False),
        sa.Column("chain_no", NUMBER, nullable=False),
        sa.Column("seq", NUMBER, nullable=False),
        sa.Column("signed", NUMBER, nullable=False),
        sa.Column("checked", sa.Boolean(), nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("no"),
    )
    op.create_index("heads_of_chain", "heads", ["chain_no", "seq"], unique=False)
    op.create_table(
        "records",
        sa.Column("chain_no", NUMBER, autoincrement=False, nullable=False),
        sa.Column("seq", NUMBER, autoincrement=False, nullable=False),
        sa.Column("received_at", NUMBER, autoincrement=False, nullable=False),
        sa.Column("link", sa.LargeBinary(), nullable=False),
        sa.Column("header", sa.LargeBinary(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("box", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("chain_no", "seq", "received_at"),
        postgresql_partition_by="RANGE (received_at)",
    )


def _make_findings() -> None:
    """What was wrong with it."""
    op.create_table(
        "incidents",
        sa.Column("no", NUMBER, autoincrement=True, nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("sidecar", sa.Text(), nullable=False),
        sa.Column("chain", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("seq", NUMBER, nullable=False),
        sa.Column("amount", NUMBER, nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("first_at", NUMBER, nullable=False),
        sa.Column("last_at", NUMBER, nullable=False),
        sa.Column("count", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("no"),
        sa.UniqueConstraint("tenant", "sidecar", "chain", "kind", "about", name="incidents_once"),
    )
    op.create_table(
        "strays",
        sa.Column("no", NUMBER, autoincrement=True, nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("sidecar", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("incident_no", NUMBER, nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("no"),
        sa.UniqueConstraint("tenant", "sidecar", "digest", name="strays_once"),
    )


def _make_log() -> None:
    """How far the log has it."""
    op.create_table(
        "log_batches",
        sa.Column("batch_id", NUMBER, autoincrement=False, nullable=False),
        sa.Column("first_leaf", NUMBER, nullable=False),
        sa.Column("count", NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("batch_id"),
        sa.UniqueConstraint("first_leaf", name="log_batches_once"),
    )
    op.create_table(
        "pending",
        sa.Column("batch_id", NUMBER, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("batch_id"),
    )
    op.create_table(
        "tree",
        sa.Column("one", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("size", NUMBER, nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("fence", NUMBER, nullable=False),
        sa.CheckConstraint("one = 1", name="tree_is_one"),
        sa.PrimaryKeyConstraint("one"),
    )


def downgrade() -> None:
    """Drop them, with all that they hold."""
    for name in (
        "tree", "log_batches", "pending", "strays", "incidents", "silences", "calls", "data_keys", "heads", "records",
        "batches", "incarnations", "chains",
    ):  # fmt: skip
        op.drop_table(name)
