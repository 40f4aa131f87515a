from __future__ import annotations

import asyncio
import socket

import pytest

from missions.city import City
from missions.geo import distance_m
from sitl.autopilot.core import Core, VehicleSpec
from sitl.autopilot.guidance import vertical_to
from sitl.errors import SimError
from sitl.scenario import Scenario
from sitl.vehicles import (
    SLOT_OFFSET_M,
    FleetError,
    px4_spec,
    slot,
    vehicles,
    vertical_params,
)


def free_udp(count: int) -> list[int]:
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(count)]
    for s in sockets:
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


@pytest.fixture
def city(small: City) -> City:
    drones = tuple(
        d.model_copy(update={"mavlink": f"udpout://127.0.0.1:{port}"})
        for d, port in zip(small.drones, free_udp(2), strict=True)
    )
    return small.model_copy(update={"drones": drones})


def test_two_drones_of_a_dock_stand_side_by_side(small: City) -> None:
    places = [slot(small, d.id) for d in small.drones]
    dock = small.docks[0].position
    assert [distance_m(p, dock) for p in places] == pytest.approx([SLOT_OFFSET_M] * 2, abs=0.01)
    assert distance_m(*places) == pytest.approx(2 * SLOT_OFFSET_M, abs=0.01)


async def test_embedded_vehicles_stand_in_their_slots_and_listen(
    city: City, scenario: Scenario
) -> None:
    async with asyncio.TaskGroup() as group, vehicles(city, scenario, "embedded", group) as flying:
        assert [v.id for v in flying] == [d.id for d in city.drones]
        for vehicle in flying:
            pose = vehicle.true_pose()
            assert distance_m((pose.lon, pose.lat), slot(city, vehicle.id)) < 0.05
            assert pose.altitude_amsl_m == pytest.approx(10.0, abs=0.1)
            assert vehicle.landed
        port = int(city.drones[0].mavlink.rsplit(":", 1)[1])
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe,
            pytest.raises(OSError, match="in use"),
        ):
            probe.bind(("127.0.0.1", port))


async def test_a_taken_port_is_told(city: City, scenario: Scenario) -> None:
    port = int(city.drones[1].mavlink.rsplit(":", 1)[1])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", port))
        with pytest.raises(BaseExceptionGroup) as caught:
            async with asyncio.TaskGroup() as group, vehicles(city, scenario, "embedded", group):
                pytest.fail("the vehicles started")
    found = caught.value.subgroup(SimError)
    assert found is not None
    assert str(port) in str(found.exceptions[0])


def test_a_drone_becomes_the_px4_instance_of_its_address(zhangzhou: City) -> None:
    spec = px4_spec(zhangzhou, zhangzhou.drones[3])
    assert (spec.instance, spec.system_id) == (3, 4)
    assert spec.controller_url == zhangzhou.drones[3].mavlink
    assert spec.params["SIM_BAT_DRAIN"] == round(274 / 420 * 3600)


def test_vehicles_climb_and_come_down_as_the_city_file_says(zhangzhou: City) -> None:
    drone = zhangzhou.drones[3].model_copy(update={"climb_m_s": 4.0, "descent_m_s": 2.0})
    params = px4_spec(zhangzhou, drone).params
    assert vertical_params(drone).items() <= params.items()
    lon, lat = slot(zhangzhou, drone.id)
    embedded = VehicleSpec("x", 1, lon, lat, amsl_m=20.0, params=vertical_params(drone))
    core = Core(embedded)
    assert (vertical_to(core, 50.0), vertical_to(core, -50.0)) == (4.0, -2.0)


@pytest.mark.parametrize("change", [{"system_id": 9}, {"mavlink": "udpout://127.0.0.1:14580"}])
def test_a_drone_that_is_no_px4_instance_is_refused(
    zhangzhou: City, change: dict[str, object]
) -> None:
    with pytest.raises(FleetError, match="PX4 instance i has system id"):
        px4_spec(zhangzhou, zhangzhou.drones[3].model_copy(update=change))
