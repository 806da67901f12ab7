"""What Alembic runs for every command: the caller gives the connection, and with it the transaction."""

from alembic import context

from service.storage.schema import whole_metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=whole_metadata(),
    compare_type=True,
    render_as_batch=True,  # SQLite changes a table only by copying it
)
context.run_migrations()
