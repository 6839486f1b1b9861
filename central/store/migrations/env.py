"""Alembic's hook: migrations run on the connection, and in the transaction, that `central.store.schema` has begun."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    transactional_ddl=True,
    transaction_per_migration=False,
)
context.run_migrations()
