"""What the simulator tells the camera server: a real server process, and the lids of its docks."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import cv2
import numpy as np

from missions.city import City, Marker
from sitl.camera.pose import CameraPose
from sitl.camera.process import CameraProcess, numbers
from sitl.scenario import Scenario
from vision.source import LiveSource


class Carrier:
    """A drone that hovers over its dock and looks down."""

    def __init__(self, city: City) -> None:
        self.pose = CameraPose(
            *city.docks[0].position, city.city.elevation_m + 4.0, 0, 0, 0, -90, 0
        )

    def true_pose(self) -> CameraPose:
        return self.pose

    def reported_pose(self) -> CameraPose:
        return self.pose


def markers(image: np.ndarray) -> list[int]:
    book = cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_4X4_50)
    _, ids, _ = cv2.aruco.ArucoDetector(book).detectMarkers(image)
    return [] if ids is None else np.ravel(ids).tolist()


async def test_a_lid_that_opens_shows_its_marker_to_who_watches(
    small: City, tmp_path: Path
) -> None:
    dock = small.docks[0].model_copy(update={"marker": Marker(id=4, size_m=0.7)})
    city = small.model_copy(update={"docks": (dock,)})
    process = CameraProcess(city, Scenario(), tmp_path)
    carriers = {d.id: Carrier(city) for d in city.drones}
    lid = {dock.id: 0.0}
    await process.start()
    try:
        process.begin(time.time())
        following = asyncio.create_task(process.follow(carriers, lambda: lid))
        with LiveSource(process.urls[city.drones[1].id]) as source:
            first = await asyncio.to_thread(source.read, 15.0)
            assert markers(first.image) == []
            lid[dock.id] = 1.0

            def seen() -> bool:
                end = time.monotonic() + 15
                while time.monotonic() < end:
                    if markers(source.read(5.0).image) == [4]:
                        return True
                return False

            assert await asyncio.to_thread(seen)
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
    finally:
        await process.stop()


def test_only_lids_that_moved_are_told(small: City, monkeypatch) -> None:
    process = CameraProcess(small, Scenario())
    told: list[dict] = []
    monkeypatch.setattr(process, "_tell", told.append)
    for lids in ({"a": 0.0, "b": 0.0}, {"a": 0.0, "b": 0.0}, {"a": 0.1, "b": 0.0}):
        process.doors(lids)
    assert told == [{"doors": {"a": 0.0, "b": 0.0}}, {"doors": {"a": 0.1}}]


def test_a_pose_is_eight_numbers(small: City) -> None:
    assert len(numbers(Carrier(small).pose)) == 8
