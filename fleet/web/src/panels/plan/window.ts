/** The stretch of time that the plan shows, and where in it a time lies. */

const MINUTE = 60_000;

export interface Span {
  name: "span_1h" | "span_3h" | "span_12h";
  lasts: number;
  /** How much of it lies before now. */
  past: number;
  /** Between two ticks; the window moves on by a part of it. */
  tick: number;
}

export const SPANS: readonly Span[] = [
  { name: "span_1h", lasts: 60 * MINUTE, past: 20 * MINUTE, tick: 10 * MINUTE },
  { name: "span_3h", lasts: 180 * MINUTE, past: 60 * MINUTE, tick: 30 * MINUTE },
  { name: "span_12h", lasts: 720 * MINUTE, past: 360 * MINUTE, tick: 120 * MINUTE },
];

/** Moves on in steps, so that nothing has to be laid out anew between two of them. */
export class TimeWindow {
  from = 0;
  until = 1;

  constructor(public span: Span) {}

  /** Puts `now` where it belongs; returns whether anything else has to move. */
  follow(now: number): boolean {
    const step = this.span.tick / 10;
    const from = Math.floor((now - this.span.past) / step) * step;
    const moved = from !== this.from || this.until - this.from !== this.span.lasts;
    this.from = from;
    this.until = from + this.span.lasts;
    return moved;
  }

  /** Percent of the width, not cut to the window. */
  at(time: number): number {
    return (100 * (time - this.from)) / (this.until - this.from);
  }

  /** Whole ticks in local time. */
  ticks(): number[] {
    const { tick } = this.span;
    const zone = new Date(this.from).getTimezoneOffset() * MINUTE;
    const first = Math.ceil((this.from - zone) / tick) * tick + zone;
    const ticks: number[] = [];
    for (let time = first; time < this.until; time += tick) ticks.push(time);
    return ticks;
  }
}
