"""Every command of the container files, run outside a container; what cannot be run here says so."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
DOCKER = ROOT / "docker"
GIVEN = {
    "CITY_DIR": "/srv/city", "SKYBEAT_CAD_SECRET": "whsec_" + "QUFB" * 11, "POSTGRES_PASSWORD": "pw",
}  # fmt: skip
DOCKS = "xc-bridge"

Compose = Callable[..., dict[str, dict[str, Any]]]


@pytest.fixture(scope="module")
def services(compose: Compose) -> dict[str, dict[str, Any]]:
    return compose("compose.yaml", "sim.yaml", **GIVEN, DOCKS=DOCKS, CITY_FILE="zhangzhou.yaml")


# --- the files -------------------------------------------------------------------------------------


def test_every_service_that_stays_is_checked_and_started_again(
    services: dict[str, dict[str, Any]],
) -> None:
    assert {"database", "broker", "controller", "enrol", "watch", "city"} <= services.keys()
    for name, service in services.items():
        assert service["network_mode"] == "host", name
        assert "image" in service, name
        if name == "enrol":
            assert service["restart"] == "no"
            continue
        assert service["restart"] == "unless-stopped", name
        assert service["healthcheck"]["test"][0] == "CMD", name


def test_who_waits_for_a_health_check_waits_for_one_that_is_there(
    services: dict[str, dict[str, Any]],
) -> None:
    for name, service in services.items():
        for other, how in service.get("depends_on", {}).items():
            assert other in services, f"{name} waits for {other}"
            if how["condition"] == "service_healthy":
                assert "healthcheck" in services[other], f"{name} waits for {other}"
            else:
                assert how["condition"] == "service_completed_successfully"
                assert services[other]["restart"] == "no"


@pytest.mark.parametrize("name", sorted(GIVEN))
def test_without_what_must_be_given_it_does_not_start(compose: Compose, name: str) -> None:
    with pytest.raises(Exception, match=name):
        compose("compose.yaml", **{k: v for k, v in GIVEN.items() if k != name})


def test_no_secret_is_in_the_files() -> None:
    for path in DOCKER.iterdir():
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"whsec_[A-Za-z0-9+/]{8,}|sky_[A-Za-z0-9]{8,}", text), path
        for line in re.findall(r"POSTGRES_PASSWORD:(.*)", text):
            assert line.strip().startswith('"${POSTGRES_PASSWORD'), path


def test_what_is_simulated_stands_apart(services: dict[str, dict[str, Any]]) -> None:
    simulated = {name for name, one in services.items() if one.get("profiles") == ["sim"]}
    assert simulated == {"city", *(n for n in services if n.startswith("px4-"))}


def test_docker_itself_reads_the_files() -> None:
    docker = shutil.which("docker")
    known = docker and subprocess.run(
        [docker, "compose", "version"], capture_output=True, check=False
    )
    if not known or known.returncode != 0:
        pytest.skip("`docker compose` is not installed here: the files were read by our own reader")
    files = ["-f", str(DOCKER / "compose.yaml"), "-f", str(DOCKER / "sim.yaml")]
    done = subprocess.run(
        [str(docker), "compose", *files, "--profile", "sim", "config", "--quiet"],
        env={**os.environ, **GIVEN}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


# --- PX4 -------------------------------------------------------------------------------------------


def test_the_simulated_services_are_those_that_the_script_makes() -> None:
    text = (DOCKER / "sim.yaml").read_text(encoding="utf-8")
    call = re.search(r"python (docker/make_sim.py .*) > docker/sim.yaml", text)
    assert call is not None
    done = subprocess.run(
        [sys.executable, *call[1].split()], cwd=ROOT, capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.stdout == text, "make docker/sim.yaml again with the command in its head"


def test_each_px4_is_one_of_the_port_scheme(services: dict[str, dict[str, Any]]) -> None:
    numbers = sorted(int(name.removeprefix("px4-")) for name in services if name.startswith("px4-"))
    assert numbers == [0, 1, 2, 3]
    for number in numbers:
        service = services[f"px4-{number}"]
        assert service["command"] == ["-i", str(number), "-d"]
        assert service["environment"]["PX4_SIM_MODEL"] == "sihsim_quadx"
        assert all(isinstance(v, str) for v in service["environment"].values())
        assert f"px4-{number}" in services["city"]["depends_on"]


def px4() -> Path | None:
    named = os.environ.get("PX4_SITL_BIN") or shutil.which("px4")
    return Path(named).resolve() if named and Path(named).exists() else None


def start_px4(outside: Any, binary: Path, service: dict[str, Any]) -> subprocess.Popen[str]:
    """Start a PX4 as its service says, in a folder of its own."""
    number = service["command"][1]
    folder = outside.folder / f"px4-{number}"
    folder.mkdir()
    for port in (14580, 18570):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind(("0.0.0.0", port + int(number)))
            except OSError:
                pytest.skip(f"another PX4 {number} runs on this machine")
    etc = binary.parent.parent / "etc"
    return outside.start(
        [str(binary), *service["command"], str(etc)], cwd=folder, **service["environment"]
    )


@pytest.mark.px4
def test_two_real_px4_are_healthy_and_the_simulated_city_attaches_to_them(
    services: dict[str, dict[str, Any]], outside: Any, city: Any, broker: None
) -> None:
    binary = px4()
    if binary is None:
        pytest.skip("no PX4 here: PX4_SITL_BIN is not set and px4 is not on PATH")
    outside.swaps |= {"/opt/px4/bin": str(binary.parent), "/city/": f"{city.folder}/"}
    outside.swaps |= {"8554": str(city.rtsp)}
    raw = YAML(typ="safe").load((city.folder / "zhangzhou.yaml").read_text(encoding="utf-8"))
    for k, drone in enumerate(raw["drones"]):
        drone["mavlink"] = f"udpin://0.0.0.0:{14540 + k}"
    with (city.folder / "zhangzhou.yaml").open("w", encoding="utf-8") as file:
        YAML().dump(raw, file)
    flown = [services["px4-2"], services["px4-3"]]
    assert not any(outside.healthy(service) for service in flown)
    started = [start_px4(outside, binary, service) for service in flown]
    for service, process in zip(flown, started, strict=True):
        outside.until_healthy(service, process)
    sim = services["city"]
    words = [w.replace("xc-bridge,xc-market", "xc-market") for w in sim["command"]]
    secret = {"SKYBEAT_CAD_SECRET": GIVEN["SKYBEAT_CAD_SECRET"]}
    process = outside.start(["skybeat", *words], **secret)
    outside.until_healthy(sim, process)
    end = time.monotonic() + 60
    while "ready: 2 vehicles, 1 docks" not in outside.said(process):
        assert process.poll() is None, outside.said(process)
        assert time.monotonic() < end, outside.said(process)
        time.sleep(0.1)


# --- the image -------------------------------------------------------------------------------------


def instructions() -> list[tuple[str, str]]:
    """Return the Dockerfile's instructions, continued lines joined."""
    text = (DOCKER / "Dockerfile").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    return [(k, v) for k, _, v in (ln.partition(" ") for ln in joined.splitlines() if ln.strip())]


def test_the_image_runs_as_nobody_special_and_installs_what_is_pinned() -> None:
    found = instructions()
    assert [k for k, _ in found].count("FROM") == 2
    assert ("USER", "skybeat") in found
    install = next(v for k, v in found if k == "RUN" and "--constraint" in v)
    assert "[postgres]" in install
    for part in re.split(r"&&", install):
        assert shlex.split(part), part
    copied = {v.split()[-2] for k, v in found if k == "COPY" and "--from" not in v}
    assert copied == {".", "constraints.txt"}
    assert (ROOT / "constraints.txt").exists()
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    assert re.search(r"^asyncpg==", pins, re.MULTILINE)


@pytest.mark.usefixtures("broker")
def test_the_images_entry_point_command_and_health_check_work(outside: Any, city: Any) -> None:
    found = dict(instructions())
    entry, command = json.loads(found["ENTRYPOINT"]), json.loads(found["CMD"])
    kind, _, check = found["HEALTHCHECK"].partition("CMD ")
    assert kind.startswith("--interval")
    (city.folder / "zhangzhou.yaml").rename(city.folder / "city.yaml")
    (city.folder / "zhangzhou").rename(city.folder / "city")
    text = (city.folder / "city.yaml").read_text(encoding="utf-8")
    (city.folder / "city.yaml").write_text(text.replace("zhangzhou/bridge", "city/bridge"))
    outside.swaps |= {"/city/": f"{city.folder}/", "8080": str(city.api), "0.0.0.0": "127.0.0.1"}
    service = {"healthcheck": {"test": ["CMD", *json.loads(check)]}}
    assert not outside.healthy(service)
    secret = {"SKYBEAT_CAD_SECRET": GIVEN["SKYBEAT_CAD_SECRET"]}
    process = outside.start([*entry, *command], **secret)
    outside.until_healthy(service, process)


# --- broker, database, controller, workers ---------------------------------------------------------


def test_mosquitto_takes_its_configuration_and_passes_its_health_check(
    services: dict[str, dict[str, Any]], outside: Any, port: Callable[[], int]
) -> None:
    program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
    if program is None:
        pytest.skip("mosquitto is not installed here")
    number = port()
    conf = outside.folder / "mosquitto.conf"
    text = (DOCKER / "mosquitto.conf").read_text(encoding="utf-8")
    assert "listener 1883 127.0.0.1" in text
    conf.write_text(text.replace("1883", str(number)))
    broker = services["broker"]
    outside.swaps = {"/mosquitto/config/mosquitto.conf": str(conf), "1883": str(number)}
    process = outside.start([program, *broker["command"][1:]])
    if shutil.which("mosquitto_sub") is None:
        from paho.mqtt.subscribe import simple

        words = outside.words(broker["healthcheck"]["test"][1:])
        asked = dict(zip(words[1::2], words[2::2], strict=True))
        said = None
        for _ in range(100):
            try:
                said = simple(asked["-t"], hostname=asked["-h"], port=int(asked["-p"]))
                break
            except OSError:
                assert process.poll() is None, outside.said(process)
        assert said is not None
        assert b"mosquitto" in said.payload
        return
    outside.until_healthy(broker, process)


def test_the_database_passes_its_health_check(
    services: dict[str, dict[str, Any]], outside: Any, postgres_server: tuple[Path, int],
    port: Callable[[], int],
) -> None:  # fmt: skip
    programs, number = postgres_server
    outside.environ["PATH"] = f"{programs}:{os.environ['PATH']}"
    outside.swaps = {"5432": str(number)}
    assert outside.healthy(services["database"])
    outside.swaps = {"5432": str(port())}
    assert not outside.healthy(services["database"])
    assert services["database"]["command"][1:] == ["-c", "listen_addresses=127.0.0.1"]


def bring_up(services: dict[str, dict[str, Any]], outside: Any, city: Any, url: str) -> None:
    """Start controller, enrolment and workers as compose would, and wait until all are healthy."""
    outside.swaps |= {"/city/": f"{city.folder}/", "8080": str(city.api)}
    controller = services["controller"]
    given = controller["environment"] | {"SKYBEAT_DATABASE_URL": url}
    assert not outside.healthy(controller)
    serve = outside.start(["skybeat", *controller["command"]], **given)
    outside.until_healthy(controller, serve)
    enrol = services["enrol"]
    for _ in range(2):  # the second time it finds its token, and makes no other
        done = outside.start([*enrol["entrypoint"], *enrol["command"]], SKYBEAT_DATABASE_URL=url)
        assert done.wait(60) == 0, outside.said(done)
    token = (outside.folder / "enrol" / "worker").read_text().strip()
    assert re.fullmatch(r"sky_\S{20,}", token)
    assert (outside.folder / "enrol" / "worker").stat().st_mode & 0o077 == 0
    watch = services["watch"]
    assert not outside.healthy(watch)
    worker = outside.start([*watch["entrypoint"], *watch["command"]])
    outside.until_healthy(watch, worker)
    call = urllib.request.Request(
        f"http://127.0.0.1:{city.api}/api/v1/watches", headers={"Authorization": f"Bearer {token}"}
    )
    with urllib.request.urlopen(call, timeout=10) as answer:
        assert "watches" in json.load(answer)
    assert token not in outside.said(worker)


@pytest.mark.usefixtures("broker")
def test_controller_and_workers_come_up_on_sqlite(
    services: dict[str, dict[str, Any]], outside: Any, city: Any
) -> None:
    bring_up(services, outside, city, f"sqlite+aiosqlite:///{outside.folder / 'data'}/x.db")


@pytest.mark.usefixtures("broker")
def test_controller_and_workers_come_up_on_postgresql(
    services: dict[str, dict[str, Any]], outside: Any, city: Any, postgres: Callable[[str], str]
) -> None:
    url = services["controller"]["environment"]["SKYBEAT_DATABASE_URL"]
    assert url == "postgresql+asyncpg://skybeat:pw@127.0.0.1:5432/skybeat"
    bring_up(services, outside, city, postgres(url.rpartition("/")[2]))
    assert not list((outside.folder / "data").glob("*.db")), "nothing is kept in SQLite"


def test_the_simulators_arguments_are_known(
    services: dict[str, dict[str, Any]], outside: Any, city: Any
) -> None:
    """Attached to PX4s that are not there it says so, after it has understood everything else."""
    sim = services["city"]
    outside.swaps |= {"/city/": f"{city.folder}/", "8554": str(city.rtsp)}
    raw = YAML(typ="safe").load((city.folder / "zhangzhou.yaml").read_text(encoding="utf-8"))
    for k, drone in enumerate(raw["drones"]):
        drone["mavlink"] = f"udpin://0.0.0.0:{14540 + k}"
    with (city.folder / "zhangzhou.yaml").open("w", encoding="utf-8") as file:
        YAML().dump(raw, file)
    assert not outside.healthy(sim)
    words = [w.replace("xc-bridge,xc-market", "xc-bridge") for w in sim["command"]]
    secret = {"SKYBEAT_CAD_SECRET": GIVEN["SKYBEAT_CAD_SECRET"]}
    process = outside.start(["skybeat", *words], **secret)
    outside.until_healthy(sim, process)
    process.terminate()
    process.wait(10)
    assert "Traceback" not in outside.said(process)
    assert "No such option" not in outside.said(process)
