"""Timing of the whole way: `make bench`. Prints JSON lines."""

import json
import time

import psutil
import pytest

SECONDS = 15.0


def cpu_of(process: psutil.Process, seconds: float) -> float:
    """Return the share of one core that a process takes over some seconds."""
    before, start = sum(process.cpu_times()[:2]), time.monotonic()
    time.sleep(seconds)
    return (sum(process.cpu_times()[:2]) - before) / (time.monotonic() - start)


def connected(demo, count):
    """Whether the controller has heard that many vehicles."""
    return (demo.keep / "serve.log").exists() and (demo.keep / "serve.log").read_text().count(
        "vehicle heard"
    ) >= count


@pytest.mark.bench
@pytest.mark.timeout(900)
def test_frame_to_cad_latency(start_demo):
    demo = start_demo("--headless", "--for", "100", "--json")
    demo.process.wait(600)
    figures = json.loads(demo.out[-1])
    keys = ("seconds_to_first_takeoff", "seconds_frame_to_cad_p50", "seconds_frame_to_cad_p95")
    line = {"bench": "frame-to-CAD, whole demo on this machine", "incidents": figures["incidents"]}
    print(json.dumps(line | {key: figures[key] for key in keys}), flush=True)
    assert figures["cad_received"] >= 2


@pytest.mark.bench
@pytest.mark.timeout(600)
def test_controller_cpu_per_drone(start_demo):
    """The controller with 8 drones and with 24, in one run each: the difference is the drones'."""
    shares = {}
    for docks, drones in (("xc-bridge,xc-market,xc-old-town,lw-park", 8), ("", 24)):
        demo = start_demo("--headless", "--docks", docks)
        demo.until(
            lambda demo=demo, drones=drones: connected(demo, drones), 120, f"{drones} drones"
        )
        shares[drones] = cpu_of(demo.find("serve"), SECONDS)
        demo.kill()
    line = {
        "bench": "controller CPU, share of one core",
        "drones_8": round(shares[8], 4),
        "drones_24": round(shares[24], 4),
        "each_drone": round((shares[24] - shares[8]) / 16, 5),
    }
    print(json.dumps(line), flush=True)
    assert shares[24] < 1.0
