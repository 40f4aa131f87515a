/** Markers of docks, sites, incidents and drones: buttons, so that the keyboard reaches them. */

import { Marker, type Map as GlMap } from "maplibre-gl";
import { h, icon, setText } from "../dom";
import { placeName, quantity, t } from "../i18n";
import type { Kind, Store, Topic } from "../store";
import type { Dock, Drone, DroneState, Incident, Position, Site } from "../types";
import { ALWAYS, placeLabels, type Label } from "./declutter";

const COLORS: Partial<Record<DroneState, string>> = {
  on_task: "#34d399",
  returning: "#a78bfa",
  landing: "#a78bfa",
  held: "#facc15",
  avoiding: "#fb923c",
  lost: "#f43f5e",
  emergency: "#f43f5e",
};

/** The colour of a drone and its trail. */
export function stateColor(state: DroneState): string {
  return COLORS[state] ?? "#38bdf8";
}

/** Drones in these states are inside their dock, whose marker tells of them. */
const INSIDE: ReadonlySet<DroneState> = new Set(["docked", "charging", "unknown"]);

/** Whose name is placed first; a thing chosen, or in trouble, goes before all. */
const PRIORITY: Readonly<Record<Kind, number>> = { call: 5, incident: 4, site: 3, drone: 2, dock: 1 };
const IN_TROUBLE: ReadonlySet<string> = new Set(["lost", "emergency", "blind"]);
/** Incidents stand over their site, not on it. */
const OFFSET: Partial<Record<Kind, [number, number]>> = { incident: [0, -32] };
const HALF: Readonly<Record<Kind, number>> = { call: 16, incident: 16, site: 13, drone: 13, dock: 10 };

interface Pin {
  kind: Kind;
  marker: Marker;
  button: HTMLButtonElement;
  symbol: HTMLElement;
  tag: HTMLElement;
  /** The name that `width` and `height` were measured of. */
  measured: string;
  width: number;
  height: number;
}

export class Markers {
  private readonly pins = new Map<string, Pin>();
  private frame: number | null = null;

  constructor(
    private readonly map: GlMap,
    private readonly store: Store,
  ) {
    map.on("move", () => this.scheduleNames());
    map.on("resize", () => this.scheduleNames());
  }

  update(topics: ReadonlySet<Topic>): void {
    const has = (...names: Topic[]) => names.some((name) => topics.has(name));
    if (has("docks", "city", "drones")) this.docks();
    if (has("sites", "city")) this.sites();
    if (has("incidents", "city")) this.incidents();
    if (has("calls")) this.calls();
    if (has("drones")) this.drones();
    if (has("selection")) this.markSelected();
    this.scheduleNames();
  }

  private scheduleNames(): void {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.placeNames();
    });
  }

  private placeNames(): void {
    const pins = [...this.pins.values()];
    const sides = placeLabels(pins.map((pin) => this.label(pin)));
    pins.forEach((pin, index) => {
      const side = sides[index] ?? "hidden";
      if (pin.kind !== "dock" && pin.tag.dataset["side"] !== side) pin.tag.dataset["side"] = side;
    });
  }

  private label(pin: Pin): Label {
    const [dx, dy] = OFFSET[pin.kind] ?? [0, 0];
    const { x, y } = this.map.project(pin.marker.getLngLat());
    const text = pin.tag.textContent ?? "";
    if (pin.measured !== text) {
      pin.measured = text;
      pin.width = pin.tag.offsetWidth;
      pin.height = pin.tag.offsetHeight;
    }
    const special =
      pin.button.classList.contains("selected") || IN_TROUBLE.has(pin.button.dataset["state"] ?? "");
    return {
      x: x + dx,
      y: y + dy,
      half: HALF[pin.kind],
      // a name may cover a dock: there are many, and what matters of them is in the list
      solid: pin.kind !== "dock",
      // a dock's mark is inside its symbol
      width: pin.kind === "dock" ? 0 : pin.width,
      height: pin.height,
      priority: PRIORITY[pin.kind] + (special ? ALWAYS : 0),
    };
  }

  private docks(): void {
    const seen = new Set<string>();
    for (const feature of this.store.city?.features ?? []) {
      if (feature.properties.layer !== "dock" || feature.geometry.type !== "Point") continue;
      const { id } = feature.properties;
      seen.add(id);
      const pin = this.pin("dock", id, feature.geometry.coordinates as Position);
      drawDock(pin, placeName(feature.properties, id), this.store.docks.get(id));
    }
    this.prune("dock", seen);
  }

  private sites(): void {
    const seen = new Set<string>();
    for (const feature of this.store.city?.features ?? []) {
      if (feature.properties.layer !== "site" || feature.geometry.type !== "Point") continue;
      const { id, kind } = feature.properties;
      seen.add(id);
      const pin = this.pin("site", id, feature.geometry.coordinates as Position);
      drawSite(pin, placeName(feature.properties, id), kind, this.store.sites.get(id));
    }
    this.prune("site", seen);
  }

  private incidents(): void {
    const seen = new Set<string>();
    for (const incident of this.store.incidents.values()) {
      if (incident.status === "closed" || incident.status === "rejected") continue;
      seen.add(incident.id);
      const pin = this.pin("incident", incident.id, [incident.lon, incident.lat]);
      drawIncident(pin, placeName(this.store.place("site", incident.site), incident.site), incident);
    }
    this.prune("incident", seen);
  }

  private calls(): void {
    const seen = new Set<string>();
    for (const call of this.store.calls.values()) {
      if (call.status === "done" || call.status === "cancelled") continue;
      seen.add(call.id);
      const pin = this.pin("call", call.id, [call.lon, call.lat]);
      pin.button.dataset["status"] = call.status;
      const words = t(`call_${call.status}`);
      setText(pin.tag, words);
      describe(pin, `${t("plan_response")}: ${words}`);
    }
    this.prune("call", seen);
  }

  private drones(): void {
    const seen = new Set<string>();
    for (const drone of this.store.drones.values()) {
      const { telemetry } = drone;
      if (!telemetry || telemetry.lon === null || telemetry.lat === null) continue;
      if (INSIDE.has(drone.state) && !telemetry.in_air) continue;
      seen.add(drone.id);
      drawDrone(this.pin("drone", drone.id, [telemetry.lon, telemetry.lat]), drone);
    }
    this.prune("drone", seen);
  }

  private pin(kind: Kind, id: string, position: Position): Pin {
    const key = `${kind}/${id}`;
    let pin = this.pins.get(key);
    if (!pin) {
      pin = this.create(kind, id, position);
      this.pins.set(key, pin);
    } else {
      const at = pin.marker.getLngLat();
      if (at.lng !== position[0] || at.lat !== position[1]) pin.marker.setLngLat(position);
    }
    return pin;
  }

  private create(kind: Kind, id: string, position: Position): Pin {
    const symbol = h("span", { class: "symbol" }, SYMBOLS[kind]());
    const tag = h("span", { class: "tag" });
    const choose = () => this.store.select({ kind, id });
    const button = h("button", { type: "button", class: `pin pin-${kind}`, onclick: choose }, symbol, tag);
    button.dataset["id"] = id;
    const marker = new Marker({ element: button, anchor: "center", offset: OFFSET[kind] ?? [0, 0] });
    marker.setLngLat(position).addTo(this.map);
    return { kind, marker, button, symbol, tag, measured: "", width: 0, height: 0 };
  }

  private prune(kind: Kind, seen: ReadonlySet<string>): void {
    for (const [key, pin] of this.pins) {
      if (!key.startsWith(`${kind}/`) || seen.has(key.slice(kind.length + 1))) continue;
      pin.marker.remove();
      this.pins.delete(key);
    }
  }

  private markSelected(): void {
    const selection = this.store.selection;
    const chosen = selection ? `${selection.kind}/${selection.id}` : "";
    for (const [key, pin] of this.pins) pin.button.classList.toggle("selected", key === chosen);
  }
}

const SYMBOLS: Readonly<Record<Kind, () => SVGSVGElement>> = {
  drone: () => icon("drone", "M12 2l7 19-7-4.6L5 21z"),
  dock: () => icon("dock", "M4 4h16v16H4z"),
  site: () => icon("site", "M12 5c5 0 8.6 4.3 9.8 7-1.2 2.7-4.8 7-9.8 7s-8.6-4.3-9.8-7C3.4 9.3 7 5 12 5z", "M12 9a3 3 0 100 6 3 3 0 000-6z"),
  call: () => icon("call", "M12 2a10 10 0 100 20 10 10 0 000-20z", "M12 7v10", "M7 12h10"),
  incident: () => icon("incident", "M12 3l10 18H2z", "M12 10v5", "M12 17.5v.5"),
};

function describe(pin: Pin, text: string): void {
  if (pin.button.title === text) return;
  pin.button.title = text;
  pin.button.setAttribute("aria-label", text);
}

function drawDock(pin: Pin, name: string, dock: Dock | undefined): void {
  const { dataset } = pin.button;
  dataset["door"] = dock?.door ?? "unknown";
  dataset["online"] = String(dock?.online ?? false);
  dataset["charging"] = String(Object.keys(dock?.charging ?? {}).length > 0);
  setText(pin.tag, dock && dock.occupants.length > 0 ? String(dock.occupants.length) : "");
  const state = dock ? (dock.online ? t(`door_${dock.door}`) : t("offline")) : t("door_unknown");
  describe(pin, `${t("dock")} ${name}: ${state}`);
}

function drawSite(pin: Pin, name: string, kind: string | undefined, site: Site | undefined): void {
  const state = site?.state ?? "unwatched";
  const { dataset } = pin.button;
  dataset["state"] = state;
  dataset["level"] = site?.level ?? "normal";
  dataset["kind"] = kind ?? "";
  const value = quantity(site?.value ?? null, site?.unit ?? "");
  const shown = state === "watching" ? value : t(`watch_${state}`);
  setText(pin.tag, `${name}  ${shown}`);
  describe(pin, `${name}: ${shown}`);
}

function drawIncident(pin: Pin, site: string, incident: Incident): void {
  const { dataset } = pin.button;
  dataset["level"] = incident.level;
  dataset["status"] = incident.status;
  const what = incidentName(incident);
  setText(pin.tag, what);
  describe(pin, `${what}, ${site}: ${t(`status_${incident.status}`)}`);
}

/** What an incident is called; a kind that this page has no word for is shown as it is. */
export function incidentName(incident: Pick<Incident, "kind">): string {
  const { kind } = incident;
  return kind === "water" || kind === "crowd" ? t(`kind_${kind}`) : kind;
}

function drawDrone(pin: Pin, drone: Drone): void {
  const telemetry = drone.telemetry;
  pin.button.dataset["state"] = drone.state;
  pin.symbol.style.setProperty("--heading", `${telemetry?.heading_deg ?? 0}deg`);
  pin.symbol.style.setProperty("--color", stateColor(drone.state));
  const battery = telemetry?.battery_percent ?? null;
  const percent = battery === null ? "–" : `${Math.round(battery)}%`;
  setText(pin.tag, `${drone.id} · ${percent}`);
  describe(pin, `${drone.id}: ${t(`drone_${drone.state}`)}, ${t("battery")} ${percent}`);
}
