"""The whole scene: what a view of the city looks like at a time."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from missions.city import City, CrowdDetector, Site
from missions.geo import LocalFrame
from sitl.scenario import CrowdScene, RiverScene, Scenario, check
from sitl.scene import textures
from sitl.scene.bridge import NORTH_BANK_M, REACH_M, SOUTH_BANK_M, Bridge
from sitl.scene.canvas import Canvas, Face, Image, Texture, fill
from sitl.scene.crowd import Crowd
from sitl.scene.market import Market
from sitl.scene.pad import Pad
from sitl.scene.view import View

X, Y = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0)
_FAR_M = 1150.0
_NEAR_M = 100.0
_HAZE = (196, 196, 190)


@dataclass(frozen=True, slots=True)
class Truth:
    """What is so at a time, by site.

    River levels in metres on the station's datum, people on zones, areas of zones.
    """

    levels_m: dict[str, float] = field(default_factory=dict)
    people: dict[str, int] = field(default_factory=dict)
    areas_m2: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _River:
    scene: RiverScene
    bridge: Bridge

    def level(self, t: float) -> float:
        swell = np.sin(2 * np.pi * t / self.scene.tide_period_s)
        return float(self.scene.level_m.at(t) + self.scene.tide_m * swell)


@dataclass(frozen=True, slots=True)
class _Square:
    site: str
    crowd: Crowd
    market: Market
    area_m2: float


class Scene:
    """The simulated city as cameras see it.

    Rendering is a function of the view, the time and the docks' lids; going back in time works, at the cost of
    walking the crowd again from the start. Several threads may render at once.

    Parameters
    ----------
    city
        For the origin and the sites.
    scenario
        What happens.

    Raises
    ------
    ScenarioError
        If the scenario names a site that the city lacks or that has another detector.
    """

    def __init__(self, city: City, scenario: Scenario) -> None:
        self.frame = LocalFrame(*city.city.origin)
        self.elevation_m = city.city.elevation_m
        self._seed = scenario.seed
        check(scenario, city)
        sites = {site.id: site for site in city.sites}
        self._rivers = {
            scene.site: self._river(sites[scene.site], scene, k)
            for k, scene in enumerate(scenario.rivers)
        }
        self._squares = {
            scene.site: self._market(sites[scene.site], scene, k)
            for k, scene in enumerate(scenario.crowds)
        }
        self._pads = {d.id: Pad(d, self.frame.to_enu(*d.position)) for d in city.docks}

    def set_door(self, dock: str, opened: float) -> None:
        """Say how far a dock's lid is open, 0 to 1; another city's dock is none of ours."""
        if (pad := self._pads.get(dock)) is not None:
            pad.open = min(1.0, max(0.0, opened))

    def _river(self, site: Site, scene: RiverScene, k: int) -> _River:
        origin = self.frame.to_enu(*site.position)
        return _River(scene, Bridge(origin, scene.wave_m, self._seed + 100 * k))

    def _market(self, site: Site, scene: CrowdScene, k: int) -> _Square:
        assert isinstance(site.detector, CrowdDetector)
        zone = self.frame.points_to_enu(site.detector.zone)
        area = self.frame.polygon(site.detector.zone).area
        crowd = Crowd(zone, scene.people, self._seed + 17 * k)
        return _Square(
            site.id,
            crowd,
            Market(self.frame.to_enu(*site.position), zone, self._seed + 300 + k),
            area,
        )

    def truth(self, t: float) -> Truth:
        """Return what is so at a time of the scene in seconds."""
        return Truth(
            {name: river.level(t) for name, river in self._rivers.items()},
            {name: s.crowd.inside(s.crowd.at(t)) for name, s in self._squares.items()},
            {name: s.area_m2 for name, s in self._squares.items()},
        )

    def render(self, view: View, t: float) -> Image:
        """Return the BGR picture of a view at a time of the scene in seconds."""
        image = np.empty((view.height_px, view.width_px, 3), np.uint8)
        canvas = Canvas(image, view)
        _sky(canvas)
        rivers = [r for r in self._rivers.values() if r.bridge.near(view)]
        for river in rivers:
            river.bridge.draw_below(canvas, river.level(t), t)
        squares = [s for s in self._squares.values() if s.market.near(view)]
        ground = self._ground(view, [r.bridge for r in rivers])
        canvas.draw_layers([*ground, *(s.market.ground() for s in squares)])
        for pad in self._pads.values():
            if pad.near(view):
                pad.draw(canvas)
        for river in rivers:
            river.bridge.draw_above(canvas)
        for square in squares:
            square.market.draw(canvas, square.crowd.at(t))
        return image

    def _ground(self, view: View, bridges: list[Bridge]) -> list[Face]:
        """Return the city's ground, coarse far away and fine near, but not over a river's cutting."""
        near, far = textures.city(self._seed)
        x, y = view.position[:2]
        faces = _patches(far, (x - _FAR_M, y - _FAR_M, x + _FAR_M, y + _FAR_M), bridges)
        ahead = view.forward[:2] * min(_NEAR_M, max(0.0, view.position[2]) * 2)
        x, y = x + float(ahead[0]), y + float(ahead[1])
        return faces + _patches(near, (x - _NEAR_M, y - _NEAR_M, x + _NEAR_M, y + _NEAR_M), bridges)


Rectangle = tuple[float, float, float, float]


def _land(whole: Rectangle, bridges: list[Bridge]) -> list[Rectangle]:
    """Return a rectangle less the cuttings of rivers."""
    parts = [whole]
    for bridge in bridges:
        ox, oy = bridge.origin
        rest: list[Rectangle] = []
        for x0, y0, x1, y1 in parts:
            south, north = oy + SOUTH_BANK_M, oy + NORTH_BANK_M
            west, east = ox - REACH_M, ox + REACH_M
            rest += [
                (x0, y0, x1, min(y1, south)),
                (x0, max(y0, north), x1, y1),
                (x0, max(y0, south), min(x1, west), min(y1, north)),
                (max(x0, east), max(y0, south), x1, min(y1, north)),
            ]
        parts = [p for p in rest if p[2] > p[0] and p[3] > p[1]]
    return parts


def _patches(texture: Texture, whole: Rectangle, bridges: list[Bridge]) -> list[Face]:
    """Return the land in a rectangle, with a texture that is anchored in the world."""
    tile = textures.CITY_TILE_M
    left = round((whole[0] + whole[2] - texture.width_m) / 2 / tile) * tile
    low = round((whole[1] + whole[3] - texture.height_m) / 2 / tile) * tile
    faces: list[Face] = []
    for x0, y0, x1, y1 in _land(whole, bridges):
        x0, x1 = max(x0, left) - left, min(x1, left + texture.width_m) - left
        y0, y1 = max(y0, low) - low, min(y1, low + texture.height_m) - low
        if x1 > x0 and y1 > y0:
            outline = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])
            faces.append(Face((left, low, 0.0), X, Y, texture, outline, soft=False))
    return faces


def _sky(canvas: Canvas) -> None:
    """Fill the picture with haze, and with sky above the horizon."""
    image = canvas.image
    fill(image, _HAZE)
    view = canvas.view
    if view.forward[2] < -0.75:
        return
    # the horizon lies where a ray is level; the elevation of a column's rows is nearly linear
    level = view.world_to_camera @ np.array([*view.forward[:2], 0.0])
    if level[2] <= 1e-6:
        return
    horizon = view.focal_px * level[1] / level[2] + (view.height_px - 1) / 2
    rows = np.clip(round(horizon), 0, view.height_px)
    if rows > 0:
        fade = np.linspace(1.0, 0.0, int(rows))[:, None] * min(1.0, rows / 200)
        top, low = np.array([205.0, 160.0, 120.0]), np.array(_HAZE, np.float64)
        column = (low + (top - low) * fade).astype(np.uint8)
        image[: int(rows)] = np.broadcast_to(column[:, None], (int(rows), view.width_px, 3))
