"""The store: SQLAlchemy tables, migrations and repositories."""
