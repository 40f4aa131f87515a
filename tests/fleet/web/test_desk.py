"""What is done from the map: airspace closed, drones sent, orders given, in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import FakeController

pytestmark = pytest.mark.browser

Open = Callable[..., Any]
ORDER = "4103767e-e415-437e-9e8a-54b2f1aecaa2"


def _has_text(page: Any, selector: str, text: str) -> None:
    page.locator(selector).filter(has_text=text).first.wait_for()


def _time(seconds: float = 0) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


def _scale(page: Any) -> Callable[[float, float], tuple[float, float]]:
    """Where on the screen a place is; docks 1 and 2 give the scale."""
    points = []
    for dock in ("dock-1", "dock-2"):
        box = page.locator(f".pin-dock[data-id={dock}]").bounding_box()
        points.append((box["x"] + box["width"] / 2, box["y"] + box["height"] / 2))
    (x1, y1), (x2, y2) = points
    return lambda lon, lat: (
        x1 + (lon - 117.62) * (x2 - x1) / 0.030,
        y1 + (lat - 24.51) * (y2 - y1) / -0.010,
    )


def _click(page: Any, *places: tuple[float, float]) -> None:
    at = _scale(page)
    for lon, lat in places:
        page.wait_for_selector(".map.picking")
        page.mouse.click(*at(lon, lat))


def _closures(controller: FakeController) -> None:
    """Take and end closures as the real desk does."""
    kept = controller.lists["zones/closures"]

    def close(body: Any) -> tuple[int, Any]:
        ring = body["geometry"]["coordinates"][0]
        zone = {"id": "z-1", "name": "", "area": ring, "holes": [], "floor_m": 0, "ceiling_m": 150}
        closure = {
            "id": "c-1", "kind": "closure", "zone": zone, "reason": body["reason"],
            "created_at": _time(), "created_by": "pilot-1", "until": body["until"],
            "ended_at": None,
        }  # fmt: skip
        kept.append(closure)
        return 201, closure

    def end(_body: Any) -> tuple[int, Any]:
        return 200, kept.pop() | {"ended_at": _time()}

    controller.answers["POST zones/closures"] = close
    controller.answers["DELETE zones/closures/c-1"] = end


def test_a_closure_is_drawn_sent_listed_and_ended(
    controller: FakeController, open_page: Open
) -> None:
    _closures(controller)
    page = open_page(f"{controller.url}#token=sk-pilot")
    page.click(".desk-closures")
    _has_text(page, ".sheet", "No airspace is closed.")
    page.get_by_role("button", name="Draw an area").click()
    corners = [(117.64, 24.52), (117.655, 24.52), (117.655, 24.53)]
    _click(page, corners[0], corners[1])
    assert page.get_by_role("button", name="Finish").is_disabled()
    _click(page, (117.66, 24.545), corners[2])
    page.keyboard.press("Backspace")
    page.keyboard.press("Backspace")
    _click(page, corners[2])
    page.get_by_role("button", name="Finish").click()
    _has_text(page, ".sheet", "Drawn: 3 points")
    page.fill("[name=reason]", "fire at the mill")
    page.select_option("[name=lasts]", "30")
    page.fill("[name=ceiling]", "200")
    page.get_by_role("button", name="Close now").click()
    _has_text(page, ".closures li", "fire at the mill")
    ((call, body),) = controller.told
    assert call == "POST zones/closures"
    ring = body["geometry"]["coordinates"][0]
    assert (len(ring), ring[0]) == (4, ring[-1])
    for (lon, lat), corner in zip(ring, corners, strict=False):
        assert (lon, lat) == pytest.approx(corner, abs=3e-4)
    assert (body["floor_m"], body["ceiling_m"], body["reason"]) == (0, 200, "fire at the mill")
    lasts = datetime.fromisoformat(body["until"]) - datetime.now(UTC)
    assert timedelta(minutes=29) < lasts <= timedelta(minutes=31)
    assert page.inner_text(".desk-closures") == "Close airspace 1"
    other = controller.lists["zones/closures"][0] | {"id": "c-2", "reason": "by somebody else"}
    controller.tell("closure", other)
    _has_text(page, ".closures li[data-id=c-2]", "by somebody else")
    controller.tell("closure", other | {"ended_at": _time()})
    page.wait_for_selector(".closures li[data-id=c-2]", state="detached")
    page.get_by_role("button", name="Open again").click()
    _has_text(page, ".sheet", "No airspace is closed.")
    assert controller.told[-1][0] == "DELETE zones/closures/c-1"
    assert page.complaints == []


def test_a_circle_is_a_middle_and_a_radius_and_a_refusal_is_told(
    controller: FakeController, open_page: Open
) -> None:
    controller.answers["POST zones/closures"] = lambda _: (422, {"detail": "radius_m: too wide"})
    page = open_page(f"{controller.url}#token=sk-pilot")
    page.click(".desk-closures")
    page.get_by_role("button", name="Draw a circle").click()
    _click(page, (117.645, 24.52), (117.650, 24.52))
    _has_text(page, ".sheet", "m around")
    page.fill("[name=reason]", "crane")
    page.get_by_role("button", name="Close now").click()
    _has_text(page, ".sheet .answer.error", "radius_m: too wide")
    ((_, body),) = controller.told
    assert body["geometry"]["type"] == "Point"
    assert body["geometry"]["coordinates"] == pytest.approx([117.645, 24.52], abs=3e-4)
    assert body["radius_m"] == pytest.approx(506, abs=40)  # 0.005 degrees at 24.52 north
    assert page.get_by_role("button", name="Close now").is_enabled()  # to be tried again


def _call(**fields: Any) -> dict[str, Any]:
    sent = {
        "drone": "d-01", "status": "sent", "at": _time(), "due_at": _time(75), "from_dock": False,
        "way": [[117.62, 24.51, 60]], "stay_s": 840, "ends_at": "dock-2", "cells": ["c0-0", "c0-1"],
        "gives_up": f"leaves 2 cells of order {ORDER} unseen", "there_at": None, "reason": "",
    }  # fmt: skip
    return {
        "id": "c-1", "lon": 117.645, "lat": 24.52, "kind": "other", "priority": 5, "want": 1,
        "note": "", "source": "click", "status": "assigned", "reason": "", "received_at": _time(),
        "sent": [sent], "ended_at": None,
    } | fields  # fmt: skip


def test_a_click_sends_a_drone_and_it_is_counted_down(
    controller: FakeController, open_page: Open
) -> None:
    second = _call()["sent"][0] | {"drone": "d-02", "from_dock": True, "due_at": _time(130)}
    two = _call(want=2, sent=[*_call()["sent"], second])
    controller.answers["POST calls"] = lambda _: (201, _call())
    controller.answers["POST calls/c-1/more"] = lambda _: (200, two)
    controller.answers["POST calls/c-1/close"] = lambda _: (200, _call(status="done"))
    page = open_page(f"{controller.url}#token=sk-officer")
    assert page.locator(".desk-order").is_hidden()  # a pilot's
    page.click(".desk-calls")
    _click(page, (117.645, 24.52))
    _has_text(page, ".call .eta", "overhead in 1:1")
    ((call, body),) = controller.told
    assert call == "POST calls"
    assert (body["lon"], body["lat"]) == pytest.approx((117.645, 24.52), abs=3e-4)
    assert body["source"] == "click"
    told = page.inner_text(".call")
    for part in ("d-01 · in the air", "leaves 2 cells unseen", "14 min", "Dock-2"):
        assert part in told
    page.wait_for_selector(".pin-call[data-status=assigned]")
    first = page.inner_text(".call .eta")
    page.wait_for_function(
        "was => document.querySelector('.call .eta').innerText !== was", arg=first
    )
    page.get_by_role("button", name="Second drone").click()
    _has_text(page, ".call", "d-02 · from its dock")
    page.get_by_role("button", name="Third drone").wait_for()
    controller.tell("call", _call(status="on_scene", sent=[second | {"status": "there"}]))
    _has_text(page, ".call .chip", "Overhead")
    page.get_by_role("button", name="End the call").click()
    page.wait_for_selector(".call[data-status=done]")
    page.wait_for_selector(".pin-call", state="detached")
    assert [call for call, _ in controller.told[1:]] == [
        "POST calls/c-1/more",
        "POST calls/c-1/close",
    ]
    assert page.complaints == []


def test_a_drone_is_sent_to_an_incident(controller: FakeController, open_page: Open) -> None:
    controller.incident("i-1")
    nobody = _call(status="nobody", sent=[], reason="nobody can: energy: d-01 (12 %)")
    controller.answers["POST calls"] = lambda _: (201, nobody)
    page = open_page(f"{controller.url}#token=sk-officer")
    page.locator(".card").get_by_role("button", name="Send a drone").click()
    _has_text(page, ".call .chip", "NOBODY CAN COME")
    assert "energy: d-01 (12 %)" in page.inner_text(".call")
    ((_, body),) = controller.told
    assert (body["lon"], body["lat"]) == (117.635, 24.516)
    assert "High water" in body["note"]


def test_what_is_given_up_and_why_nobody_comes_is_told_in_the_pages_language(
    controller: FakeController, open_page: Open
) -> None:
    page = open_page(f"{controller.url}#token=sk-officer", locale="zh-CN")
    page.click(".desk-calls")
    left = _call()["sent"][0] | {"left_doing": "patrol", "late": 1, "worst_s": 610.0}
    controller.tell("call", _call(sent=[left]))
    _has_text(page, ".call", "放弃 2 个待巡单元 · 其中 1 个将超期，最长 10 分钟")
    watch = left | {"cells": [], "left_doing": "stare", "gives_up": "leaves its stare for order x"}
    controller.tell("call", _call(sent=[watch]))
    _has_text(page, ".call", "中断定点监看")
    refused = [
        {"drone": f"d-0{n}", "constraint": "energy", "reason": "12 % do not last"} for n in range(7)
    ] + [{"drone": "d-09", "constraint": "priority", "reason": "is on response of priority 8"}]
    why = "nobody can: energy: d-00 (12 % do not last)"
    controller.tell("call", _call(status="nobody", sent=[], reason=why, refused=refused))
    _has_text(page, ".call", "电量不足: d-00, d-01, d-02, d-03, d-04 等另外 2 架")
    told = page.inner_text(".call")
    assert "正执行同等或更紧急任务: d-09" in told
    assert not {"leaves", "nobody", "last", "priority"} & set(told.replace(":", " ").split())
    assert page.complaints == []


def test_a_viewer_does_nothing(controller: FakeController, open_page: Open) -> None:
    controller.incident("i-1")
    page = open_page(f"{controller.url}#token=sk-viewer")
    page.wait_for_selector(".card")
    assert page.locator(".desk-bar button:visible, .card .send:visible").count() == 0


def _taken(body: Any, **more: Any) -> tuple[int, Any]:
    request = {"beats": [], "sites": [], "priority": 0, "until": None, "note": ""} | body
    flight = {"drone": "d-01", "dock": "dock-1", "start": _time(60), "end": _time(900)}
    return 201, {
        "id": "o-1", "request": request, "status": "active", "created_at": _time(),
        "created_by": "pilot-1", "reason": "", "flights": [flight],
        "waits": [{"target": "", "constraint": "fleet", "reason": "part 2 waits for d-02"}],
    } | more  # fmt: skip


def test_a_corridor_is_ordered_week_by_week(controller: FakeController, open_page: Open) -> None:
    controller.answers["POST missions"] = _taken
    page = open_page(f"{controller.url}#token=sk-pilot")
    page.click(".desk-order")
    page.get_by_role("button", name="Corridor").click()
    page.get_by_role("button", name="Draw a line").click()
    _click(page, (117.64, 24.52), (117.65, 24.53))
    page.keyboard.press("Enter")
    _has_text(page, ".sheet", "Drawn: 2 points")
    _has_text(page, ".sheet", "From (Asia/Shanghai time)")
    page.fill("[name=from]", "2027-03-01T08:00")  # a Monday
    page.fill("[name=until]", "2027-03-01T09:00")
    page.select_option("[name=recurs]", "weekly")
    page.fill("[name=last]", "2027-04-30")
    page.fill("[name=width_m]", "80")
    page.fill("[name=altitude_m]", "70")
    page.select_option("[name=priority]", "5")
    page.locator("label.choice").filter(has_text="High water").click()
    page.get_by_role("button", name="Order", exact=True).click()
    _has_text(page, ".result", "d-01: ")
    _has_text(page, ".result", "part 2 waits for d-02")
    ((_, body),) = controller.told
    assert (body["kind"], body["geometry"]["type"]) == ("corridor", "LineString")
    assert body["recurrence"] == {"rrule": "FREQ=WEEKLY;UNTIL=20270430"}, "by the city's clock"
    assert body["window"] == {
        "from": "2027-03-01T00:00:00.000Z",
        "until": "2027-03-01T01:00:00.000Z",
    }
    assert (body["width_m"], body["altitude_m"], body["priority"]) == (80, 70, 5)
    assert body["detectors"] == ["water"]
    assert "hold_s" not in body
    page.click("#tab-orders")
    _has_text(page, ".panel-orders li", "Corridor")
    assert page.complaints == []


def test_a_point_is_kept_watched_to_an_end(controller: FakeController, open_page: Open) -> None:
    controller.answers["POST missions"] = lambda body: _taken(body, drones_needed=3)
    page = open_page(f"{controller.url}#token=sk-pilot")
    page.click(".desk-order")
    page.get_by_role("button", name="Watch", exact=True).click()
    page.get_by_role("button", name="Mark a point").click()
    _click(page, (117.64, 24.52))
    page.fill("[name=until]", "2027-03-01T09:00")
    page.get_by_role("button", name="Order", exact=True).click()
    _has_text(page, ".result", "3 drones take turns")
    ((_, body),) = controller.told
    assert set(body) == {"kind", "geometry", "window", "priority", "note"}  # and for no set time
    assert (body["kind"], set(body["window"])) == ("stare", {"until"})


def test_a_time_that_the_citys_clock_leaps_over_or_shows_twice_is_the_controllers(
    controller: FakeController, open_page: Open
) -> None:
    controller.answers["POST missions"] = _taken
    controller.city["city"]["timezone"] = "Europe/Berlin"
    page = open_page(f"{controller.url}#token=sk-pilot")
    page.click(".desk-order")
    page.get_by_role("button", name="Watch", exact=True).click()
    page.get_by_role("button", name="Mark a point").click()
    _click(page, (117.64, 24.52))
    page.fill("[name=from]", "2027-03-28T02:30")
    page.fill("[name=until]", "2027-10-31T02:30")
    page.get_by_role("button", name="Order", exact=True).click()
    _has_text(page, ".result", "d-01: ")
    ((_, body),) = controller.told
    assert body["window"] == {
        "from": "2027-03-28T01:30:00.000Z",
        "until": "2027-10-31T00:30:00.000Z",
    }


def test_an_order_has_one_place_and_a_hidden_number_does_not_stop_it(
    controller: FakeController, open_page: Open
) -> None:
    controller.answers["POST missions"] = _taken
    page = open_page(f"{controller.url}#token=sk-pilot")
    page.click(".desk-order")
    page.get_by_role("button", name="Watch", exact=True).click()
    page.get_by_role("button", name="Mark a point").click()
    _click(page, (117.64, 24.52))
    page.fill("[name=hold_s]", "3")
    site = page.locator(".choices label.choice input").first
    site.check()
    _has_text(page, ".sheet", "Nothing is drawn yet.")
    page.get_by_role("button", name="Order", exact=True).dblclick()
    _has_text(page, ".result", "d-01: ")
    ((_, body),) = controller.told  # once, though it was pressed twice
    assert (set(body) & {"geometry", "hold_s"}, len(body["sites"])) == (set(), 1)
    page.locator(".choices label.choice input").first.check()
    page.get_by_role("button", name="Mark a point").click()
    _click(page, (117.64, 24.52))
    assert not page.locator(".choices label.choice input").first.is_checked()
    assert page.complaints == []


def test_a_drone_is_sent_once_though_pressed_twice_or_not_answered(
    controller: FakeController, open_page: Open
) -> None:
    controller.incident("i-1")
    controller.answers["POST calls"] = lambda _: (201, _call())
    page = open_page(f"{controller.url}#token=sk-officer")
    lost = []

    def lose_the_first(route: Any) -> None:
        if lost:
            return route.continue_()
        lost.append(route.request.post_data_json)
        return route.abort()

    page.route("**/api/v1/calls", lose_the_first)
    page.locator(".card").get_by_role("button", name="Send a drone").dblclick()
    page.wait_for_selector(".call[data-status=assigned]")
    assert [body["id"] for _, body in controller.told] == [lost[0]["id"]]


def test_a_patrol_names_beats_and_what_cannot_be_flown_says_why(
    controller: FakeController, open_page: Open
) -> None:
    words = "kind: no drone can fly it: energy: 12 km take 140 %"
    controller.answers["POST missions"] = lambda _: (422, {"detail": words})
    page = open_page(f"{controller.url}#token=sk-pilot")
    page.click(".desk-order")
    order = page.get_by_role("button", name="Order", exact=True)
    assert order.is_disabled()
    page.locator("label.choice").filter(has_text="Old-Town").click()
    order.click()
    _has_text(page, ".sheet .answer.error", words)
    ((_, body),) = controller.told
    assert (body["kind"], body["beats"]) == ("patrol", ["old-town"])
    assert set(body) <= {"kind", "beats", "priority", "note"}


def test_an_order_is_paused_resumed_and_cancelled(
    controller: FakeController, open_page: Open
) -> None:
    _, order = _taken({"kind": "patrol", "beats": ["old-town"]})
    controller.put("order", **order)

    def change(status: str) -> Callable[[Any], tuple[int, Any]]:
        return lambda _: (200, order | {"status": status})

    controller.answers["POST missions/o-1/pause"] = change("paused")
    controller.answers["POST missions/o-1/resume"] = change("active")
    controller.answers["DELETE missions/o-1"] = change("cancelled")
    page = open_page(f"{controller.url}#token=sk-pilot")
    page.click("#tab-orders")
    row = page.locator(".panel-orders li[data-id=o-1]")
    row.get_by_role("button", name="Pause").click()
    page.wait_for_selector(".panel-orders li[data-status=paused]")
    row.get_by_role("button", name="Resume").click()
    page.wait_for_selector(".panel-orders li[data-status=active]")
    row.get_by_role("button", name="Cancel").click()
    assert [call for call, _ in controller.told] == [
        "POST missions/o-1/pause", "POST missions/o-1/resume",
    ]  # fmt: skip
    row.get_by_role("button", name="Its drones come home.").click()
    page.wait_for_selector(".panel-orders li[data-status=cancelled]")
    assert row.locator("button:visible").all_inner_texts() == [".plan", ".kml"]


def test_desk_speaks_chinese(controller: FakeController, open_page: Open) -> None:
    page = open_page(f"{controller.url}#token=sk-pilot", locale="zh-CN")
    assert page.locator(".desk-bar button").all_inner_texts() == ["派无人机", "临时禁飞", "新任务"]
    page.click(".desk-order")
    _has_text(page, ".sheet", "区域航测")
    page.get_by_role("button", name="English").click()
    _has_text(page, ".sheet", "Area survey")


def test_a_file_is_shown_before_it_is_ordered_and_an_order_is_given_out(
    controller: FakeController, open_page: Open
) -> None:
    _, order = _taken({"kind": "area"})
    drafts = [{"kind": "area", "note": "mill"}, {"kind": "route", "note": ""}]
    refused = [{"number": 1, "reason": "geometry: out of the fence"}]
    read, made = "POST missions/import?format=plan&create=", {"drafts": drafts, "taken": [order]}
    answer = {"drafts": drafts, "rejected": refused, "taken": []}
    controller.answers[f"{read}false"] = lambda _: (200, answer)
    controller.answers[f"{read}true"] = lambda _: (200, made | {"rejected": []})
    controller.lists["missions/o-1/export"] = {"fileType": "Plan"}
    page = open_page(f"{controller.url}#token=sk-pilot")
    page.click(".desk-order")
    file = {"name": "a.plan", "mimeType": "application/json", "buffer": b'{"fileType": "Plan"}'}
    page.set_input_files("input[type=file]", file)
    _has_text(page, ".result", "Route: geometry: out of the fence")
    assert page.get_by_role("button", name="Order all 2").is_disabled()
    assert controller.told == [(f"{read}false", b'{"fileType": "Plan"}')]
    refused.clear()
    page.set_input_files("input[type=file]", file)
    page.wait_for_function("() => !document.querySelector('.result .primary').disabled")
    page.get_by_role("button", name="Order all 2").click()
    _has_text(page, ".result", "d-01: ")
    assert controller.told[-1][0] == f"{read}true"
    page.click("#tab-orders")
    with page.expect_download() as download:
        page.locator(".panel-orders").get_by_role("button", name=".plan").click()
    assert download.value.suggested_filename == "order-o-1.plan"
