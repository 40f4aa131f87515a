"""Lists of one vehicle up and down, through mavsdk's MissionRaw.

mavsdk heeds neither whose answer it hears nor of which list, adds an item twice to what it reads
where a packet comes twice, and takes an acknowledgement of before for one of now. So whoever uploads
reads back, and compares.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import structlog
from mavsdk.plugins.mission_raw import MissionItem, MissionRawError

from fleet.errors import LinkError, Refused
from fleet.link.asked import Asked
from fleet.link.asking import SUCCESS, Asking
from fleet.link.items import Item
from fleet.link.plugins import Plugins
from fleet.link.wire import MISSION_ACK, fields, message_id

MISSION, FENCE, RALLY = 0, 1, 2
"""MAV_MISSION_TYPE."""
NAMES = ("mission", "fence", "rally points")

READ_BACK = "read-back"
LONGEST_S = 60.0
LONGEST_ITEM_S = 1.0
"""Bound on a whole transfer, and what each item adds to it; mavsdk gives up a silent vehicle after
3 s."""

_CANCELLED = 15
"""MAV_MISSION_OPERATION_CANCELLED."""
_BROKEN = frozenset({"PROTOCOL_ERROR", "BUSY", "TRANSFER_CANCELLED", "ERROR", "UNKNOWN"})
"""Results that another try may mend."""

log = structlog.get_logger(__name__)

Call = Callable[[Plugins], Callable[..., None]]
_UPLOAD: tuple[Call, Call, Call] = (
    lambda p: p.mission.upload_mission_async,
    lambda p: p.mission.upload_geofence_async,
    lambda p: p.mission.upload_rally_points_async,
)
_DOWNLOAD: tuple[Call, Call, Call] = (
    lambda p: p.mission.download_mission_async,
    lambda p: p.mission.download_geofence_async,
    lambda p: p.mission.download_rallypoints_async,
)
_CLEAR: tuple[Call, Call] = (
    lambda p: p.mission.clear_mission_async,
    lambda p: p.geofence.clear_geofence_async,
)


class Plans:
    """Lists of one vehicle: mission, fence, rally points. One transfer at a time, by the caller."""

    def __init__(self, drone: str, asking: Asking) -> None:
        self._drone = drone
        self._asking = asking

    async def upload(self, kind: int, items: Sequence[Item]) -> None:
        """Replace a list of the vehicle; none empties it.

        Raises
        ------
        Refused
            If the vehicle does not take it.
        NoAnswer
            If it falls silent.
        LinkError
            If the transfer is broken off, as by a vehicle that is busy with another.
        """
        what = f"{NAMES[kind]} upload"
        if items:
            raw = [_raw(item, seq, kind) for seq, item in enumerate(items)]
            await self._transfer(kind, what, _UPLOAD[kind], raw)
        elif kind == RALLY:  # mavsdk has no call for it; what is read back tells
            await self._asking.plugins()
            self._asking.say("MISSION_CLEAR_ALL", mission_type=RALLY)
        else:
            await self._transfer(kind, what, _CLEAR[kind])

    async def download(self, kind: int) -> tuple[Item, ...]:
        """Read a list of the vehicle.

        Raises
        ------
        NoAnswer
            If it falls silent.
        LinkError
            If the transfer is broken off.
        """
        what = f"{NAMES[kind]} {READ_BACK}"
        (read,) = await self._transfer(kind, what, _DOWNLOAD[kind])
        return tuple(map(_item, read))

    async def _transfer(
        self, kind: int, what: str, call: Call, *items: list[MissionItem]
    ) -> list[Any]:
        """Make one transfer; return what it brings."""
        bound = LONGEST_S + LONGEST_ITEM_S * (len(items[0]) if items else 0)
        async with self._asking.open(what, call, *items, command=None) as asked:
            stop = self._asking.tap.on_frames(lambda frames: self._end_broken(asked, frames))
            result = None
            try:
                result = await self._asking.result(asked, bound)
            finally:
                stop()
                if asked.in_hand:
                    self._cancel(asked)
                elif result != SUCCESS:
                    self._free(kind)
            if result != SUCCESS:
                if result in _BROKEN:
                    raise LinkError(f"{self._drone}: {what}: broken off ({result})")
                raise Refused(f"{self._drone}: {what}: {result}")
            return list(asked.answer.result()[1:])

    def _end_broken(self, asked: Asked, frames: Sequence[bytes]) -> None:
        """End a reading that the vehicle breaks off: mavsdk would wait 3 s for nothing.

        PX4 does so where a request comes twice and late, and answers nothing from then on. In an
        upload mavsdk hears it.
        """
        broken = any(message_id(f) == MISSION_ACK and fields(f)[2] for f in frames)
        if broken and asked.what.endswith(READ_BACK):
            asked.end(LinkError(f"{self._drone}: {asked.what}: broken off by the vehicle"))

    def _free(self, kind: int) -> None:
        """Tell the vehicle that a transfer which mavsdk has given up is over.

        mavsdk tells it only where it is asked to cancel. PX4 would refuse the next upload for 5 s
        after the last packet of any, so that one who tries again at once keeps it busy for ever.
        """
        self._asking.say("MISSION_ACK", type=_CANCELLED, mission_type=kind)

    def _cancel(self, asked: Asked) -> None:
        """Have mavsdk tell the vehicle that nothing more comes: it need not wait for it."""
        mission = asked.plugins.mission
        for cancel in (mission.cancel_mission_upload, mission.cancel_mission_download):
            try:
                cancel()
            except MissionRawError as error:
                log.debug("no transfer to cancel", drone=self._drone, why=str(error))


def _raw(item: Item, seq: int, kind: int) -> MissionItem:
    return MissionItem(
        seq=seq,
        frame=item.frame,
        command=item.command,
        current=int(seq == 0 and kind == MISSION),
        autocontinue=1,
        param1=item.params[0],
        param2=item.params[1],
        param3=item.params[2],
        param4=item.params[3],
        x=item.x,
        y=item.y,
        z=item.z,
        mission_type=kind,
    )


def _item(raw: MissionItem) -> Item:
    params = (raw.param1, raw.param2, raw.param3, raw.param4)
    return Item(raw.command, raw.frame, params, raw.x, raw.y, raw.z)
