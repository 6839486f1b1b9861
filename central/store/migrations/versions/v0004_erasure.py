"""Erasure: what data keys have sealed, holds, tombstones, and the keys that never come back."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

WRITER, READER, ERASER = "agentgate_writer", "agentgate_reader", "agentgate_eraser"
TABLES = ("sealings", "erasures", "erased_keys", "holds", "packs", "pack_units")
FROZEN = ("erasures", "erased_keys")
# The lock (its number is "agentger") first: a key that comes while it is being erased waits, and finds itself gone.
STAY_AWAY = """
CREATE FUNCTION agentgate_stay_away() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(7018690069353948530);
    IF EXISTS (SELECT 1 FROM erased_keys WHERE tenant = NEW.tenant AND id = NEW.id) THEN
        RETURN NULL;
    END IF;
    RETURN NEW;
END $$
"""

GRANTS = (
    f"GRANT SELECT ON {', '.join(TABLES)} TO {READER}, {WRITER}, {ERASER}",
    f"GRANT INSERT, UPDATE ON sealings TO {WRITER}",
    f"GRANT INSERT ON packs, pack_units TO {WRITER}",
    f"GRANT USAGE ON SEQUENCE packs_no_seq TO {WRITER}",
    f"GRANT DELETE ON sealings TO {ERASER}",
    f"GRANT INSERT ON erasures, erased_keys TO {ERASER}",
    f"GRANT INSERT, UPDATE ON holds TO {ERASER}",
    f"GRANT USAGE ON SEQUENCE erasures_no_seq TO {ERASER}",
)


def upgrade() -> None:
    """Make them."""
    _sealings()
    _erasures()
    _holds()
    _packs()
    if op.get_bind().dialect.name == "sqlite":
        _guard_sqlite()
        return
    for table in FROZEN:
        op.execute(f"SELECT agentgate_guard('{table}')")
    op.execute(STAY_AWAY)
    op.execute(
        "CREATE TRIGGER stay_away BEFORE INSERT ON data_keys FOR EACH ROW EXECUTE FUNCTION agentgate_stay_away()"
    )
    for grant in GRANTS:
        op.execute(grant)


def downgrade() -> None:
    """Take them away, and with them what was known of holds and erasures."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER data_keys_stay_away")
    else:
        op.execute("DROP TRIGGER stay_away ON data_keys")
        op.execute("DROP FUNCTION agentgate_stay_away")
    for table in reversed(TABLES):
        op.drop_table(table)


def _guard_sqlite() -> None:
    for table in FROZEN:
        for deed in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{deed.lower()} BEFORE {deed} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, 'rows of {table} are never changed: {deed}'); END"
            )
    op.execute(
        "CREATE TRIGGER data_keys_stay_away BEFORE INSERT ON data_keys "
        "WHEN EXISTS (SELECT 1 FROM erased_keys WHERE tenant = NEW.tenant AND id = NEW.id) "
        "BEGIN SELECT RAISE(IGNORE); END"
    )


def _text(name: str, *, nullable: bool = False) -> "sa.Column[str]":
    return sa.Column(name, sa.Text(), nullable=nullable)


def _number(name: str, *, nullable: bool = False) -> "sa.Column[int]":
    return sa.Column(name, NUMBER, nullable=nullable)


def _no() -> "sa.Column[int]":
    return sa.Column("no", NUMBER, autoincrement=True, nullable=False)


def _sealings() -> None:
    op.create_table(
        "sealings",
        _text("tenant"),
        sa.Column("key_id", sa.LargeBinary(), nullable=False),
        sa.Column("about", sa.LargeBinary(), nullable=False),
        *map(_text, ("upstream", "class_name", "agent", "subject", "session")),
        *map(_number, ("first_at", "last_at", "first_received", "last_received", "records")),
        sa.PrimaryKeyConstraint("tenant", "key_id", "about"),
    )
    op.create_index("sealings_of_session", "sealings", ["tenant", "session"], unique=False)
    op.create_index("sealings_of_subject", "sealings", ["tenant", "subject"], unique=False)


def _erasures() -> None:
    op.create_table(
        "erasures",
        _no(),
        sa.Column("tombstone", sa.LargeBinary(), nullable=False),
        *map(_text, ("tenant", "unit", "cause", "asked_by", "reason")),
        *map(_number, ("keys", "at")),
        sa.PrimaryKeyConstraint("no"),
        sa.UniqueConstraint("tombstone", name="erasures_once"),
    )
    op.create_index("erasures_of_unit", "erasures", ["tenant", "unit"], unique=False)
    op.create_table(
        "erased_keys",
        _text("tenant"),
        sa.Column("id", sa.LargeBinary(), nullable=False),
        _number("at"),
        sa.PrimaryKeyConstraint("tenant", "id"),
    )


def _holds() -> None:
    op.create_table(
        "holds",
        *map(_text, ("id", "tenant")),
        _text("agent", nullable=True),
        _text("session", nullable=True),
        _number("from_at", nullable=True),
        _number("until_at", nullable=True),
        *map(_text, ("placed_by", "reason")),
        _number("placed_at"),
        _text("released_by", nullable=True),
        _text("release_reason", nullable=True),
        _number("released_at", nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("holds_of_tenant", "holds", ["tenant"], unique=False)


def _packs() -> None:
    op.create_table(
        "packs",
        _no(),
        *map(_text, ("tenant", "digest", "exported_by")),
        _number("exported_at"),
        sa.PrimaryKeyConstraint("no"),
        sa.UniqueConstraint("tenant", "digest", name="packs_once"),
    )
    op.create_table(
        "pack_units",
        sa.Column("pack_no", NUMBER, autoincrement=False, nullable=False),
        _text("unit"),
        sa.PrimaryKeyConstraint("pack_no", "unit"),
    )
    op.create_index("packs_of_unit", "pack_units", ["unit"], unique=False)
