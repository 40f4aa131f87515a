/** Calls to the controller. Every call carries the bearer token and ends within a limit. */

import type {
  Call,
  Cells,
  CityMap,
  Closure,
  Command,
  CommandRecord,
  Flight,
  Imported,
  Incident,
  Me,
  Order,
  Taken,
  WholePlan,
} from "./types";

const LIMIT_MS = 15_000;
/** A vehicle is given this long to be seen to do what it was told; the controller gives up before. */
const COMMAND_LIMIT_MS = 60_000;
/** An order is tried for up to 10 s, after those before it; of a file each. */
const TRIAL_LIMIT_MS = 60_000;
const FILE_LIMIT_MS = 600_000;
const FLIGHTS = 50;

/** An answer that is not 2xx, or none at all (status 0). */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    /** The word with which it has to be asked again, where it has to be. */
    readonly confirm: string | null = null,
  ) {
    super(message);
    this.name = "ApiError";
  }

  /** Whether the token itself was refused. */
  get unauthorized(): boolean {
    return this.status === 401;
  }
}

export class Api {
  constructor(private readonly token: string) {}

  async map(): Promise<CityMap> {
    return (await (await this.ask("map")).json()) as CityMap;
  }

  async me(): Promise<Me> {
    return (await (await this.ask("me")).json()) as Me;
  }

  async evidence(sha256: string): Promise<Blob> {
    return (await this.ask(`evidence/${encodeURIComponent(sha256)}`)).blob();
  }

  async decide(
    incident: string,
    decision: "confirm" | "reject",
    body: { reason: string; image_sha256?: string },
  ): Promise<Incident | null> {
    const answer = await this.ask(`incidents/${encodeURIComponent(incident)}/${decision}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    const changed: unknown = await answer.json().catch(() => null);
    return isIncident(changed) ? changed : null;
  }

  /** Has a drone do something, once: where no answer comes, the same id is sent again. */
  async command(drone: string, command: Command): Promise<CommandRecord> {
    const init = {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ ...command, id: uuid() }),
    };
    const path = `drones/${encodeURIComponent(drone)}/commands`;
    const answer = await twice(() => this.ask(path, init, AbortSignal.timeout(COMMAND_LIMIT_MS)));
    return (await answer.json()) as CommandRecord;
  }

  async plan(): Promise<WholePlan> {
    return (await (await this.ask("plan")).json()) as WholePlan;
  }

  async cells(): Promise<Cells> {
    return (await (await this.ask("cells")).json()) as Cells;
  }

  async closures(): Promise<Closure[]> {
    return (await (await this.ask("zones/closures")).json()) as Closure[];
  }

  async close(closure: unknown): Promise<Closure> {
    return (await this.send("POST", "zones/closures", closure)) as Closure;
  }

  async endClosure(id: string): Promise<void> {
    await this.send("DELETE", `zones/closures/${encodeURIComponent(id)}`);
  }

  /** Sends a drone, once: where no answer comes, the same id is sent again. */
  async call(call: object): Promise<Call> {
    const body = { ...call, id: uuid() };
    return (await twice(() => this.send("POST", "calls", body))) as Call;
  }

  /** One more drone to a call. */
  async moreTo(id: string): Promise<Call> {
    return (await this.send("POST", `calls/${encodeURIComponent(id)}/more`, { drones: 1 })) as Call;
  }

  async endCall(id: string): Promise<Call> {
    return (await this.send("POST", `calls/${encodeURIComponent(id)}/close`, { reason: "closed on the map" })) as Call;
  }

  async order(order: unknown): Promise<Taken> {
    return (await this.send("POST", "missions", order, TRIAL_LIMIT_MS)) as Taken;
  }

  async changeOrder(id: string, change: "pause" | "resume" | "cancel"): Promise<Order> {
    const path = `missions/${encodeURIComponent(id)}`;
    const answer = change === "cancel" ? this.send("DELETE", path) : this.send("POST", `${path}/${change}`);
    return (await answer) as Order;
  }

  /** Reads a QGroundControl plan or a KML file; with `create` all of it is ordered, or nothing. */
  async importOrders(file: File, create: boolean): Promise<Imported> {
    const format = /\.kml$/i.test(file.name) ? "kml" : "plan";
    const init = { method: "POST", headers: { "Content-Type": "application/octet-stream" }, body: file };
    const path = `missions/import?format=${format}&create=${create}`;
    return (await (await this.ask(path, init, AbortSignal.timeout(FILE_LIMIT_MS))).json()) as Imported;
  }

  async exportOrder(id: string, format: "plan" | "kml"): Promise<Blob> {
    return (await this.ask(`missions/${encodeURIComponent(id)}/export?format=${format}`)).blob();
  }

  async flights(): Promise<Flight[]> {
    return (await (await this.ask(`flights?limit=${FLIGHTS}`)).json()) as Flight[];
  }

  async track(flight: string): Promise<GeoJSON.FeatureCollection> {
    const answer = await this.ask(`flights/${encodeURIComponent(flight)}/track.geojson`);
    return (await answer.json()) as GeoJSON.FeatureCollection;
  }

  async file(flight: string, name: "track.geojson" | "track.csv" | "tlog"): Promise<Blob> {
    return (await this.ask(`flights/${encodeURIComponent(flight)}/${name}`)).blob();
  }

  /** Opens the event stream; it ends when `signal` is aborted. */
  stream(signal: AbortSignal): Promise<Response> {
    return this.ask("stream", { headers: { Accept: "text/event-stream" } }, signal);
  }

  private async send(method: string, path: string, body?: unknown, limit = LIMIT_MS): Promise<unknown> {
    const init: RequestInit = { method };
    if (body !== undefined) {
      init.headers = { "Content-Type": "application/json" };
      init.body = JSON.stringify(body);
    }
    const answer = await this.ask(path, init, AbortSignal.timeout(limit));
    return answer.status === 204 ? null : answer.json();
  }

  private async ask(path: string, init: RequestInit = {}, signal?: AbortSignal): Promise<Response> {
    const headers = new Headers(init.headers);
    headers.set("Authorization", `Bearer ${this.token}`);
    let answer: Response;
    try {
      answer = await fetch(`api/v1/${path}`, {
        ...init,
        headers,
        cache: "no-store",
        credentials: "omit",
        redirect: "error",
        signal: signal ?? AbortSignal.timeout(LIMIT_MS),
      });
    } catch (error) {
      throw new ApiError(0, error instanceof Error ? error.message : String(error));
    }
    if (!answer.ok) throw await refusal(answer);
    return answer;
  }
}

async function refusal(answer: Response): Promise<ApiError> {
  const body: unknown = await answer.json().catch(() => null);
  if (typeof body !== "object" || body === null || !("detail" in body)) {
    return new ApiError(answer.status, `${answer.status} ${answer.statusText}`.trim());
  }
  const { detail } = body;
  const words = typeof detail === "string" ? detail : JSON.stringify(detail);
  const confirm = "confirm" in body && typeof body.confirm === "string" ? body.confirm : null;
  return new ApiError(answer.status, words, confirm);
}

function isIncident(body: unknown): body is Incident {
  return typeof body === "object" && body !== null && "id" in body && "status" in body;
}

/** Asks again where no answer came; for what has an id by which it is known to be the same. */
async function twice<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof ApiError && error.status === 0) return ask();
    throw error;
  }
}

/** A random UUID; `crypto.randomUUID` is missing where the page came over plain HTTP. */
function uuid(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
