"""Revisions of the history's tables, for alembic."""
