"""The application: routers, errors, headers, documentation and the map's files."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from fastapi import FastAPI

from fleet.api import (
    audit,
    cadcalls,
    calls,
    citymap,
    detections,
    docks,
    docs,
    drones,
    errors,
    evidence,
    exchange,
    flights,
    health,
    incidents,
    landings,
    missions,
    overrides,
    page,
    plan,
    policy,
    sites,
    state,
    stations,
    stream,
    tokens,
    zones,
)
from fleet.api.context import Context
from fleet.api.headers import SecurityHeaders

ROUTERS = (
    health.router,
    citymap.router,
    state.router,
    stream.router,
    plan.router,
    missions.router,
    exchange.router,
    calls.router,
    cadcalls.router,
    drones.router,
    overrides.router,
    policy.router,
    docks.router,
    landings.router,
    flights.router,
    incidents.router,
    evidence.router,
    sites.router,
    stations.router,
    detections.router,
    tokens.router,
    audit.router,
    zones.router,
)


def create_app(context: Context) -> FastAPI:
    """Return the ASGI application over a controller's parts."""
    app = FastAPI(
        title="Skybeat",
        version=_version(),
        docs_url=None,
        redoc_url=None,
        max_body_size=detections.BODY_LIMIT,
    )
    app.state.context = context
    app.state.city_map = citymap.Kept()
    app.state.live_metrics = health.LiveMetrics(context.registry)
    app.add_middleware(SecurityHeaders, map_origins=context.map_origins)
    errors.install(app)
    for router in ROUTERS:
        app.include_router(router)
    docs.install(app)
    page.install(app)
    return app


def _version() -> str:
    try:
        return version("skybeat")
    except PackageNotFoundError:  # run from a source tree that is not installed
        return "0"
