"""The survey of a simulated water station: reference pictures and their control points.

What a surveyor does at a real station with a level and a total station is done here with the true
projection: marks on the board that stand clear of the water are paired with their pixels.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
from ruamel.yaml import YAML

from missions.city import City, Site, WaterDetector
from missions.geo import bearing_deg, distance_m
from sitl.camera.pose import CameraPose, Lens, view
from sitl.errors import SimError
from sitl.scenario import Curve, RiverScene, Scenario
from sitl.scene import Scene, View
from sitl.scene.bridge import BOARD_HEIGHT_M, BOARD_WIDTH_M, BOW_TIES_M, GROUND_DATUM_M

MAX_BYTES = 150_000
CLEAR_M = 0.3
"""Marks this far above the water are used."""


class SurveyError(SimError):
    """A site that cannot be surveyed."""


def stare_pose(city: City, site: Site) -> CameraPose:
    """Return the nominal pose of a drone that stares at a site.

    Raises
    ------
    SurveyError
        If the site has no stare.
    """
    stare = site.stare
    if stare is None:
        raise SurveyError(f"site {site.id!r} has no `stare:`; a survey needs one")
    yaw = bearing_deg(stare.position, stare.look_at)
    away = distance_m(stare.position, stare.look_at)
    pitch = math.degrees(math.atan2(stare.look_at_altitude_m - stare.altitude_m, away))
    amsl = stare.altitude_m + city.city.elevation_m
    return CameraPose(*stare.position, amsl, 0.0, 0.0, yaw, pitch, yaw)


def control_points(
    seen: View, origin: tuple[float, float], above_m: float
) -> list[tuple[tuple[float, float], tuple[float, float]]]:
    """Return (pixel, (along, height)) of the board's marks that are in the picture above a height.

    They are its two upper corners and the middles of the bow-ties.
    """
    marks = [(0.0, BOARD_HEIGHT_M), (BOARD_WIDTH_M, BOARD_HEIGHT_M)]
    marks += [(x, h + 0.5) for h in range(int(BOARD_HEIGHT_M)) for x in BOW_TIES_M]
    out = []
    for along, height in marks:
        point = (origin[0] - BOARD_WIDTH_M / 2 + along, origin[1], height - GROUND_DATUM_M)
        pixels, depth = seen.project([point])
        column, row = (float(v) for v in pixels[0])
        inside = 0 <= column < seen.width_px and 0 <= row < seen.height_px
        if height > above_m and depth[0] > 0 and inside:
            out.append(((column, row), (along, height)))
    return out


def survey(city: City, scenario: Scenario, site_id: str, out: Path) -> list[Path]:
    """Write the station file of a site and its reference picture; return what was written.

    Parameters
    ----------
    city, scenario
        What the site is and what stands there.
    site_id
        A site with a water detector and a stare.
    out
        Folder; it is made. The station file is named as the city file says.

    Raises
    ------
    SurveyError
        If the site cannot be surveyed or the files cannot be written.
    """
    site = next((s for s in city.sites if s.id == site_id), None)
    if site is None:
        raise SurveyError(f"no site {site_id!r}; the city's are {[s.id for s in city.sites]}")
    if not isinstance(site.detector, WaterDetector):
        raise SurveyError(f"site {site_id!r} has no water detector")
    levels = site.detector.levels
    calm = RiverScene(
        site=site_id, level_m=Curve(points=((0.0, levels.normal_m),)), tide_m=0.0, wave_m=0.01
    )
    scene = Scene(city, scenario.model_copy(update={"rivers": (calm,), "crowds": ()}))
    seen = _view(city, site, scene)
    points = control_points(seen, scene.frame.to_enu(*site.position), levels.normal_m + CLEAR_M)
    if len(points) < 4:
        raise SurveyError(
            f"only {len(points)} marks of {site_id!r} are in the picture; 4 are needed"
        )
    picture = scene.render(seen, 0.0)
    name = Path(site.detector.station).name
    image = f"{Path(name).stem}-day.jpg"
    station = {
        "station": site_id,
        "datum": "illustrative local datum, 4 m above mean sea level",
        "references": [
            {
                "file": image,
                "points": [
                    {"px": [round(c, 2), round(r, 2)], "at_m": [x, h]} for (c, r), (x, h) in points
                ],
            }
        ],
        "face": [
            [0.0, 0.0],
            [BOARD_WIDTH_M, 0.0],
            [BOARD_WIDTH_M, BOARD_HEIGHT_M],
            [0.0, BOARD_HEIGHT_M],
        ],
        "levels": levels.model_dump(),
    }
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / image).write_bytes(_jpeg(picture))
        _write(out / name, station)
    except OSError as error:
        raise SurveyError(f"{out}: cannot be written: {error.strerror}") from error
    return [out / name, out / image]


def _view(city: City, site: Site, scene: Scene) -> View:
    spec = city.drones[0].camera
    lens = Lens(spec.width_px, spec.height_px, spec.hfov_deg)
    return view(stare_pose(city, site), lens, scene.frame, scene.elevation_m)


def _jpeg(picture: np.ndarray) -> bytes:
    """Return a JPEG of at most ``MAX_BYTES``, as good as fits."""
    for quality in (92, 88, 84, 78, 70, 60):
        _, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
        if len(data) <= MAX_BYTES:
            break
    return data.tobytes()


def _write(path: Path, station: Mapping[str, object]) -> None:
    yaml = YAML()
    yaml.default_flow_style = None
    yaml.width = 100
    with path.open("w", encoding="utf-8") as file:
        file.write(
            "# Made by `skybeat survey`: pixels are (column, row), heights metres on the datum.\n"
        )
        yaml.dump(station, file)
