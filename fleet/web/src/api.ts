/** Calls to the controller. Every call carries the bearer token and ends within a limit. */

import type { CityMap, Incident, Me } from "./types";

const LIMIT_MS = 15_000;

/** An answer that is not 2xx, or none at all (status 0). */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
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
    return (await (await this.call("map")).json()) as CityMap;
  }

  async me(): Promise<Me> {
    return (await (await this.call("me")).json()) as Me;
  }

  async evidence(sha256: string): Promise<Blob> {
    return (await this.call(`evidence/${encodeURIComponent(sha256)}`)).blob();
  }

  async decide(
    incident: string,
    decision: "confirm" | "reject",
    body: { reason: string; image_sha256?: string },
  ): Promise<Incident | null> {
    const answer = await this.call(`incidents/${encodeURIComponent(incident)}/${decision}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    const changed: unknown = await answer.json().catch(() => null);
    return isIncident(changed) ? changed : null;
  }

  /** Opens the event stream; it ends when `signal` is aborted. */
  stream(signal: AbortSignal): Promise<Response> {
    return this.call("stream", { headers: { Accept: "text/event-stream" } }, signal);
  }

  private async call(path: string, init: RequestInit = {}, signal?: AbortSignal): Promise<Response> {
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
    if (!answer.ok) throw new ApiError(answer.status, await detail(answer));
    return answer;
  }
}

async function detail(answer: Response): Promise<string> {
  const body: unknown = await answer.json().catch(() => null);
  if (typeof body === "object" && body !== null && "detail" in body) {
    const said = (body as { detail: unknown }).detail;
    return typeof said === "string" ? said : JSON.stringify(said);
  }
  return `${answer.status} ${answer.statusText}`.trim();
}

function isIncident(body: unknown): body is Incident {
  return typeof body === "object" && body !== null && "id" in body && "status" in body;
}
