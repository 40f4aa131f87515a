"""The whole way: a patrol order over the API, drones, video, detection, incident, CAD."""

import json
import signal
import socket
from urllib.parse import urlsplit

import pytest


def taken(demo):
    return [e for e in demo.log("cad") if e["kind"] == "received" and not e["duplicate"]]


def both_sites_reached(demo):
    return {"zhangzhou-bridge", "night-market"} <= {e["site"] for e in taken(demo)}


def takeoffs(demo):
    return {e["drone"] for e in demo.log("vehicles") if e["kind"] == "takeoff"}


def listening(address):
    with socket.socket() as probe:
        return probe.connect_ex((urlsplit(address).hostname, urlsplit(address).port)) == 0


@pytest.mark.timeout(300)
def test_both_incidents_reach_the_cad_and_a_signal_brings_everything_down(start_demo):
    demo = start_demo("--headless")
    demo.until(
        lambda: any("map: " in line for line in demo.err), 60, "the map's address is printed"
    )
    demo.until(
        lambda: both_sites_reached(demo) and len(takeoffs(demo)) >= 3,
        180,
        "3 drones and both incidents",
    )
    assert all(e["image_ok"] and e["image_bytes"] > 5_000 for e in taken(demo))
    assert listening(demo.address)
    demo.descendants()
    demo.process.send_signal(signal.SIGTERM)
    demo.process.wait(15)
    assert demo.process.returncode == 143
    assert demo.left() == []
    assert not listening(demo.address)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_controller_killed_in_mid_flight_loses_nothing_and_sends_nothing_twice(start_demo):
    demo = start_demo("--headless", "--for", "120", "--json")
    demo.until(lambda: len(takeoffs(demo)) >= 3, 150, "3 drones in the air")
    before = takeoffs(demo)
    demo.find("serve").kill()
    demo.until(lambda: any("starting it again" in line for line in demo.err), 30, "a restart")
    demo.process.wait(500)
    assert demo.process.returncode == 0, "".join(demo.err) + demo.tails()
    figures = json.loads(demo.out[-1])
    assert figures["cad_duplicates"] == 0
    assert figures["cad_received"] == figures["incidents"] >= 2
    assert figures["sorties_completed"] == figures["sorties_started"]
    # nobody landed between the kill and the recall: the flights went on
    modes = [e for e in demo.log("vehicles") if e["kind"] == "takeoff" and e["drone"] in before]
    assert len(modes) == len(before), "a drone landed and took off again"
