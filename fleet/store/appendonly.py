"""The audit only grows: triggers that refuse every other change, by dialect.

SQLite has no TRUNCATE. PostgreSQL's owner of the table could still drop the triggers; an
administrator who wants to hold it off too gives Skybeat a role that does not own its tables.
"""

from __future__ import annotations

from collections.abc import Mapping

_WORDS = "the audit is append-only"

STATEMENTS: Mapping[str, tuple[str, ...]] = {
    "sqlite": tuple(
        f"CREATE TRIGGER audit_no_{change.lower()} BEFORE {change} ON audit "
        f"BEGIN SELECT RAISE(ABORT, '{_WORDS}'); END"
        for change in ("UPDATE", "DELETE")
    ),
    "postgresql": (
        "CREATE FUNCTION audit_only_grows() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{_WORDS}'; END $$",
        "CREATE TRIGGER audit_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_only_grows()",
    ),
}
"""By SQLAlchemy's name of the dialect."""
