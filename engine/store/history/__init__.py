"""The history: everything that bots did, in a database that may be shared. SQLite, PostgreSQL or TimescaleDB."""
