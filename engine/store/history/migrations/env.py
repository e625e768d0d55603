"""Alembic's entry: runs revisions on the connection that it is given."""

from alembic import context

from engine.store.history.tables import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, render_as_batch=connection.dialect.name == "sqlite")
context.run_migrations()
