"""Where a pilot may send a drone: the city's bounds and its sortie's fence, in words."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter

from fleet.flight.carried import Carried
from fleet.model.command import CommandStatus, Demand, GoTo
from missions.sortie import Sortie, SortieEnergy

DEMAND: TypeAdapter[Demand] = TypeAdapter(Demand)


def goto(lon: float = 117.655, lat: float = 24.512, altitude_m: float = 60.0) -> Demand:
    return GoTo(action="goto", lon=lon, lat=lat, altitude_m=altitude_m)


FENCE = ((117.64, 24.505), (117.66, 24.505), (117.66, 24.52), (117.64, 24.52))
KEEP_OUT = ((117.652, 24.509), (117.653, 24.509), (117.653, 24.511), (117.652, 24.511))


def on_sortie() -> Sortie:
    energy = SortieEnergy(1, 2, 3, 4, 5)
    return Sortie(
        "s1", "o1", "u1", "d1", 117.65, 24.51, 60, (), energy, fence=FENCE, exclusions=(KEEP_OUT,)
    )


@pytest.mark.parametrize(
    ("demand", "words"),
    [
        (goto(altitude_m=121), "altitude 121 m is above the ceiling of 120 m above home"),
        (goto(lon=117.69), "leaves the city's fence"),
        (goto(lon=117.665), "crosses a no-fly zone of its sortie's fence; send it round"),
        (goto(lon=117.6525, lat=24.51), "is in a no-fly zone of its sortie's fence"),
        (goto(lon=117.655, lat=24.51), "crosses a no-fly zone of its sortie's fence"),  # behind it
        (goto(lon=117.648, altitude_m=9), "altitude 9 m is too low; the lowest is 10 m"),
        (goto(lon=-62.0, lat=-24.0), "km away; it flies"),
        (goto(lon=179.9, lat=89.9), "km away; it flies"),
    ],
)
async def test_what_breaks_a_fence_is_refused_in_words_and_not_sent(
    room: Any, demand: Demand, words: str
) -> None:
    room.flight.supervisors["u1"].sortie = on_sortie()
    answer = await room.ask(demand)
    assert answer.record.status is CommandStatus.REFUSED
    assert words in answer.record.answer
    assert room.flight.words == []
    assert room.desk.holder("u1") is None
    assert (await room.ask(goto(lon=117.648, lat=24.512))).record.status is CommandStatus.DONE


async def test_an_orbit_is_held_to_the_fence_all_round(room: Any) -> None:
    def orbit(radius_m: float) -> Demand:
        return DEMAND.validate_python(
            {
                "action": "orbit",
                "lon": 117.6445,
                "lat": 24.513,
                "altitude_m": 50,
                "radius_m": radius_m,
            }
        )

    room.flight.supervisors["u1"].sortie = on_sortie()
    assert (await room.ask(orbit(100))).record.status is CommandStatus.DONE
    assert (await room.ask(orbit(300))).record.status is CommandStatus.DONE
    room.flight.supervisors["u1"].carried = Carried(FENCE, (KEEP_OUT,))
    room.link.telemetry = room.link.telemetry.model_copy(update={"lat": 24.5135})
    refused = await room.ask(
        DEMAND.validate_python(
            {"action": "orbit", "lon": 117.671, "lat": 24.513, "altitude_m": 50, "radius_m": 500}
        )
    )
    assert refused.record.status is CommandStatus.REFUSED
    assert "leaves the city's fence" in refused.record.answer


async def test_a_drone_that_is_outside_may_be_sent_back_in(room: Any) -> None:
    room.flight.supervisors["u1"].sortie = on_sortie()
    telemetry = room.link.telemetry
    for outside in ((117.671, 24.513), (117.6605, 24.513)):  # of the city's fence, of the sortie's
        update = {"lon": outside[0], "lat": outside[1], "altitude_m": 140.0}
        room.link.telemetry = telemetry.model_copy(update=update)
        assert (await room.ask(goto(lon=117.655, lat=24.513))).record.status is CommandStatus.DONE
    room.link.telemetry = telemetry.model_copy(update={"lon": None})
    refused = await room.ask(goto(lon=117.655, lat=24.513))
    assert "is not known" in refused.record.answer
