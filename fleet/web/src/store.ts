/** What the page knows. Changes are told to subscribers in batches. */

import { setZone } from "./zone";
import type { LinkStatus } from "./stream";
import type {
  Call,
  Cell,
  Cells,
  CityMap,
  Closure,
  Dock,
  Drone,
  DronePlan,
  Flight,
  Incident,
  Me,
  Order,
  Place,
  PlanItem,
  Position,
  Site,
  State,
  WholePlan,
} from "./types";

export type Topic =
  | "city"
  | "drones"
  | "docks"
  | "sites"
  | "incidents"
  | "orders"
  | "flights"
  | "flown"
  | "plan"
  | "cells"
  | "closures"
  | "calls"
  | "link"
  | "selection"
  | "session";

export type Kind = "drone" | "dock" | "site" | "incident" | "call";
export interface Selection {
  kind: Kind;
  id: string;
}

/** Points of a drone's trail: at most this many, this far apart in time. */
const TRAIL_POINTS = 180;
const TRAIL_STEP_MS = 1_000;
const BATCH_MS = 40;

interface Trail {
  points: Position[];
  at: number;
}

export class Store {
  city: CityMap | null = null;
  me: Me | null = null;
  link: LinkStatus = { phase: "connecting", heardAt: null, retryAt: null, reason: "" };
  selection: Selection | null = null;
  readonly drones = new Map<string, Drone>();
  readonly docks = new Map<string, Dock>();
  readonly sites = new Map<string, Site>();
  readonly incidents = new Map<string, Incident>();
  readonly orders = new Map<string, Order>();
  /** What each drone has flown, flies and is to fly. */
  readonly plan = new Map<string, DronePlan>();
  readonly cells = new Map<string, Cell>();
  /** Airspace that is closed for a time. */
  readonly closures = new Map<string, Closure>();
  /** Zones of the city's map that are closures: they come and go. */
  readonly passing = new Set<string>();
  /** Where drones are wanted at once. */
  readonly calls = new Map<string, Call>();
  /** The order that is marked in the plan and the list. */
  chosenOrder: string | null = null;
  flights: readonly Flight[] = [];
  /** The flight whose track is on the map, and the track. */
  flown: { flight: string; track: GeoJSON.FeatureCollection } | null = null;
  private readonly trails = new Map<string, Trail>();
  private readonly places = new Map<string, { place: Place; position: Position | null }>();
  private readonly listeners: ((topics: ReadonlySet<Topic>) => void)[] = [];
  private pending = new Set<Topic>();
  private timer: number | null = null;
  /** Controller's clock minus the browser's, milliseconds. */
  private clockOffset = 0;

  subscribe(listener: (topics: ReadonlySet<Topic>) => void): void {
    this.listeners.push(listener);
  }

  /** Now by the controller's clock, milliseconds. */
  now(): number {
    return Date.now() + this.clockOffset;
  }

  setCity(city: CityMap): void {
    this.city = city;
    setZone(city.city.timezone);
    this.places.clear();
    for (const feature of city.features) {
      const place = feature.properties;
      const position =
        feature.geometry.type === "Point" ? (feature.geometry.coordinates as Position) : null;
      this.places.set(`${place.layer}/${place.id}`, { place, position });
    }
    this.changed("city");
  }

  setMe(me: Me | null): void {
    this.me = me;
    this.changed("session");
  }

  setLink(link: LinkStatus): void {
    const before = this.link;
    this.link = link;
    // every byte renews the age; only a change of phase needs the page to be drawn again at once
    if (before.phase !== link.phase || before.retryAt !== link.retryAt) this.changed("link");
  }

  select(selection: Selection | null): void {
    this.selection = selection;
    this.changed("selection");
  }

  chooseOrder(order: string | null): void {
    this.chosenOrder = order;
    this.changed("plan", "orders");
  }

  /** Takes the plan as it was asked for; what the stream has told since stands. */
  setPlan(whole: WholePlan): void {
    const items = new Map<string, PlanItem[]>();
    for (const item of whole.items) {
      const known = items.get(item.drone);
      if (known) known.push(item);
      else items.set(item.drone, [item]);
    }
    for (const [drone, row] of this.plan) {
      if (!items.has(drone) && Date.parse(row.at) <= Date.parse(whole.at)) this.plan.delete(drone);
    }
    for (const [drone, row] of items) {
      this.setDronePlan({ drone, at: whole.at, made_at: whole.made_at, items: row });
    }
    this.changed("plan");
  }

  setCells({ cells }: Cells): void {
    for (const cell of cells) {
      const known = this.cells.get(cell.id)?.seen_at ?? null;
      // the answer that was asked for and the stream race; the later visit stands
      const older = known !== null && (cell.seen_at === null || Date.parse(cell.seen_at) < Date.parse(known));
      this.cells.set(cell.id, older ? { ...cell, seen_at: known } : cell);
    }
    this.changed("cells");
  }

  setClosures(closures: readonly Closure[]): void {
    this.closures.clear();
    for (const closure of closures) this.setClosure(closure);
    this.changed("closures");
  }

  private setClosure(closure: Closure): void {
    if (!this.passing.has(closure.zone.id)) {
      this.passing.add(closure.zone.id);
      this.changed("closures");
    }
    if (closure.ended_at === null) this.put(this.closures, closure, "closures");
    else if (this.closures.delete(closure.id)) this.changed("closures");
  }

  setCall(call: Call): void {
    this.put(this.calls, call, "calls");
  }

  setOrder(order: Order): void {
    this.put(this.orders, order, "orders");
  }

  private setDronePlan(row: DronePlan): void {
    const known = this.plan.get(row.drone);
    if (known && Date.parse(known.at) > Date.parse(row.at)) return;
    this.plan.set(row.drone, row);
    this.changed("plan");
  }

  setFlights(flights: readonly Flight[]): void {
    this.flights = flights;
    this.changed("flights");
  }

  setFlown(flown: Store["flown"]): void {
    this.flown = flown;
    this.changed("flown", "flights");
  }

  place(layer: Place["layer"], id: string): Place | null {
    return this.places.get(`${layer}/${id}`)?.place ?? null;
  }

  position(layer: "dock" | "site", id: string): Position | null {
    return this.places.get(`${layer}/${id}`)?.position ?? null;
  }

  trail(drone: string): readonly Position[] {
    return this.trails.get(drone)?.points ?? [];
  }

  /** Takes in one event of the stream; names it does not know are left alone. */
  apply(name: string, data: unknown): void {
    switch (name) {
      case "state":
        return this.replace(data as State);
      case "drone":
        return this.setDrone(data as Drone);
      case "dock":
        return this.put(this.docks, data as Dock, "docks");
      case "site":
        return this.put(this.sites, data as Site, "sites");
      case "incident":
        return this.setIncident(data as Incident);
      case "order":
        return this.setOrder(data as Order);
      case "closure":
        return this.setClosure(data as Closure);
      case "call":
        return this.setCall(data as Call);
      case "plan":
        return this.setDronePlan(data as DronePlan);
      case "cells":
        return this.setCells(data as Cells);
    }
  }

  setIncident(incident: Incident): void {
    const known = this.incidents.get(incident.id);
    // the answer to a decision and the stream race; the newer word stands
    if (known && Date.parse(known.updated_at) > Date.parse(incident.updated_at)) return;
    this.put(this.incidents, incident, "incidents");
  }

  private replace(state: State): void {
    this.clockOffset = Date.parse(state.at) - Date.now();
    refill(this.docks, state.docks);
    refill(this.sites, state.sites);
    refill(this.incidents, state.incidents);
    refill(this.orders, state.orders);
    refill(this.calls, state.calls ?? []);
    refill(this.drones, []);
    for (const drone of state.drones) this.setDrone(drone);
    for (const id of this.trails.keys()) if (!this.drones.has(id)) this.trails.delete(id);
    this.changed("drones", "docks", "sites", "incidents", "orders", "calls");
  }

  private setDrone(drone: Drone): void {
    this.drones.set(drone.id, drone);
    this.extendTrail(drone);
    this.changed("drones");
  }

  private extendTrail(drone: Drone): void {
    const telemetry = drone.telemetry;
    if (!telemetry || telemetry.lon === null || telemetry.lat === null) return;
    if (!telemetry.in_air) {
      // a trail is of one flight: it goes when the next one begins
      const old = this.trails.get(drone.id);
      if (old) old.at = -1;
      return;
    }
    const at = Date.parse(telemetry.at);
    let trail = this.trails.get(drone.id);
    if (!trail || trail.at === -1) {
      trail = { points: [], at: -Infinity };
      this.trails.set(drone.id, trail);
    }
    if (at - trail.at < TRAIL_STEP_MS) return;
    trail.at = at;
    trail.points.push([telemetry.lon, telemetry.lat]);
    if (trail.points.length > TRAIL_POINTS) trail.points.shift();
  }

  private put<T extends { id: string }>(map: Map<string, T>, item: T, topic: Topic): void {
    map.set(item.id, item);
    this.changed(topic);
  }

  private changed(...topics: Topic[]): void {
    for (const topic of topics) this.pending.add(topic);
    if (this.timer !== null) return;
    this.timer = window.setTimeout(() => {
      this.timer = null;
      const batch = this.pending;
      this.pending = new Set();
      for (const listener of this.listeners) listener(batch);
    }, BATCH_MS);
  }
}

function refill<T extends { id: string }>(map: Map<string, T>, items: readonly T[]): void {
  map.clear();
  for (const item of items) map.set(item.id, item);
}
