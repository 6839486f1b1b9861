"""Chains that nobody went on with, as central has stated it."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WRITER, READER, ERASER = "agentgate_writer", "agentgate_reader", "agentgate_eraser"


def upgrade() -> None:
    """Make the table; whoever may add records may state it, and nobody may take it back."""
    op.create_table(
        "abandonments",
        sa.Column("statement", sa.LargeBinary(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("chain", sa.LargeBinary(), nullable=False),
        *(sa.Column(name, NUMBER, nullable=False) for name in ("seq", "calls", "at")),
        sa.PrimaryKeyConstraint("statement"),
    )
    op.create_index("abandonments_of_chain", "abandonments", ["tenant", "chain", "seq"], unique=False)
    if op.get_bind().dialect.name == "sqlite":
        for deed in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER abandonments_no_{deed.lower()} BEFORE {deed} ON abandonments "
                f"BEGIN SELECT RAISE(ABORT, 'rows of abandonments are never changed: {deed}'); END"
            )
        return
    op.execute("SELECT agentgate_guard('abandonments')")
    op.execute(f"GRANT SELECT ON abandonments TO {READER}, {WRITER}, {ERASER}")
    op.execute(f"GRANT INSERT ON abandonments TO {WRITER}")


def downgrade() -> None:
    """Take it away, and with it what was stated; the records of it stay."""
    op.drop_table("abandonments")
