/** Rows of the lists of sites, drones and docks. */

import { h, setText, type Row } from "../dom";
import { clock, duration, placeName, quantity, t } from "../i18n";
import { stateColor } from "../map/markers";
import type { Kind, Store } from "../store";
import type { Dock, Drone, Site } from "../types";

/** Telemetry older than this is said to be. */
const TELEMETRY_OLD_MS = 6_000;

/** A row that names a thing, its state as a chip, a line of figures and a line of words. */
export class ThingRow {
  readonly element: HTMLElement;
  readonly name = h("span", { class: "name" });
  readonly chip = h("span", { class: "chip" });
  readonly figures = h("span", { class: "figures" });
  readonly words = h("span", { class: "words" });

  constructor(
    private readonly store: Store,
    private readonly kind: Kind | null,
    private readonly id: string,
    extra: HTMLElement | null = null,
  ) {
    const inside = [this.name, this.chip, this.figures, extra, this.words];
    const body =
      kind === null
        ? h("div", { class: "thing" }, ...inside)
        : h("button", { type: "button", class: "thing", onclick: () => store.select({ kind, id }) }, ...inside);
    this.element = h("li", {}, body);
    this.element.dataset["id"] = id;
  }

  finish(figures: readonly string[], words: string): void {
    setText(this.figures, figures.join(" · "));
    setText(this.words, words);
    this.words.hidden = words === "";
    const { selection } = this.store;
    const chosen = selection?.kind === this.kind && selection?.id === this.id;
    this.element.classList.toggle("selected", chosen);
  }
}

export class SiteRow implements Row<Site> {
  private readonly row: ThingRow;
  readonly element: HTMLElement;

  constructor(
    site: Site,
    private readonly store: Store,
  ) {
    this.row = new ThingRow(store, "site", site.id);
    this.element = this.row.element;
  }

  update(site: Site): void {
    const { row } = this;
    const { dataset } = this.element;
    dataset["state"] = site.state;
    dataset["level"] = site.level;
    setText(row.name, placeName(this.store.place("site", site.id), site.id));
    const value = quantity(site.value, site.unit);
    const watching = site.state === "watching" && site.value !== null;
    setText(row.chip, watching ? value : t(`watch_${site.state}`));
    const figures: string[] = [];
    if (watching) figures.push(t("watch_watching"), t(`level_${site.level}`));
    else if (site.value !== null) figures.push(t("last_value", { value }));
    if (site.confidence !== null) {
      figures.push(`${t("confidence")} ${Math.round(site.confidence * 100)}%`);
    }
    if (site.fps !== null) figures.push(`${site.fps.toFixed(1)} fps`);
    if (site.frame_at !== null) figures.push(`${t("frame")} ${clock(site.frame_at)}`);
    row.finish(figures, site.reason);
  }
}

export class DroneRow implements Row<Drone> {
  private readonly row: ThingRow;
  private readonly bar = h("span", { class: "bar-fill" });
  readonly element: HTMLElement;

  constructor(
    drone: Drone,
    private readonly store: Store,
  ) {
    this.row = new ThingRow(store, "drone", drone.id, h("span", { class: "bar" }, this.bar));
    this.element = this.row.element;
  }

  update(drone: Drone): void {
    const { row, store } = this;
    this.element.dataset["state"] = drone.state;
    setText(row.name, drone.id);
    setText(row.chip, t(`drone_${drone.state}`));
    row.chip.style.setProperty("--chip", stateColor(drone.state));
    const battery = drone.telemetry?.battery_percent ?? null;
    this.bar.style.width = `${Math.max(0, Math.min(100, battery ?? 0))}%`;
    this.bar.dataset["low"] = String(battery !== null && battery < 30);
    const words = [...drone.warnings.map((warning) => `⚠ ${warning}`), drone.reason];
    if (drone.holder !== null) words.unshift(t("control_of", { who: drone.holder }));
    if (drone.site !== null) {
      words.unshift(`${t("watches")}: ${placeName(store.place("site", drone.site), drone.site)}`);
    }
    const age = this.age(drone);
    if (age !== "") words.push(age);
    row.finish(figuresOf(drone, store), words.filter(Boolean).join(" · "));
  }

  private age(drone: Drone): string {
    if (!drone.telemetry) return t("telemetry_none");
    const age = this.store.now() - Date.parse(drone.telemetry.at);
    return age > TELEMETRY_OLD_MS ? t("telemetry_old", { age: duration(age) }) : "";
  }
}

function figuresOf(drone: Drone, store: Store): string[] {
  const { telemetry } = drone;
  const dock = placeName(store.place("dock", drone.dock), drone.dock);
  if (!telemetry) return [dock];
  const figures: string[] = [];
  if (telemetry.battery_percent !== null) figures.push(`${Math.round(telemetry.battery_percent)}%`);
  if (telemetry.in_air) {
    const speed = Math.hypot(telemetry.velocity_north_m_s, telemetry.velocity_east_m_s);
    if (telemetry.altitude_m !== null) figures.push(`${Math.round(telemetry.altitude_m)} m`);
    figures.push(`${speed.toFixed(1)} m/s`);
    if (telemetry.heading_deg !== null) {
      figures.push(`${String(Math.round(telemetry.heading_deg) % 360).padStart(3, "0")}°`);
    }
    figures.push(telemetry.mode);
  } else figures.push(dock);
  return figures;
}

export class DockRow implements Row<Dock> {
  private readonly row: ThingRow;
  readonly element: HTMLElement;

  constructor(
    dock: Dock,
    private readonly store: Store,
  ) {
    this.row = new ThingRow(store, "dock", dock.id);
    this.element = this.row.element;
  }

  update(dock: Dock): void {
    const { row } = this;
    this.element.dataset["door"] = dock.door;
    this.element.dataset["online"] = String(dock.online);
    setText(row.name, placeName(this.store.place("dock", dock.id), dock.id));
    setText(row.chip, dock.online ? t(`door_${dock.door}`) : t("offline"));
    const inside = dock.occupants.map((drone) => {
      const percent = dock.charging[drone];
      return percent === undefined ? drone : `${drone} ⚡${Math.round(percent)}%`;
    });
    const figures = [`${t("inside")}: ${inside.join(", ") || t("nobody")}`];
    if (dock.wind_m_s !== null) figures.push(`${t("wind")} ${dock.wind_m_s.toFixed(1)} m/s`);
    if (dock.rain_mm_h !== null && dock.rain_mm_h > 0) {
      figures.push(`${t("rain")} ${dock.rain_mm_h.toFixed(1)} mm/h`);
    }
    if (dock.temperature_c !== null) figures.push(`${dock.temperature_c.toFixed(0)} °C`);
    const words = [dock.clear === false ? t("pad_blocked") : "", dock.reason];
    row.finish(figures, words.filter(Boolean).join(" · "));
  }
}
