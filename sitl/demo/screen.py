"""The demo's terminal: what flies, what is seen, what was sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

LEVEL_STYLE = {"normal": "green", "yellow": "yellow", "orange": "dark_orange", "red": "bold red"}
WATCH_STYLE = {
    "watching": "green",
    "blind": "bold red",
    "not_measurable": "yellow",
    "off_station": "dim",
}
STATE_STYLE = {"docked": "dim", "lost": "bold red", "emergency": "bold red", "on_task": "green"}


def _number(value: Any, form: str) -> str:
    return "-" if value is None else format(value, form)


def drones_table(drones: Sequence[Mapping[str, Any]]) -> Table:
    """Return the drones, those in the air first."""
    table = Table(expand=True, box=None, header_style="bold")
    for column in ("drone", "state", "mode", "battery", "altitude", "watches", "why"):
        table.add_column(column, no_wrap=True, overflow="ellipsis")
    for drone in sorted(drones, key=lambda d: (d["state"] in ("docked", "unknown"), d["id"])):
        seen = drone.get("telemetry") or {}
        table.add_row(
            drone["id"],
            Text(drone["state"], STATE_STYLE.get(drone["state"], "cyan")),
            seen.get("mode", "-"),
            _number(seen.get("battery_percent"), ".0f") + " %",
            _number(seen.get("altitude_m"), ".0f") + " m",
            drone.get("site") or "",
            Text(drone.get("reason") or "", "dim"),
        )
    return table


def sites_table(sites: Sequence[Mapping[str, Any]]) -> Table:
    """Return the sites with what is measured there."""
    table = Table(expand=True, box=None, header_style="bold")
    for column in ("site", "watch", "value", "level", "why"):
        table.add_column(column, no_wrap=True, overflow="ellipsis")
    for site in sites:
        table.add_row(
            site["id"],
            Text(site["state"], WATCH_STYLE.get(site["state"], "dim")),
            f"{_number(site.get('value'), '.2f')} {site.get('unit', '')}",
            Text(site["level"], LEVEL_STYLE.get(site["level"], "")),
            Text(site.get("reason") or "", "dim"),
        )
    return table


def cad_table(entries: Sequence[Mapping[str, Any]]) -> Table:
    """Return the last messages as the CAD logged them."""
    table = Table(expand=True, box=None, header_style="bold")
    for column in ("received by the CAD", "site", "level", "message", "picture"):
        table.add_column(column, no_wrap=True, overflow="ellipsis")
    for entry in [e for e in entries if e["kind"] == "received"][-6:]:
        table.add_row(
            str(entry["received_at"])[11:19],
            str(entry["site"]),
            Text(str(entry["level"]), LEVEL_STYLE.get(str(entry["level"]), "")),
            str(entry["type"]) + (" (again)" if entry["duplicate"] else ""),
            f"{entry['image_bytes'] / 1000:.0f} kB" + ("" if entry["image_ok"] else " damaged"),
        )
    return table


def screen(
    address: str, clock: str, state: Mapping[str, Any] | None, cad: Sequence[Mapping[str, Any]]
) -> RenderableType:
    """Return the whole picture for a ``rich`` live display."""
    if state is None:
        body: RenderableType = Text("waiting for the controller ...", "yellow")
        return Panel(body, title="Skybeat demo", subtitle=clock)
    return Group(
        Panel(Text(address, "bold underline"), title="Skybeat demo: map", subtitle=clock),
        Panel(drones_table(state["drones"]), title="what flies"),
        Panel(sites_table(state["sites"]), title="what is seen"),
        Panel(cad_table(cad), title="what was sent"),
    )
