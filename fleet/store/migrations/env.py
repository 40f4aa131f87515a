"""Alembic's entry: runs the migrations on the connection that ``fleet.store.database`` hands over."""

from __future__ import annotations

from alembic import context

from fleet.store.tables import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    transactional_ddl=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
