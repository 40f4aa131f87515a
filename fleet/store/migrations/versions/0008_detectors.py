"""Orders that name no detectors have those of their sites: an empty list is none at all now."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

ORDERS = sa.table("orders", sa.column("id", sa.Uuid()), sa.column("request", sa.JSON()))


def upgrade() -> None:
    """Say by null what an empty list said before."""
    bind = op.get_bind()
    for key, request in bind.execute(sa.select(ORDERS.c.id, ORDERS.c.request)).all():
        if request.get("detectors") == []:
            said = {**request, "detectors": None}
            bind.execute(sa.update(ORDERS).where(ORDERS.c.id == key).values(request=said))
