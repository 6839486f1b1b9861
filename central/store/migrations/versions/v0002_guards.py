"""What nobody may do to record bytes, in triggers; in PostgreSQL also the partitions of `records`."""

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
    -- For each statement: one that names the parent meets the parent's trigger, one that names a partition that one's.
    EXECUTE format('CREATE TRIGGER never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON %s '
                   'FOR EACH STATEMENT EXECUTE FUNCTION agentgate_refuse()', guarded);
    -- ALWAYS: session_replication_role does not switch it off.
    EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER never_changed', guarded);
END $$
"""

PARTITIONS = """
CREATE FUNCTION agentgate_make_partitions(from_us bigint, months integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    month timestamp;
    name text;
    made integer := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('agentgate partitions', 0));
    FOR ahead IN 0 .. months - 1 LOOP
        month := date_trunc('month', to_timestamp(from_us / 1000000.0) AT TIME ZONE 'UTC')
            + make_interval(months => ahead);
        name := 'records_' || to_char(month, 'YYYY_MM');
        CONTINUE WHEN to_regclass(name) IS NOT NULL;
        BEGIN
            EXECUTE format('CREATE TABLE %I PARTITION OF records FOR VALUES FROM (%s) TO (%s)', name,
                (extract(epoch FROM month AT TIME ZONE 'UTC') * 1000000)::bigint,
                (extract(epoch FROM (month + interval '1 month') AT TIME ZONE 'UTC') * 1000000)::bigint);
            PERFORM agentgate_guard(name::regclass);
            made := made + 1;
        EXCEPTION WHEN check_violation THEN
            -- Nobody made this month's partition ahead, and records of it lie in records_rest: they stay there.
            NULL;
        END;
    END LOOP;
    RETURN made;
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
    # A box is ciphertext: trying to compress it is for nothing.
    op.execute("ALTER TABLE records ALTER COLUMN box SET STORAGE EXTERNAL")
    op.execute("CREATE TABLE records_rest PARTITION OF records DEFAULT")
    for function in (REFUSE, GUARD, PARTITIONS):
        op.execute(function)
    op.execute("REVOKE ALL ON FUNCTION agentgate_guard, agentgate_make_partitions FROM PUBLIC")
    for table in (*FROZEN, "records_rest"):
        op.execute(f"SELECT agentgate_guard('{table}')")


def downgrade() -> None:
    """Take the guards away; partitions stay, with what they hold."""
    if op.get_bind().dialect.name == "sqlite":
        for table in FROZEN:
            for deed in ("update", "delete"):
                op.execute(f"DROP TRIGGER {table}_no_{deed}")
        return
    op.execute("DROP FUNCTION agentgate_make_partitions, agentgate_guard")
    op.execute("DROP FUNCTION agentgate_refuse CASCADE")
