"""Write ``docker/sim.yaml``: a real PX4 for each drone of some docks, and the simulated city around them.

    python docker/make_sim.py sitl/cities/zhangzhou.yaml xc-bridge,xc-market > docker/sim.yaml

PX4 is told everything through its environment: where it stands, and the parameters that Skybeat's
profile asks for. Instance i binds UDP 14580 + i and sends to 14540 + i; there are ten at most.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from missions.cityfile import parse
from sitl.px4 import IMAGE, environment
from sitl.vehicles import px4_spec

PX4 = "/opt/px4/bin"
"""Where the image keeps PX4 and its shell commands."""


def services(city_file: Path, docks: str) -> dict[str, Any]:
    """Return the services by name."""
    whole = parse(city_file.read_text(encoding="utf-8"), str(city_file))
    city = whole.part(frozenset(docks.split(",")))
    made: dict[str, Any] = {}
    for drone in city.drones:
        spec = px4_spec(city, drone)
        made[f"px4-{spec.instance}"] = {
            "image": IMAGE,
            "profiles": ["sim"],
            "network_mode": "host",
            "init": True,
            "restart": "unless-stopped",
            "command": ["-i", str(spec.instance), "-d"],
            "environment": environment(spec),
            "healthcheck": {
                "test": ["CMD", f"{PX4}/px4-commander", "--instance", str(spec.instance), "status"],
                "interval": "5s",
                "timeout": "5s",
                "retries": 6,
                "start_period": "20s",
            },
        }
    made["city"] = {
        "image": "skybeat",
        "build": {"context": "..", "dockerfile": "docker/Dockerfile"},
        "profiles": ["sim"],
        "network_mode": "host",
        "init": True,
        "restart": "unless-stopped",
        "depends_on": {
            "broker": {"condition": "service_healthy"},
            **{name: {"condition": "service_healthy"} for name in made},
        },
        "environment": {"SKYBEAT_CAD_SECRET": "${SKYBEAT_CAD_SECRET}"},
        "volumes": ["${CITY_DIR}:/city:ro"],
        "command": [
            "sim", "--city", "/city/${CITY_FILE:-city.yaml}", "--docks", docks,
            "--autopilot", "attached", "--no-broker", "--detach",
        ],
        "healthcheck": {
            "test": [
                "CMD", "python", "-c",
                "import socket; socket.create_connection(('127.0.0.1', 8554), 3)",
            ],
            "interval": "5s", "timeout": "5s", "retries": 6, "start_period": "40s",
        },
    }  # fmt: skip
    return made


def main() -> None:
    """Write the file to standard output."""
    if len(sys.argv) != 3:
        sys.exit(f"usage: python {sys.argv[0]} CITY_FILE DOCK,DOCK,...")
    yaml = YAML()
    yaml.width = 120
    sys.stdout.write(
        "# A simulated city flown by real PX4, to be added to compose.yaml with the profile `sim`.\n"
        "# Made, and made again for other docks, by\n"
        f"#   python docker/make_sim.py {sys.argv[1]} {sys.argv[2]} > docker/sim.yaml\n"
    )
    yaml.dump({"services": services(Path(sys.argv[1]), sys.argv[2])}, sys.stdout)


if __name__ == "__main__":
    main()
