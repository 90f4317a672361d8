"""What Alembic runs: on the connection it is handed, or as SQL for a dialect."""

from alembic import context

from code24.state.tables import metadata

attributes = context.config.attributes
if context.is_offline_mode():
    context.configure(
        dialect_name=attributes["dialect"],
        target_metadata=metadata,
        literal_binds=True,
    )
else:
    context.configure(connection=attributes["connection"], target_metadata=metadata)

with context.begin_transaction():
    context.run_migrations()
