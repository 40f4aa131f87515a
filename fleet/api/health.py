"""``/healthz`` and ``/metrics``: for machines that watch machines."""

from __future__ import annotations

from collections import Counter
from typing import cast

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest

from fleet.api.context import Context, Ctx
from fleet.model.incident import Incident, IncidentStatus
from fleet.model.live import DroneLive, SiteLive
from fleet.model.states import DroneState

router = APIRouter(tags=["health"])


class LiveMetrics:
    """Gauges that are read from the live picture when asked for."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._drones = Gauge("skybeat_drones", "Drones by state", ["state"], registry=registry)
        self._incidents = Gauge(
            "skybeat_incidents",
            "Incidents that changed since the start, by status",
            ["status"],
            registry=registry,
        )
        self._sites = Gauge("skybeat_sites", "Sites by watch state", ["state"], registry=registry)

    def update(self, ctx: Context) -> None:
        """Set the gauges."""
        drones = Counter(cast(DroneLive, f).state.value for f in ctx.hub.all("drone").values())
        for state in DroneState:
            self._drones.labels(state.value).set(drones[state.value])
        found = Counter(cast(Incident, f).status.value for f in ctx.hub.all("incident").values())
        for status in IncidentStatus:
            self._incidents.labels(status.value).set(found[status.value])
        sites = Counter(cast(SiteLive, f).state for f in ctx.hub.all("site").values())
        for name in ("unwatched", "watching", "off_station", "not_measurable", "blind"):
            self._sites.labels(name).set(sites[name])


@router.get("/healthz")
async def healthz(ctx: Ctx) -> dict[str, str]:
    """Say that the controller runs and its database answers."""
    async with ctx.store.read() as session:
        await session.connection()
    return {"status": "ok"}


@router.get("/metrics", response_class=Response)
async def metrics(ctx: Ctx, request: Request) -> Response:
    """Return the metrics in Prometheus' text format."""
    await ctx.dispatcher.waiting()
    cast(LiveMetrics, request.app.state.live_metrics).update(ctx)
    return Response(generate_latest(ctx.registry), media_type=CONTENT_TYPE_LATEST)
