/** The live stream: server-sent events over fetch (which, unlike EventSource, can send a token). */

import { ApiError } from "./api";

/** The controller writes at least a comment every 3 s; longer silence means a dead connection. */
const SILENCE_MS = 12_000;
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 10_000;

export type Phase = "connecting" | "live" | "lost";

export interface LinkStatus {
  phase: Phase;
  /** When something last came, in the browser's clock, milliseconds; null: never. */
  heardAt: number | null;
  /** When the next attempt starts, in the browser's clock; null: it runs, or none is needed. */
  retryAt: number | null;
  reason: string;
}

export interface StreamHandlers {
  event(name: string, data: unknown): void;
  status(status: LinkStatus): void;
  /** The token was refused (401) or its role is too low (403): no further attempt is made. */
  refused(error: ApiError): void;
}

/** Splits a byte stream into events, by the rules of the HTML standard. */
export class EventParser {
  private rest = "";
  private name = "";
  private data: string[] = [];

  constructor(private readonly emit: (name: string, data: string) => void) {}

  push(text: string): void {
    // a lone CR at the end may be the first half of CRLF: keep it for the next piece
    const whole = this.rest + text;
    const lines = whole.split(/\r\n|\n|\r(?!$)/);
    this.rest = lines.pop() ?? "";
    for (const line of lines) this.line(line);
  }

  private line(line: string): void {
    if (line === "") {
      if (this.data.length > 0) this.emit(this.name || "message", this.data.join("\n"));
      this.name = "";
      this.data = [];
      return;
    }
    if (line.startsWith(":")) return;
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") this.name = value;
    else if (field === "data") this.data.push(value);
  }
}

/** Keeps the stream open for ever, with pauses that double up to a cap, until `stop`. */
export class Stream {
  private readonly stopped = new AbortController();
  private heardAt: number | null = null;
  private pause = FIRST_RETRY_MS;
  private wake: (() => void) | null = null;

  constructor(
    private readonly open: (signal: AbortSignal) => Promise<Response>,
    private readonly handlers: StreamHandlers,
  ) {}

  async run(): Promise<void> {
    while (!this.stopped.signal.aborted) {
      this.report(this.heardAt === null ? "connecting" : "lost", null, "");
      const reason = await this.once();
      if (reason === null || this.stopped.signal.aborted) return;
      // up to a quarter less, so that many maps do not come back in one instant
      const wait = this.pause * (1 - Math.random() / 4);
      this.pause = Math.min(this.pause * 2, LONGEST_RETRY_MS);
      this.report("lost", Date.now() + wait, reason);
      await this.sleep(wait);
    }
  }

  stop(): void {
    this.stopped.abort();
    this.wake?.();
  }

  retryNow(): void {
    this.pause = FIRST_RETRY_MS;
    this.wake?.();
  }

  /** One connection from its opening to its end; returns why it ended, null for a refusal. */
  private async once(): Promise<string | null> {
    const ended = new AbortController();
    const signal = AbortSignal.any([ended.signal, this.stopped.signal]);
    let watchdog = setTimeout(() => ended.abort(), SILENCE_MS);
    const heard = () => {
      clearTimeout(watchdog);
      watchdog = setTimeout(() => ended.abort(), SILENCE_MS);
      this.heardAt = Date.now();
      this.report("live", null, "");
    };
    try {
      const answer = await this.open(signal);
      if (answer.body === null) return "no body";
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      const parser = new EventParser((name, data) => this.emit(name, data));
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return "ended";
        heard();
        parser.push(value);
        this.pause = FIRST_RETRY_MS;
      }
    } catch (error) {
      if (error instanceof ApiError && (error.status === 401 || error.status === 403)) {
        this.handlers.refused(error);
        return null;
      }
      return error instanceof Error ? error.message : String(error);
    } finally {
      clearTimeout(watchdog);
      ended.abort();
    }
  }

  private emit(name: string, data: string): void {
    let value: unknown;
    try {
      value = JSON.parse(data);
    } catch {
      console.warn(`stream: event ${name} is not JSON and was left out`);
      return;
    }
    this.handlers.event(name, value);
  }

  private report(phase: Phase, retryAt: number | null, reason: string): void {
    this.handlers.status({ phase, heardAt: this.heardAt, retryAt, reason });
  }

  private sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
