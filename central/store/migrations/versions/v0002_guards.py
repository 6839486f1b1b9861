"""What nobody may do to record bytes, in triggers; in PostgreSQL also the default partition."""

from alembic import op

revision = "0002"
down_revision = "0001"

FROZEN = ("records", "batches", "heads", "strays")

REFUSE = """
CREATE FUNCTION agentgate_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are never changed: %', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$
"""

GUARD = """
CREATE FUNCTION agentgate_guard(guarded regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TRIGGER never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON %s '
                   'FOR EACH STATEMENT EXECUTE FUNCTION agentgate_refuse()', guarded);
    -- ALWAYS: session_replication_role does not switch it off.
    EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER never_changed', guarded);
END $$
"""


def upgrade() -> None:
    """Guard the tables."""
    if op.get_bind().dialect.name == "sqlite":
        for table in FROZEN:
            for deed in ("UPDATE", "DELETE"):
                op.execute(
                    f"CREATE TRIGGER {table}_no_{deed.lower()} BEFORE {deed} ON {table} "
                    f"BEGIN SELECT RAISE(ABORT, 'rows of {table} are never changed: {deed}'); END"
                )
        return
    op.execute("CREATE TABLE records_rest PARTITION OF records DEFAULT")
    op.execute(REFUSE)
    op.execute(GUARD)
    for table in (*FROZEN, "records_rest"):
        op.execute(f"SELECT agentgate_guard('{table}')")


def downgrade() -> None:
    """Take the guards away."""
    if op.get_bind().dialect.name == "sqlite":
        for table in FROZEN:
            for deed in ("update", "delete"):
                op.execute(f"DROP TRIGGER {table}_no_{deed}")
        return
    op.execute("DROP FUNCTION agentgate_guard")
    op.execute("DROP FUNCTION agentgate_refuse CASCADE")
