"""A pilot's flight with the real controller: told once, over a SIGKILL, and all of it in the log."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from pymavlink import mavutil

if TYPE_CHECKING:
    from conftest import Realm

BOUND_S = 60.0


@pytest.fixture
def pilot(realm: Callable[[], Realm]) -> Pilot:
    return Pilot(realm())


class Pilot:
    """Speaks to the API of whichever controller lives."""

    def __init__(self, realm: Realm) -> None:
        self.realm = realm
        self.drone = ""
        realm.start()
        realm.wait_ready()

    def get(self, path: str) -> Any:
        answer = self.realm.call("GET", path)
        assert answer is not None
        assert answer.status_code == 200, answer.text
        return answer

    def tell(self, **body: Any) -> tuple[int, dict[str, Any]]:
        answer = self.realm.call("POST", f"drones/{self.drone}/commands", json=body, timeout=60)
        assert answer is not None
        return answer.status_code, answer.json()

    def live(self) -> dict[str, dict[str, Any]]:
        return {drone["id"]: drone for drone in self.realm.state().get("drones", [])}

    def wait(self, seen: Callable[[dict[str, dict[str, Any]]], Any]) -> Any:
        end = time.monotonic() + BOUND_S
        while time.monotonic() < end:
            found = seen(self.live())
            if found:
                return found
            time.sleep(0.05)
        orders = self.realm.call("GET", "missions").json()
        raise AssertionError(f"not seen within {BOUND_S} s: {self.live()}; orders {orders}")

    def wait_state(self, *states: str) -> None:
        self.wait(lambda live: live.get(self.drone, {}).get("state") in states)

    def take_off(self) -> dict[str, Any]:
        """Have a drone fly its patrol; return its telemetry from 25 m up."""
        self.wait(lambda live: sum(d["state"] == "docked" for d in live.values()) == 4)
        body = {"kind": "patrol", "beats": ["b"]}
        answer = self.realm.call("POST", "missions", json=body, timeout=20.0)
        assert answer is not None
        assert answer.status_code == 201, answer.text

        def climbed(live: dict[str, dict[str, Any]]) -> dict[str, Any] | None:
            for drone in live.values():
                told = drone["telemetry"] or {}
                if drone["state"] in ("on_way", "on_task") and told.get("altitude_m", 0) > 25:
                    return drone
            return None

        found: dict[str, Any] = self.wait(climbed)
        self.drone = found["id"]
        telemetry: dict[str, Any] = found["telemetry"]
        return telemetry


@pytest.mark.timeout(240)
def test_a_pilot_is_obeyed_once_over_a_kill_and_the_flight_is_kept(pilot: Pilot) -> None:
    t = pilot.take_off()
    realm, drone = pilot.realm, pilot.drone
    there = {"lon": t["lon"] + 2e-4, "lat": t["lat"] + 2e-4, "altitude_m": round(t["altitude_m"])}
    assert pilot.tell(action="hold", reason="look closer")[0] == 200
    assert pilot.live()[drone]["holder"] == "first administrator"
    goto = {"action": "goto", "id": str(uuid4()), **there}
    status, done = pilot.tell(**goto)
    assert (status, done["status"]) == (200, "done"), done
    status, refused = pilot.tell(action="goto", lon=117.7, lat=24.51, altitude_m=60)
    assert status == 409
    assert refused["command"]["status"] == "refused"
    assert pilot.tell(action="kill")[1]["confirm"]

    realm.kill()
    realm.start()
    realm.wait_ready()
    pilot.wait_state("held")
    assert pilot.live()[drone]["holder"] == "first administrator"
    assert pilot.tell(**goto) == (200, done)  # known, and not flown again
    assert pilot.tell(action="return")[0] == 200
    pilot.wait_state("closing", "charging", "docked")

    def ended() -> list[dict[str, Any]]:
        flights = pilot.get(f"flights?drone={drone}").json()
        return [flight for flight in flights if flight["landed_at"] is not None]

    flight = pilot.wait(lambda _: ended())[0]
    assert flight["landed_dock"] == flight["dock"]
    assert flight["highest_m"] > 25
    name = flight["id"]
    events = [(e["kind"], e["text"]) for e in pilot.get(f"flights/{name}/events").json()]
    kinds = {kind for kind, _ in events}
    assert {"state", "command", "answer", "text", "safety", "dock"} <= kinds
    goes = [text for kind, text in events if kind == "command" and text.startswith("goto")]
    assert len(goes) == 2  # the one that was done, and the one refused
    track = pilot.get(f"flights/{name}/track.geojson").json()["features"][0]
    assert len(track["geometry"]["coordinates"]) >= 2
    rows = list(csv.DictReader(io.StringIO(pilot.get(f"flights/{name}/track.csv").text)))
    assert len(rows) == len(track["properties"]["times"])
    hours = {entry["id"]: entry for entry in pilot.get("hours").json()["drones"]}
    assert hours[drone]["flights"] == 1
    _check_recording(realm.folder / "flight.tlog", pilot.get(f"flights/{name}/tlog").content)


def _check_recording(file: Path, recording: bytes) -> None:
    """Read a recording with pymavlink: both directions are in it, in the order of time."""
    file.write_bytes(recording)
    log = mavutil.mavlink_connection(str(file))
    seen: set[str] = set()
    last = 0.0
    while True:
        message = log.recv_match()
        if message is None:
            break
        seen.add(message.get_type())
        assert message._timestamp >= last - 1.0
        last = message._timestamp
    assert {"HEARTBEAT", "GLOBAL_POSITION_INT", "STATUSTEXT", "COMMAND_ACK"} <= seen
    assert seen & {"COMMAND_LONG", "COMMAND_INT"}, "what was sent to the vehicle is missing"
