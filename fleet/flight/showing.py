"""A keeper's drone as the map shows it."""

from __future__ import annotations

from fleet.flight.keeper import Keeper
from fleet.model.live import DroneLive


class Shown:
    """Publishes what has changed of one drone, many times a second.

    The route and the rest that stays for a whole state are made once, and only what moves is set
    anew.
    """

    def __init__(self) -> None:
        self._key: tuple[object, ...] = ()
        self._base: DroneLive | None = None

    def publish(self, s: Keeper, reason: str) -> None:
        """Put the drone on the map, with why it is in its state."""
        key = (s.state, reason, s.warnings, s.holder, s.holder_token, s.berth, s.sortie, s.looked)
        if self._base is None or key != self._key:
            self._key, self._base = key, _live(s, reason)
        elif self._base.telemetry is s.t:
            return
        self._base = self._base.model_copy(update={"telemetry": s.t})
        s.world.hub.publish("drone", s.drone.id, self._base)


def _live(s: Keeper, reason: str) -> DroneLive:
    sortie = s.sortie
    return DroneLive(
        id=s.drone.id,
        dock=s.drone.dock,
        berth=s.berth,
        state=s.state,
        reason=reason,
        warnings=s.warnings,
        holder=s.holder,
        holder_token=s.holder_token,
        sortie=sortie.id if sortie else None,
        site=next(iter(sortie.sites), None) if sortie else None,
        detectors=s.looked,
        telemetry=s.t,
        route=tuple((w.lon, w.lat) for leg in sortie.legs for w in leg.waypoints) if sortie else (),
    )
