"""Who may do what, in PostgreSQL: four group roles that nobody logs in as.

A login role of central is a member of writer, reader and sequencer; the eraser's is one of its own. None of them owns a
table, so that none of them can take the triggers away.
"""

from alembic import op
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from central.store.engine import StoreProblem

revision = "0003"
down_revision = "0002"

WRITER, READER = "agentgate_writer", "agentgate_reader"
SEQUENCER, ERASER = "agentgate_sequencer", "agentgate_eraser"
ROLES = (WRITER, READER, SEQUENCER, ERASER)

KEPT = "records, batches, heads, strays, data_keys, silences, pending"
TOLD = "chains, incarnations, calls, incidents"
EVERYTHING = f"{KEPT}, {TOLD}, log_batches, tree"
NUMBERS = "chains_no_seq, batches_id_seq, heads_no_seq, strays_no_seq, data_keys_no_seq, incidents_no_seq"

GRANTS = (
    f"GRANT SELECT ON {EVERYTHING}, alembic_version TO {READER}",
    f"GRANT SELECT ON alembic_version TO {WRITER}, {SEQUENCER}, {ERASER}",
    f"GRANT SELECT, INSERT ON {KEPT} TO {WRITER}",
    f"GRANT SELECT, INSERT, UPDATE ON {TOLD} TO {WRITER}",
    f"GRANT EXECUTE ON FUNCTION agentgate_make_partitions TO {WRITER}",
    f"GRANT USAGE ON SEQUENCE {NUMBERS} TO {WRITER}",
    f"GRANT USAGE ON SEQUENCE incidents_no_seq TO {SEQUENCER}",
    f"GRANT SELECT ON chains, batches, records, heads TO {SEQUENCER}",
    f"GRANT SELECT, DELETE ON pending TO {SEQUENCER}",
    f"GRANT SELECT, INSERT ON log_batches TO {SEQUENCER}",
    f"GRANT SELECT, INSERT, UPDATE ON tree, incidents TO {SEQUENCER}",
    f"GRANT SELECT ON chains, batches, records, heads TO {ERASER}",
    f"GRANT SELECT, DELETE ON data_keys TO {ERASER}",
)


def upgrade() -> None:
    """Make the roles that are not there, and give each its rights."""
    if op.get_bind().dialect.name == "sqlite":
        return
    connection = op.get_bind()
    there = set(connection.scalars(text("SELECT rolname FROM pg_roles")))
    missing = [f"CREATE ROLE {role} NOLOGIN" for role in ROLES if role not in there]
    try:
        for statement in missing:
            op.execute(statement)
    except ProgrammingError as error:
        raise StoreProblem(
            "this database user may not make roles. Have an administrator run, once for the server: "
            + "; ".join(missing)
            + ";"
        ) from error
    for grant in GRANTS:
        op.execute(grant)


def downgrade() -> None:
    """Take the rights away. The roles stay: other databases of the server may have given them rights as well."""
    if op.get_bind().dialect.name == "sqlite":
        return
    roles = ", ".join(ROLES)
    op.execute(f"REVOKE ALL ON {EVERYTHING}, alembic_version FROM {roles}")
    op.execute(f"REVOKE ALL ON SEQUENCE {NUMBERS} FROM {roles}")
    op.execute(f"REVOKE ALL ON FUNCTION agentgate_make_partitions FROM {roles}")
