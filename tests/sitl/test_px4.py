"""Starting, watching and stopping PX4: with a script that behaves badly, and with the real one."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import stat
import sys
import time
from dataclasses import replace

import pytest

from sitl.autopilot.port import Fault
from sitl.autopilot.px4_vehicle import Px4Vehicle
from sitl.errors import Px4Error, Px4Missing, VehicleError
from sitl.px4 import Px4Fleet, Px4Instance, Px4Source, Px4Spec, environment, find_px4

SPEC = Px4Spec(9, 117.6471, 24.513, 10.0)


def _alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()[0] != "Z"


async def _until(condition, limit=10.0):
    async with asyncio.timeout(limit):
        while not condition():
            await asyncio.sleep(0.02)


def _free(port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("0.0.0.0", port))
        except OSError:
            return False
    return True


@pytest.fixture
def own_ports(monkeypatch):
    """Move PX4's ports away, so that a real PX4 on this machine is not in the way."""
    base = next(p for p in range(34580 + os.getpid() % 500 * 20, 60000, 20) if _free(p + 9))
    monkeypatch.setattr("sitl.px4.ONBOARD_PORT", base)
    monkeypatch.setattr("sitl.px4.STATION_PORT", base)
    return base


@pytest.fixture
def script(tmp_path, own_ports):
    """Return a maker of fake px4 programs."""

    def make(body):
        path = tmp_path / "bin" / "px4"
        path.parent.mkdir(exist_ok=True)
        (tmp_path / "etc" / "init.d-posix").mkdir(parents=True, exist_ok=True)
        path.write_text("#!/bin/sh\n" + body)
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return path

    return make


async def test_a_program_that_ignores_signals_is_killed_with_its_children(
    script, tmp_path, monkeypatch
):
    monkeypatch.setattr("sitl.px4.STOP_S", 0.5)
    path = script(
        'trap "" TERM INT\nsleep 300 &\necho "$@" $! $PX4_HOME_LAT $PX4_PARAM_SDLOG_MODE\nwait\nwait\n'
    )
    source = await find_px4({"PX4_SITL_BIN": str(path)})
    assert source == Px4Source(binary=path, etc=tmp_path / "etc")
    async with Px4Fleet([SPEC], tmp_path / "run", source) as fleet:
        instance = fleet.instances[0]
        pid = instance.pid
        await _until(lambda: instance.log.stat().st_size > 0)
        words = instance.last_words().split()
        assert words[:4] == ["-i", "9", "-d", str(tmp_path / "etc")]
        assert words[5:] == ["24.5130000", "-1"]
        child = int(words[4])
        assert _alive(pid)
        assert _alive(child)
        began = time.monotonic()
    assert time.monotonic() - began < 5.0
    await _until(lambda: not _alive(pid) and not _alive(child))


async def test_a_program_that_ends_is_reported_with_its_last_words(script, tmp_path):
    source = Px4Source(binary=script("echo ERROR: instance runs already\nexit 3\n"))
    async with Px4Fleet([SPEC], tmp_path / "run", source) as fleet:
        vehicle = Px4Vehicle("d1", fleet.instances[0])
        with pytest.raises(Px4Error, match=r"status 3.*runs already"):
            await vehicle.run()


async def test_a_program_that_says_nothing_is_given_up(script, tmp_path):
    source = Px4Source(binary=script("exec sleep 60\n"))
    async with Px4Fleet([SPEC], tmp_path / "run", source) as fleet:
        with pytest.raises(Px4Error, match=r"no heartbeat within 0\.5 s"):
            await Px4Vehicle("d1", fleet.instances[0]).run(ready_s=0.5)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with their parent")
async def test_killing_the_simulator_leaves_no_px4(script, own_ports, tmp_path):
    path = script("echo $$ >pid\nexec sleep 300\n")
    program = (
        "import asyncio, sys\n"
        "import sitl.px4\n"
        "from pathlib import Path\n"
        "from sitl.px4 import Px4Fleet, Px4Source, Px4Spec\n"
        "sitl.px4.ONBOARD_PORT = sitl.px4.STATION_PORT = int(sys.argv[3])\n"
        "async def main():\n"
        "    spec = Px4Spec(8, 117.0, 24.0, 0.0)\n"
        "    async with Px4Fleet([spec], Path(sys.argv[2]), Px4Source(binary=Path(sys.argv[1]))):\n"
        "        await asyncio.sleep(300)\n"
        "asyncio.run(main())\n"
    )
    run = tmp_path / "run"
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        program,
        str(path),
        str(run),
        str(own_ports),
        env={**os.environ, "PYTHONPATH": root},
    )
    try:
        pid_file = run / "px4-8" / "pid"
        await _until(lambda: pid_file.exists() and pid_file.read_text().strip(), 20.0)
        pid = int(pid_file.read_text())
        assert _alive(pid)
    finally:
        process.send_signal(signal.SIGKILL)
        await process.wait()
    await _until(lambda: not _alive(pid))


async def test_a_taken_port_is_named(script, own_ports, tmp_path):
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        asyncio.DatagramProtocol, local_addr=("0.0.0.0", own_ports + 9)
    )
    try:
        with pytest.raises(Px4Error, match=str(own_ports + 9)):
            async with Px4Fleet([SPEC], tmp_path, Px4Source(binary=script("sleep 1\n"))):
                pass
    finally:
        transport.close()


@pytest.mark.parametrize(
    ("numbers", "words"), [([10], "14540"), ([1, 1], "once"), ([-1], "0 to 9")]
)
def test_numbers_outside_the_port_scheme(tmp_path, numbers, words):
    with pytest.raises(Px4Error, match=words):
        Px4Fleet([Px4Spec(n, 0.0, 0.0, 0.0) for n in numbers], tmp_path)


async def test_no_px4_says_what_to_do(tmp_path):
    with pytest.raises(Px4Missing) as caught:
        await find_px4({"PATH": str(tmp_path)})
    assert "PX4_SITL_BIN" in str(caught.value)
    assert "embedded" in caught.value.hint
    with pytest.raises(Px4Missing, match="no program"):
        await find_px4({"PX4_SITL_BIN": str(tmp_path), "PATH": str(tmp_path)})


async def test_a_container_is_run_where_an_engine_answers(tmp_path):
    engine = tmp_path / "docker"
    engine.write_text("#!/bin/sh\nexit 0\n")
    engine.chmod(0o755)
    source = await find_px4({"PATH": str(tmp_path)})
    line = source.command(SPEC, "name")
    assert line[:3] == [str(engine), "run", "--rm"]
    assert "PX4_HOME_LON=117.6471000" in line
    assert line[-3:] == ["-i", "9", "-d"]
    engine.write_text("#!/bin/sh\nexit 1\n")
    with pytest.raises(Px4Missing):
        await find_px4({"PATH": str(tmp_path)})


def test_parameters_are_given_by_environment():
    spec = Px4Spec(0, 1.0, 2.0, 3.0, {"NAV_DLL_ACT": 2, "MPC_XY_CRUISE": 7.5})
    assert environment(spec)["PX4_PARAM_NAV_DLL_ACT"] == "2"
    assert environment(spec)["PX4_PARAM_MPC_XY_CRUISE"] == "7.5"


async def test_the_real_px4_starts_reports_and_stops(tmp_path):
    try:
        source = await find_px4()
    except Px4Missing as missing:
        pytest.skip(f"no real PX4: {missing}")
    number = next((i for i in range(8, -1, -1) if _free(14580 + i) and _free(18570 + i)), None)
    if number is None:
        pytest.skip("every PX4 instance number is in use on this machine")
    async with Px4Fleet([replace(SPEC, instance=number)], tmp_path, source) as fleet:
        vehicle = Px4Vehicle("d1", fleet.instances[0])
        listening = asyncio.create_task(vehicle.run())
        try:
            await asyncio.wait_for(vehicle.ready(), 35.0)
            await _until(
                lambda: abs(vehicle.true_pose().lat - 24.513) < 1e-5 and vehicle.mode, 20.0
            )
            await _until(lambda: vehicle.reported_pose().altitude_amsl_m != 10.0, 20.0)
            assert vehicle.landed
            assert not vehicle.armed
            assert vehicle.mode == "hold"
            assert vehicle.true_pose().altitude_m == pytest.approx(0.0, abs=0.5)
            with pytest.raises(VehicleError):
                vehicle.set_fault(Fault.MOTOR)
            pid = fleet.instances[0].pid
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
    assert not _alive(pid)


def test_its_speed_is_px4s_own_variable_and_real_time_is_left_alone():
    assert "PX4_SIM_SPEED_FACTOR" not in environment(Px4Spec(0, 0.0, 0.0, 0.0))
    assert environment(Px4Spec(0, 0.0, 0.0, 0.0, speed=2.0))["PX4_SIM_SPEED_FACTOR"] == "2"


def test_it_is_set_as_every_vehicle_of_the_fleet():
    given = environment(Px4Spec(0, 0.0, 0.0, 0.0))
    assert given["PX4_PARAM_COM_ARM_WO_GPS"] == "0"
    assert given["PX4_PARAM_EKF2_DRAG_CTRL"] == "1"


def test_its_estimator_is_told_how_much_the_simulated_sensors_shake():
    given = environment(Px4Spec(0, 0.0, 0.0, 0.0))
    assert given["PX4_PARAM_EKF2_ACC_NOISE"] == "1"
    assert given["PX4_PARAM_EKF2_GYR_NOISE"] == "0.25"


@pytest.mark.parametrize(
    ("fault", "words"), [(Fault.MOTOR, "without any effect"), (Fault.LINK, "alone")]
)
def test_a_fault_that_sih_lacks_is_named(tmp_path, fault, words):
    source = Px4Source(binary=tmp_path / "px4")
    vehicle = Px4Vehicle("a1", Px4Instance(source, SPEC, tmp_path))
    with pytest.raises(VehicleError, match=words):
        vehicle.set_fault(fault)


def test_a_parameter_that_px4_lacks_is_named(tmp_path):
    source = Px4Source(binary=tmp_path / "px4")
    vehicle = Px4Vehicle("a1", Px4Instance(source, SPEC, tmp_path))
    with pytest.raises(VehicleError, match="NO_SUCH"):
        vehicle.set_parameter("NO_SUCH", 1.0)
