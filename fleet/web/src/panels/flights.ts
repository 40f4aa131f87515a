/** Rows of the list of recent flights: the track on the map, and the files to take away. */

import { ApiError, type Api } from "../api";
import { h, setText, type Row } from "../dom";
import { clock, placeName, t } from "../i18n";
import type { Store } from "../store";
import type { Flight } from "../types";

const FILES = [
  ["track.geojson", "GeoJSON", "geojson"],
  ["track.csv", "CSV", "csv"],
  ["tlog", "tlog", "tlog"],
] as const;

export class FlightRow implements Row<Flight> {
  readonly element: HTMLElement;
  private flight: Flight;
  private readonly name = h("span", { class: "name" });
  private readonly chip = h("span", { class: "chip" });
  private readonly figures = h("span", { class: "figures" });
  private readonly problem = h("span", { class: "words error", role: "alert" });
  private readonly show = h("button", { type: "button", onclick: () => void this.toggle() });
  private readonly tlog: HTMLElement;

  constructor(
    flight: Flight,
    private readonly store: Store,
    private readonly api: Api,
  ) {
    this.flight = flight;
    const files = FILES.map(([file, label, kind]) =>
      h("button", { type: "button", onclick: () => void this.download(file, kind) }, label),
    );
    this.tlog = files[2] ?? this.show;
    const buttons = h("span", { class: "files" }, this.show, ...files);
    const body = h("div", { class: "thing" }, this.name, this.chip, this.figures, buttons, this.problem);
    this.element = h("li", {}, body);
    this.element.dataset["id"] = flight.id;
  }

  update(flight: Flight): void {
    this.flight = flight;
    const { landed_at, landed_dock } = flight;
    setText(this.name, `${flight.drone} · ${clock(flight.took_off_at)}`);
    const lasted = Date.parse(landed_at ?? "") - Date.parse(flight.took_off_at);
    const minutes = (lasted / 60_000).toFixed(1);
    setText(this.chip, landed_at === null ? t("flight_in_air") : t("flight_lasted", { n: minutes }));
    const figures = [`${(flight.distance_m / 1000).toFixed(2)} km`, `↑ ${Math.round(flight.highest_m)} m`];
    const { battery_start_percent: before, battery_end_percent: after } = flight;
    if (before !== null && after !== null) figures.push(`${Math.round(before)} → ${Math.round(after)}%`);
    if (landed_at !== null) {
      const dock = landed_dock && placeName(this.store.place("dock", landed_dock), landed_dock);
      figures.push(dock ? t("flight_landed", { dock }) : t("flight_landed_away"));
    }
    setText(this.figures, figures.join(" · "));
    setText(this.show, t(this.shown ? "flight_hide" : "flight_show"));
    this.element.classList.toggle("selected", this.shown);
    this.tlog.hidden = flight.tlog === null;
  }

  private get shown(): boolean {
    return this.store.flown?.flight === this.flight.id;
  }

  private async toggle(): Promise<void> {
    if (this.shown) return this.store.setFlown(null);
    const { id } = this.flight;
    await this.tried(async () => this.store.setFlown({ flight: id, track: await this.api.track(id) }));
  }

  /** Takes a file with the token, which a plain link would not carry. */
  private async download(file: (typeof FILES)[number][0], kind: string): Promise<void> {
    const { id } = this.flight;
    await this.tried(async () => {
      const url = URL.createObjectURL(await this.api.file(id, file));
      h("a", { href: url, download: `flight-${id}.${kind}` }).click();
      setTimeout(() => URL.revokeObjectURL(url), 60_000);
    });
  }

  private async tried(work: () => Promise<void>): Promise<void> {
    setText(this.problem, "");
    try {
      await work();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      setText(this.problem, t("flight_failed", { detail: error.message }));
    }
  }
}
