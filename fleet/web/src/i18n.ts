/** The page's two languages: by the browser's preference at first, then by the switch. */

import { en, type Phrase } from "./phrases.en";
import { zh } from "./phrases.zh";
import type { Place } from "./types";
import { zoneName } from "./zone";

export type Language = "en" | "zh";

const KEY = "skybeat.language";
const listeners: (() => void)[] = [];
let current: Language = initial();

function initial(): Language {
  const kept = localStorage.getItem(KEY);
  if (kept === "en" || kept === "zh") return kept;
  const preferred = navigator.languages.find((tag) => /^(en|zh)\b/i.test(tag)) ?? "en";
  return preferred.toLowerCase().startsWith("zh") ? "zh" : "en";
}

export function language(): Language {
  return current;
}

export function setLanguage(next: Language): void {
  current = next;
  localStorage.setItem(KEY, next);
  for (const listener of listeners) listener();
}

export function onLanguage(listener: () => void): void {
  listeners.push(listener);
}

/** The phrase in the language now chosen, with `{name}` replaced from `values`. */
export function t(phrase: Phrase, values: Record<string, string | number> = {}): string {
  const text = (current === "zh" ? zh : en)[phrase];
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

export function placeName(place: Pick<Place, "name" | "name_zh"> | null, fallback: string): string {
  if (place === null) return fallback;
  return (current === "zh" ? place.name_zh || place.name : place.name || place.name_zh) || fallback;
}

const locale = () => (current === "zh" ? "zh-CN" : "en-GB");

/** Time of day by the city's clock; with the date where it is not today there. */
export function clock(iso: string | number | null): string {
  if (iso === null) return "–";
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return "–";
  const time: Intl.DateTimeFormatOptions = {
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
  };
  const timeZone = zoneName();
  const day = new Intl.DateTimeFormat("en-GB", { timeZone, dateStyle: "short" });
  const today = day.format(date) === day.format(new Date());
  const form: Intl.DateTimeFormatOptions = today ? time : { ...time, day: "2-digit", month: "short" };
  return new Intl.DateTimeFormat(locale(), { ...form, timeZone }).format(date);
}

/** A length of time in words, e.g. "12 s", "3 min", "2 h". */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return t("seconds", { n: seconds });
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return t("minutes", { n: minutes, s: seconds % 60 });
  return t("hours", { n: Math.floor(minutes / 60), m: minutes % 60 });
}

/** A measured value with its unit. */
export function quantity(value: number | null, unit: string): string {
  if (value === null) return "–";
  const shown = unit === "1/m2" ? t("per_m2") : unit;
  return `${value.toFixed(2)} ${shown}`.trim();
}
