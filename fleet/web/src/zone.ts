/** Times by the clock of the city, which may not be this browser's: orders recur and shifts change by it. */

const DAY_MS = 86_400_000;
let zone = "UTC";

export function setZone(name: string): void {
  zone = name;
}

/** The IANA name of the city's time zone. */
export function zoneName(): string {
  return zone;
}

/**
 * The time at which the city's clock shows what a date-time input says, as ISO with offset; null
 * where it is empty. Of a time that the clock shows twice it is the first; one that it leaps over
 * is taken by the offset before: so RFC 5545, and so the controller has it.
 */
export function cityTime(wall: string): string | null {
  const shown = Date.parse(`${wall}Z`);
  if (Number.isNaN(shown)) return null;
  const [before, after] = [offset(shown - DAY_MS), offset(shown + DAY_MS)];
  const right = [before, after].find((one) => offset(shown - one) === one) ?? before;
  return new Date(shown - right).toISOString();
}

/** How far the city's clock is before UTC at a time, in ms. */
function offset(time: number): number {
  const form = new Intl.DateTimeFormat("en-GB", {
    timeZone: zone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
  const parts = new Map(form.formatToParts(time).map(({ type, value }) => [type, Number(value)]));
  const [year, month, day, hour, minute, second] = (
    ["year", "month", "day", "hour", "minute", "second"] as const
  ).map((part) => parts.get(part) ?? 0) as [number, number, number, number, number, number];
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(time / 1000) * 1000;
}
