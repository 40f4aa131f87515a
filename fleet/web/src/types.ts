/** The objects of the controller's API, as it writes them (see ARCHITECTURE.md). */

export type Position = [number, number];
export type Level = "normal" | "yellow" | "orange" | "red";
export type Role = "viewer" | "officer" | "pilot" | "admin" | "worker";

export interface Telemetry {
  at: string;
  connected: boolean;
  lon: number | null;
  lat: number | null;
  altitude_m: number | null;
  heading_deg: number | null;
  velocity_north_m_s: number;
  velocity_east_m_s: number;
  battery_percent: number | null;
  mode: string;
  armed: boolean;
  in_air: boolean;
}

export const DRONE_STATES = [
  "unknown",
  "docked",
  "checking",
  "opening",
  "taking_off",
  "on_way",
  "on_task",
  "returning",
  "landing",
  "closing",
  "charging",
  "held",
  "avoiding",
  "lost",
  "emergency",
] as const;
export type DroneState = (typeof DRONE_STATES)[number];

export interface Drone {
  id: string;
  dock: string;
  berth: string;
  state: DroneState;
  reason: string;
  warnings: string[];
  holder: string | null;
  /** Id of that pilot's token. */
  holder_token: string | null;
  sortie: string | null;
  site: string | null;
  telemetry: Telemetry | null;
  route: Position[];
}

export type DoorState = "unknown" | "closed" | "opening" | "open" | "closing" | "jammed";

export interface Dock {
  id: string;
  online: boolean;
  door: DoorState;
  clear: boolean | null;
  occupants: string[];
  charging: Record<string, number>;
  wind_m_s: number | null;
  rain_mm_h: number | null;
  temperature_c: number | null;
  reason: string;
  at: string | null;
}

export type WatchState = "unwatched" | "watching" | "off_station" | "not_measurable" | "blind";

export interface Site {
  id: string;
  state: WatchState;
  reason: string;
  value: number | null;
  unit: string;
  level: Level;
  confidence: number | null;
  source: string | null;
  fps: number | null;
  frame_at: string | null;
  at: string | null;
}

export type IncidentStatus = "waiting" | "confirmed" | "reported" | "rejected" | "closed";

export interface Incident {
  id: string;
  site: string;
  kind: string;
  status: IncidentStatus;
  level: Level;
  value: number;
  unit: string;
  threshold: number;
  lon: number;
  lat: number;
  opened_at: string;
  updated_at: string;
  captured_at: string;
  image_sha256: string;
  detections: number;
  version: number;
  decided_by: string | null;
  reason: string;
}

export const ORDER_KINDS = ["patrol", "stare", "area", "corridor", "route", "orbit", "search"] as const;
export type OrderKind = (typeof ORDER_KINDS)[number];

/** An order as it was taken: who will fly it and when, or what it waits for. */
export interface Taken extends Order {
  /** So many take turns over a point that is kept watched. */
  drones_needed?: number | null;
  flights?: { drone: string; dock: string; start: string; end: string }[];
  waits?: { target: string; constraint: Limit; reason: string }[];
}

/** What a file of orders comes to. */
export interface Imported {
  drafts: { kind: OrderKind; note: string }[];
  /** Those that cannot be flown, by their place in the file. */
  rejected: { number: number; reason: string }[];
  taken: Taken[];
}

export interface Order {
  id: string;
  request: {
    kind: OrderKind;
    beats: string[];
    cells?: string[];
    sites: string[];
    place?: string | null;
    geometry?: GeoJSON.Geometry | null;
    window?: { from: string | null; until: string | null };
    recurrence?: { rrule: string } | null;
    priority: number;
    until: string | null;
    note: string;
  };
  status: "active" | "paused" | "cancelled" | "ended";
  created_at: string;
  created_by: string;
  reason: string;
}

/** A pilot's command as it is sent; an id of its own is added. */
export type Command =
  | { action: "return" | "hold" | "resume" | "land" | "release_control" }
  | { action: "take_control"; take_over: boolean }
  | { action: "goto"; lon: number; lat: number; altitude_m: number }
  | { action: "orbit"; lon: number; lat: number; altitude_m: number; radius_m: number }
  | { action: "look_at"; lon: number; lat: number }
  | { action: "kill"; confirm?: string };

export interface CommandRecord {
  id: string;
  status: "sent" | "done" | "refused" | "failed";
  answer: string;
}

export interface Flight {
  id: string;
  drone: string;
  dock: string;
  sortie: string | null;
  took_off_at: string;
  landed_at: string | null;
  landed_dock: string | null;
  distance_m: number;
  highest_m: number;
  battery_start_percent: number | null;
  battery_end_percent: number | null;
  tlog: string | null;
}

export interface State {
  at: string;
  drones: Drone[];
  docks: Dock[];
  sites: Site[];
  incidents: Incident[];
  orders: Order[];
  calls?: Call[];
}

export interface Place {
  layer: "district" | "beat" | "cell" | "dock" | "site" | "zone";
  id: string;
  name: string;
  name_zh: string;
  kind?: string;
}

export interface CityMap {
  type: "FeatureCollection";
  features: GeoJSON.Feature<GeoJSON.Polygon | GeoJSON.Point, Place>[];
  city: { name: string; name_zh: string; note: string; origin: Position; timezone: string };
}

export interface Me {
  id: string;
  name: string;
  role: Role;
}

export const PLAN_KINDS = ["patrol", "task", "stare", "response", "ferry", "charge"] as const;
export type PlanKind = (typeof PLAN_KINDS)[number];

export interface PlanItem {
  drone: string;
  dock: string;
  order: string | null;
  kind: PlanKind;
  start: string;
  end: string;
  cells: string[];
  state: "flown" | "flying" | "planned";
  sortie: string | null;
}

/** One drone's part of the plan, as the stream tells it. */
export interface DronePlan {
  drone: string;
  at: string;
  made_at: string | null;
  items: PlanItem[];
}

export interface WholePlan {
  at: string;
  made_at: string | null;
  items: PlanItem[];
}

export interface Cell {
  id: string;
  seen_at: string | null;
  owed_s: number | null;
}

export interface Cells {
  at: string;
  cells: Cell[];
}

export interface Closure {
  id: string;
  kind: "closure" | "import";
  zone: {
    id: string;
    name: string;
    area: Position[];
    holes: Position[][];
    floor_m: number;
    ceiling_m: number;
  };
  reason: string;
  created_at: string;
  created_by: string;
  until: string | null;
  ended_at: string | null;
}

/** A drone that was sent to a call. */
export type Doing = "patrol" | "task" | "stare" | "response" | "ferry";

/** The limit that keeps something from being flown. */
export type Limit = "energy" | "airspace" | "altitude" | "wind" | "reach" | "window" | "fleet" | "drones" | "priority";

export interface Sent {
  drone: string;
  status: "sent" | "there" | "left" | "failed";
  at: string;
  due_at: string;
  from_dock: boolean;
  way: [number, number, number][];
  stay_s: number;
  ends_at: string;
  gives_up: string;
  /** What it did that it leaves undone; null where it leaves nothing. */
  left_doing?: Doing | null;
  /** That it had still to see; how many of them will be overdue, and by how long at most. */
  cells: string[];
  late?: number;
  worst_s?: number;
  there_at: string | null;
  reason: string;
}

export interface Call {
  id: string;
  lon: number;
  lat: number;
  kind: string;
  priority: number;
  want: number;
  note: string;
  source: "sos" | "call" | "click" | "cad";
  status: "received" | "assigned" | "on_scene" | "nobody" | "done" | "cancelled";
  reason: string;
  /** While nobody can be sent: why, drone by drone. */
  refused?: { drone: string; constraint: Limit; reason: string }[];
  received_at: string;
  sent: Sent[];
  ended_at: string | null;
}
