"""The real controller is killed with SIGKILL, in mid-flight and in mid-word, and started again.

Vehicles, docks and broker run in a process of their own, at a multiple of real time; what they are
told is judged there (``programs/judge.py``). Hypothesis chooses what happens and when the
controller dies: as a vehicle or dock takes a certain message, or after some time.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    rule,
    run_state_machine_as_test,
)

ADOPTED_S = 5.0
AGREES_S = 3.0
HOME_S = 60.0
DRONES = ("a1", "a2", "b1", "b2")
DOCKS = ("d1", "d2")
MOMENTS = [
    "", "", "DOCK", "DOCK open", "DOCK close", "MISSION_COUNT", "MISSION_ITEM_INT", "MISSION_ACK",
    "MISSION_CLEAR_ALL", "MISSION_SET_CURRENT", "COMMAND_LONG 400", "COMMAND_LONG 176",
    "COMMAND_LONG 176", "HEARTBEAT",
]  # fmt: skip
"""What a vehicle or dock takes when the controller dies; where empty, it dies after a time."""
AT_START = ["", "COMMAND_LONG 511", "MISSION_REQUEST", "MISSION_ACK", "PARAM_", "HEARTBEAT"]
"""The same, of one that has just been started."""
EVENTS = st.one_of(
    st.tuples(st.just("place"), st.none(), st.none()),
    st.tuples(st.just("wait"), st.sampled_from([0.3, 1.0, 3.0]), st.none()),
    st.tuples(st.just("aloft"), st.integers(1, 3), st.sampled_from([2.0, 6.0])),
    st.tuples(st.just("recall"), st.none(), st.none()),
    st.tuples(
        st.just("pilot"), st.sampled_from(DRONES), st.sampled_from(["return", "hold", "resume"])
    ),
    st.tuples(st.just("jam"), st.sampled_from(DOCKS), st.sampled_from([0.5, 3.0])),
    st.tuples(st.just("alone"), st.sampled_from(DRONES), st.none()),
    st.tuples(st.just("silence"), st.sampled_from(DRONES), st.sampled_from([0.5, 3.0])),
)


class Figures:
    """What is counted over all walks of one test."""

    def __init__(self) -> None:
        self.kills = self.starts = self.detections = self.takeoffs = self.received = 0
        self.in_the_air: list[float] = []
        self.from_start: list[float] = []
        self.ready: list[float] = []
        self.moments: dict[str, int] = {}
        self.near_misses: list[str] = []

    def line(self) -> dict[str, Any]:
        """Return it for people."""

        def three(values: list[float]) -> dict[str, float]:
            if not values:
                return {}
            p50, p95 = np.percentile(values, [50, 95])
            named = {"p50": p50, "p95": p95, "max": max(values)}
            return {name: round(float(value), 2) for name, value in named.items()}

        return {
            "kills": self.kills, "adoptions": len(self.in_the_air),
            "adopted_s_after_heard": three(self.in_the_air),
            "adopted_s_after_start": three(self.from_start), "ready_s": three(self.ready),
            "takeoffs": self.takeoffs, "messages_judged": self.received,
            "detections": self.detections, "killed_at": self.moments,
            "near_misses_with_no_controller": self.near_misses,
        }  # fmt: skip


class Kills(RuleBasedStateMachine):
    """What may happen to a city and its controller."""

    make: Callable[[], Any]
    figures: Figures
    most: int
    first: tuple[int, float]
    """So many drones are to be in the air, or so many seconds over, before the first kill."""

    def __init__(self) -> None:
        super().__init__()
        self._realm: Any = None
        self.sortie_of: dict[str, str] = {}
        """By drone in the air: the sortie that the controller said it flies."""
        self.wrong: list[str] = []
        self.answered: list[str] = []
        """Detections that were answered for."""
        self.ordered = False

    @property
    def realm(self) -> Any:
        """The world; made when the first thing happens in it."""
        if self._realm is None:
            self._realm = type(self).make()
            self._realm.start()
            self._realm.wait_ready()
            self._aloft(*self.first)
        return self._realm

    # what happens

    def _order(self) -> None:
        body = {"kind": "patrol", "beats": ["b"]}
        answer = self.realm.call("POST", "missions", json=body, timeout=20.0)
        if answer is not None:
            # one whose answer died with the controller may be there already
            known = answer.status_code == 422 and "is for the same beats" in answer.text
            assert known or answer.status_code == 201, answer.text
            self.ordered = True

    @rule(
        counts=st.integers(0, 30),
        before=st.lists(EVENTS, max_size=2),
        moment=st.sampled_from(MOMENTS),
        skip=st.sampled_from([0, 0, 0, 1, 3]),
        patience=st.floats(0.05, 2.0),
        away=st.sampled_from([0.0, 0.0, 0.3, 2.0]),
        again=st.one_of(
            st.none(),
            st.tuples(st.sampled_from(AT_START), st.integers(0, 25), st.floats(0.0, 1.2)),
        ),
    )
    def kill(
        self,
        counts: int,
        before: list[tuple[str, Any, Any]],
        moment: str,
        skip: int,
        patience: float,
        away: float,
        again: tuple[str, int, float] | None,
    ) -> None:
        """Let some things happen, kill it at a moment, perhaps again while it starts; then look.

        One rule and no precondition: hypothesis leaves out some rules of each walk, and what it
        draws must not depend on how fast this machine is.
        """
        if counts == 0 or self.figures.kills >= self.most:
            return  # the first walk that hypothesis tries is the simplest: nothing happens in it
        for what, which, more in before:
            getattr(self, f"_{what}")(which, more)
        if all(what != "recall" for what, _, _ in before):
            self._aloft(1, self.first[1])
        self._remember()
        name = self._detect() if self.figures.kills % 4 == 0 else None
        self._die(moment, skip, patience)
        time.sleep(away)
        if again is not None:
            self.realm.start()
            self._die(*again)
        began = self.realm.start()
        self._adopted(began)
        if name is not None:
            self._post(*name)

    def _place(self, _which: Any, _more: Any) -> None:
        if not self.ordered:
            self._order()

    def _wait(self, seconds: float, _more: Any) -> None:
        time.sleep(seconds)

    def _recall(self, _which: Any, _more: Any) -> None:
        if self.realm.call("POST", "recall", json={"reason": "restart test"}) is not None:
            self.ordered = False

    def _pilot(self, drone: str, action: str) -> None:
        body = {"action": action, "reason": "restart test"}
        answer = self.realm.call("POST", f"drones/{drone}/commands", json=body)
        assert answer is None or answer.status_code in {200, 409, 503, 504}, answer.text

    def _jam(self, dock: str, seconds: float) -> None:
        self.realm.world.ask(do="jam", dock=dock, on=True)
        time.sleep(seconds)
        self.realm.world.ask(do="jam", dock=dock, on=False)

    def _alone(self, drone: str, _more: Any) -> None:
        """Have one return by itself, as a failsafe or somebody's switch has it."""
        self.realm.world.ask(do="return", drone=drone)

    def _silence(self, drone: str, seconds: float) -> None:
        self.realm.world.ask(do="silence", drone=drone, on=True)
        time.sleep(seconds)
        self.realm.world.ask(do="silence", drone=drone, on=False)

    def _aloft(self, count: int, seconds: float) -> None:
        """Let some drones take off, if they will."""
        self._place(None, None)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if sum(v["aloft"] for v in self.realm.truth()["vehicles"].values()) >= count:
                return
            time.sleep(0.1)

    def _die(self, moment: str, skip: int, patience: float) -> None:
        before = self.realm.truth()["killed"].keys()
        if moment == "":
            time.sleep(patience)
        self.realm.kill(moment, skip, patience)
        self.figures.kills += 1
        hit = moment if self.realm.truth()["killed"].keys() - before else "a time"
        self.figures.moments[hit] = self.figures.moments.get(hit, 0) + 1

    def _detect(self) -> tuple[str, bytes]:
        """Post a detection just before the kill; it may be answered or not."""
        pixels = np.random.default_rng(self.figures.detections).integers(0, 255, (32, 48, 3))
        image = cv2.imencode(".jpg", pixels.astype(np.uint8))[1].tobytes()
        self.figures.detections += 1
        name = str(uuid4())
        self._post(name, image)
        return name, image

    def _post(self, name: str, image: bytes) -> None:
        now = datetime(2026, 1, 1, tzinfo=UTC).isoformat()
        body = {
            "id": name, "site": "bridge", "kind": "water", "level": "orange", "value": 3.4,
            "unit": "m", "threshold": 3.0, "confidence": 0.9, "captured_at": now,
            "exceeded_at": now, "lon": 117.65, "lat": 24.51, "source": "rtsp://127.0.0.1:9/pier",
            "detector": "water 1", "image_sha256": hashlib.sha256(image).hexdigest(),
        }  # fmt: skip
        files = {
            "detection": ("detection.json", json.dumps(body), "application/json"),
            "image": ("image.jpg", image, "image/jpeg"),
        }
        answer = self.realm.call("POST", "detections", files=files)
        if answer is not None:
            assert answer.status_code in {200, 201}, answer.text
            self.answered.append(name)

    # what holds

    def _remember(self) -> None:
        """Note who flies what, before the kill."""
        aloft = {d for d, v in self.realm.truth()["vehicles"].items() if v["aloft"]}
        known = {d["id"]: d for d in self.realm.state().get("drones", ())}
        for drone in DRONES:
            if drone not in aloft:
                self.sortie_of.pop(drone, None)
            elif known.get(drone, {}).get("sortie"):
                self.sortie_of.setdefault(drone, known[drone]["sortie"])

    def _adopted(self, began: float) -> None:
        figures, realm = self.figures, self.realm
        found = realm.adoption(began)
        figures.starts += 1
        figures.ready.append(found.ready_s)
        for drone, (from_start, from_heard) in found.adopted.items():
            if math.isinf(from_heard):
                keepers = [d for d in realm.state()["drones"] if d["id"] == drone]
                self.wrong.append(f"{drone} flies and is not adopted: {keepers}")
                continue
            figures.in_the_air.append(from_heard)
            figures.from_start.append(from_start)
            if from_heard > ADOPTED_S:
                self.wrong.append(f"{drone} was adopted {from_heard:.1f} s after it was heard")
        self._agrees(set(found.adopted))

    def _agrees(self, drones: set[str]) -> None:
        """See that sortie and progress are the vehicle's own, soon after it was adopted."""
        end, differs = time.monotonic() + AGREES_S, ["not asked"]
        while differs and time.monotonic() < end:
            differs = []
            truth = self.realm.truth()["vehicles"]
            live = {d["id"]: d for d in self.realm.state()["drones"]}
            for drone in drones:
                if not truth[drone]["aloft"]:
                    self.sortie_of.pop(drone, None)
                    continue
                was, item = self.sortie_of.get(drone), live[drone]["telemetry"]["mission_current"]
                if was is not None and live[drone]["sortie"] != was:
                    differs.append(f"{drone} flew {was} and flies {live[drone]['sortie']}")
                if truth[drone]["mode"] == "mission" and abs(item - truth[drone]["current"]) > 1:
                    differs.append(f"{drone} is at {truth[drone]['current']}, believed at {item}")
        self.wrong += differs

    def check_invariants(self, *args: Any, **more: Any) -> None:
        if self._realm is not None:
            self._judge()
        super().check_invariants(*args, **more)

    def _judge(self) -> None:
        wrong = [*self.wrong, *self.realm.truth()["wrong"], *self.realm.leavings]
        if wrong:
            print(f"kept: {self.realm.folder}", flush=True)
        assert not wrong, "\n".join(wrong[:12])

    # the end of a walk

    def teardown(self) -> None:
        if self._realm is None:
            return
        try:
            self._judge()
            self._come_home()
            self._judge()
            self._settled()
        finally:
            truth = self.realm.truth()
            self.figures.takeoffs += len(truth["takeoffs"])
            self.figures.received += truth["received"]
            self.figures.near_misses += truth["near_misses"]
            self.realm.close()

    def _come_home(self) -> None:
        self.realm.call("POST", "recall", json={"reason": "end of the walk"})
        end = time.monotonic() + HOME_S
        while time.monotonic() < end:
            drones = self.realm.state()["drones"]
            if all(d["state"] in {"docked", "charging"} for d in drones):
                return
            time.sleep(0.2)
        where = [(d["id"], d["state"], d["reason"]) for d in self.realm.state()["drones"]]
        raise AssertionError(
            f"not home after {HOME_S} s: {where}, {self.realm.truth()['vehicles']}"
        )

    def _settled(self) -> None:
        """Every flight is one sortie on record, every sortie is over, every detection is there."""
        columns = "id, drone, status, created_at, ended_at"
        sorties = self.realm.rows(f"SELECT {columns} FROM sorties")
        open_ones = [s for s in sorties if s[2] in {"planned", "flying"}]
        assert not open_ones, f"sorties that nobody ends: {open_ones}"
        times = {
            s[0]: tuple(datetime.fromisoformat(t).replace(tzinfo=UTC).timestamp() for t in s[3:5])
            for s in sorties
        }
        flown: dict[str, int] = {}
        for takeoff in self.realm.truth()["takeoffs"]:
            within = [
                s[0] for s in sorties
                if s[1] == takeoff["drone"] and times[s[0]][0] <= takeoff["at"] <= times[s[0]][1]
            ]  # fmt: skip
            assert len(within) == 1, f"{takeoff} is the flight of {within}"
            flown[within[0]] = flown.get(within[0], 0) + 1
        assert all(n == 1 for n in flown.values()), f"flown more than once: {flown}"
        unflown = [s for s in sorties if s[2] == "completed" and s[0] not in flown]
        assert not unflown, f"completed and never flown: {unflown}"
        stored = [
            str(row[0]).replace("-", "") for row in self.realm.rows("SELECT id FROM detections")
        ]
        lost = [n for n in self.answered if n.replace("-", "") not in stored]
        assert not lost, f"detections that were answered for and are not there: {lost}"


def walk(make: Any, first: int, kills: int, steps: int, aloft: tuple[int, float]) -> dict[str, Any]:
    """Walk until there were so many kills; print what was measured."""

    class Bound(Kills):
        pass

    Bound.make, Bound.figures, Bound.most = staticmethod(make), Figures(), kills
    Bound.first = aloft
    number, began = first, time.monotonic()
    while Bound.figures.kills < kills:
        print(f"SKYBEAT_SEED={number}", flush=True)
        run_state_machine_as_test(
            seed(number)(Bound),
            settings=settings(
                max_examples=2, stateful_step_count=steps, deadline=None, database=None,
                phases=(Phase.generate,), suppress_health_check=list(HealthCheck),
            ),
        )  # fmt: skip
        number += 1
    line = {**Bound.figures.line(), "violations": 0, "seconds": round(time.monotonic() - began, 1)}
    print(line, flush=True)
    return line


def test_a_controller_killed_five_times_loses_nothing(realm: Any) -> None:
    """A short walk; the machine's timing makes each a little different, the seed does not."""
    line = walk(
        lambda: realm(7.0),
        int(os.environ.get("SKYBEAT_SEED", "8")),
        kills=5,
        steps=5,
        aloft=(2, 12.0),
    )
    assert line["adoptions"] > 0


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_two_hundred_kills_lose_nothing(realm: Any) -> None:
    """The machine's timing makes each run another; ``SKYBEAT_SEED`` takes other choices too."""
    first = int(os.environ.get("SKYBEAT_SEED", "2479308088"))
    kills = int(os.environ.get("SKYBEAT_KILLS", "200"))
    line = walk(realm, first, kills=kills, steps=40, aloft=(1, 3.0))
    assert line["adoptions"] > kills / 2
