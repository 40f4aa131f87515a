/** What an order is flown over: beats, sites, or a shape that is drawn on the map. */

import { h, setText } from "../../../dom";
import { placeName, t } from "../../../i18n";
import { geometryOf, type Drawn, type Shape } from "../../../map/drawing";
import type { MapView } from "../../../map/view";
import type { Store } from "../../../store";
import type { OrderKind, Place } from "../../../types";

/** What may be drawn for a kind; a patrol names beats, and a stare may name sites. */
export const SHAPES: Readonly<Record<OrderKind, readonly Shape[]>> = {
  patrol: [],
  stare: ["point"],
  area: ["polygon"],
  corridor: ["line"],
  route: ["line"],
  orbit: ["point"],
  search: ["polygon", "point"],
};
const NAMED: Partial<Record<OrderKind, "beat" | "site">> = { patrol: "beat", stare: "site" };

export interface Target {
  beats?: string[];
  sites?: string[];
  geometry?: GeoJSON.Geometry;
}

export class TargetField {
  readonly element: HTMLElement;
  private readonly named = h("div", { class: "choices", role: "group" });
  private readonly buttons = h("div", { class: "two" });
  private readonly words = h("p", { class: "dim" });
  private readonly boxes = new Map<string, { box: HTMLInputElement; words: HTMLElement; place: Place }>();
  private kind: OrderKind = "patrol";
  private drawn: Drawn | null = null;

  constructor(
    private readonly store: Store,
    private readonly view: MapView,
    private readonly changed: () => void,
  ) {
    this.element = h("div", { class: "form" }, this.named, this.buttons, this.words);
  }

  setKind(kind: OrderKind): void {
    this.kind = kind;
    const shape = this.drawn?.shape;
    if (shape && !SHAPES[kind].includes(shape)) this.put(null);
    const layer = NAMED[kind];
    this.boxes.clear();
    for (const { properties: place } of this.store.city?.features ?? []) {
      if (place.layer !== layer) continue;
      const box = h("input", { type: "checkbox", value: place.id, onchange: () => this.choose() });
      this.boxes.set(place.id, { box, words: h("span"), place });
    }
    const choices = [...this.boxes.values()];
    this.named.replaceChildren(...choices.map(({ box, words }) => h("label", { class: "choice" }, box, words)));
    this.buttons.replaceChildren(
      ...SHAPES[kind].map((name) => {
        const button = h("button", { type: "button", onclick: () => void this.draw(name) });
        button.dataset["shape"] = name;
        return button;
      }),
    );
    this.update();
  }

  update(): void {
    for (const { words, place } of this.boxes.values()) setText(words, placeName(place, place.id));
    for (const button of this.buttons.querySelectorAll("button")) {
      setText(button, t(`draw_a_${button.dataset["shape"] as Shape}`));
    }
    this.words.hidden = SHAPES[this.kind].length === 0;
    const what = this.drawn ? t("corners", { n: this.drawn.points.length }) : "";
    setText(this.words, this.drawn ? t("drawn", { what }) : t("drawn_none"));
  }

  /** Shows what is drawn while the form is open. */
  show(on: boolean): void {
    this.view.put(on ? this.drawn : null);
  }

  clear(): void {
    this.put(null);
    for (const { box } of this.boxes.values()) box.checked = false;
  }

  get shape(): Shape | null {
    return this.drawn?.shape ?? null;
  }

  /** Null where nothing is chosen yet. */
  value(): Target | null {
    if (this.drawn) return { geometry: geometryOf(this.drawn) };
    const chosen = [...this.boxes.values()].filter(({ box }) => box.checked).map(({ place }) => place.id);
    if (chosen.length === 0) return null;
    return this.kind === "patrol" ? { beats: chosen } : { sites: chosen };
  }

  /** What was drawn before is no longer meant: an order has one place. */
  private choose(): void {
    this.put(null);
    this.changed();
  }

  private async draw(shape: Shape): Promise<void> {
    const drawn = await this.view.draw(shape);
    if (drawn) this.clear();
    this.put(drawn);
    this.changed();
  }

  private put(drawn: Drawn | null): void {
    this.drawn = drawn;
    this.view.put(drawn);
    this.update();
  }
}
