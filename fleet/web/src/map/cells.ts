/** The cells' ages on the map: repaints only the cells whose class has changed, and tells of one. */

import type { Map as GlMap, MapLayerMouseEvent } from "maplibre-gl";
import { h, setText } from "../dom";
import { clock, duration, placeName, t } from "../i18n";
import type { Store } from "../store";
import type { Cell, CityMap } from "../types";
import { ageOf, AGES, AGE_COLORS, type Age } from "./ages";

/** How often ages are looked at though nothing has come. */
const GROW_MS = 5_000;
const BESIDE_PX = 14;

export class CellAges {
  /** What the colours mean, with how many cells there are of each. */
  readonly legend = h("div", { class: "age-legend", hidden: true });
  readonly tip = h("div", { class: "map-tip", role: "status", hidden: true });
  private readonly painted = new Map<string, Age>();
  private readonly title = h("b");
  private readonly lines = new Map<Age, { words: HTMLElement; count: HTMLElement }>();
  private on = true;
  private pointed: string | null = null;

  constructor(
    private readonly map: GlMap,
    private readonly store: Store,
  ) {
    const list = h("ul");
    for (const age of AGES) {
      if (age === "none") continue;
      const swatch = h("i", { class: `age age-${age}` });
      swatch.style.setProperty("--age", AGE_COLORS[age]);
      const line = { words: h("span"), count: h("span", { class: "count" }) };
      this.lines.set(age, line);
      list.append(h("li", {}, swatch, line.words, line.count));
    }
    this.legend.append(this.title, list);
    const point = (event: MapLayerMouseEvent) => this.point(event);
    map.on("mousemove", "cell-age", point);
    map.on("click", "cell-age", point);
    map.on("mouseleave", "cell-age", () => this.leave());
    map.on("movestart", () => this.leave());
    setInterval(() => this.update(), GROW_MS);
  }

  /** Forgets what is painted: the source has been filled anew. */
  begin(): void {
    this.painted.clear();
    this.update();
  }

  show(on: boolean): void {
    this.on = on;
    if (!on) this.leave();
    this.update();
  }

  update(): void {
    this.legend.hidden = !this.on || this.store.cells.size === 0;
    if (!this.on) return;
    const now = this.store.now();
    const counts = new Map<Age, number>();
    for (const cell of this.store.cells.values()) {
      const age = ageOf(cell, now);
      counts.set(age, (counts.get(age) ?? 0) + 1);
      if (this.painted.get(cell.id) === age) continue;
      this.painted.set(cell.id, age);
      this.map.setFeatureState({ source: "cells", id: cell.id }, { age });
    }
    setText(this.title, t("ages"));
    for (const [age, { words, count }] of this.lines) {
      setText(words, t(`age_${age}`));
      setText(count, String(counts.get(age) ?? 0));
    }
    if (this.pointed !== null) this.tell(this.pointed);
  }

  private point(event: MapLayerMouseEvent): void {
    const id = event.features?.[0]?.id;
    const picking = this.map.getContainer().classList.contains("picking");
    if (picking || typeof id !== "string") return this.leave();
    this.pointed = id;
    this.tell(id);
    const { clientWidth: width, clientHeight: height } = this.map.getContainer();
    const { x, y } = event.point;
    this.tip.style.left = `${Math.min(x + BESIDE_PX, width - this.tip.offsetWidth - 4)}px`;
    this.tip.style.top = `${Math.min(y + BESIDE_PX, height - this.tip.offsetHeight - 4)}px`;
  }

  private tell(id: string): void {
    const cell = this.store.cells.get(id);
    if (!cell) return this.leave();
    const [beat = ""] = id.split("/");
    const name = h("b", {}, `${placeName(this.store.place("beat", beat), beat)} · ${id}`);
    const lines = wordsOf(cell, this.store.now()).map((words) => h("span", {}, words));
    this.tip.replaceChildren(name, ...lines);
    this.tip.dataset["cell"] = id;
    this.tip.hidden = false;
  }

  private leave(): void {
    this.pointed = null;
    this.tip.hidden = true;
  }
}

function wordsOf(cell: Cell, now: number): string[] {
  const owed = cell.owed_s === null ? t("cell_none") : t("cell_owed", { owed: duration(cell.owed_s * 1000) });
  if (cell.seen_at === null) return [t("age_never"), owed];
  const age = duration(now - Date.parse(cell.seen_at));
  return [t("cell_unseen", { age, time: clock(cell.seen_at) }), owed, t(`age_${ageOf(cell, now)}`)];
}

/** The cells alone: their source names features by id, which repeats among the other layers. */
export function cellsOf(city: CityMap): GeoJSON.FeatureCollection {
  const features = city.features.filter(({ properties }) => properties.layer === "cell");
  return { type: "FeatureCollection", features };
}
