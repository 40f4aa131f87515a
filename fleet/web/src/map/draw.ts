/** Drawing on the map by clicks: a point, a line, a polygon, a circle. */

import type { GeoJSONSource, Map as GlMap, MapMouseEvent } from "maplibre-gl";
import { h, setText } from "../dom";
import { t } from "../i18n";
import type { Position } from "../types";
import { distance_m, shapeOf, type Drawn, type Shape } from "./drawing";
import { EMPTY } from "./style";

const FEWEST: Readonly<Record<Shape, number>> = { point: 1, line: 2, polygon: 3, circle: 2 };

export class Draw {
  /** What to do next, and large buttons, for one hand. */
  readonly bar: HTMLElement;
  private readonly words = h("span");
  private readonly done: HTMLButtonElement;
  private readonly undo: HTMLButtonElement;
  private readonly cancel: HTMLButtonElement;
  private shape: Shape = "point";
  private points: Position[] = [];
  private finished = false;

  constructor(
    private readonly map: GlMap,
    private readonly pick: () => Promise<Position | null>,
    private readonly endPick: () => void,
  ) {
    this.done = h("button", { type: "button", class: "primary", onclick: () => this.finish() });
    this.undo = h("button", { type: "button", onclick: () => this.back() });
    this.cancel = h("button", { type: "button", onclick: () => endPick() });
    this.bar = h("div", { class: "draw-bar", role: "status", hidden: true }, this.words, this.done, this.undo, this.cancel);
  }

  /** Waits for a shape; null where it was given up. */
  async start(shape: Shape): Promise<Drawn | null> {
    Object.assign(this, { shape, points: [], finished: false });
    this.say();
    const listening = new AbortController();
    const onKey = (event: KeyboardEvent) => this.onKey(event);
    window.addEventListener("keydown", onKey, { signal: listening.signal });
    const onMove = ({ lngLat }: MapMouseEvent) => this.show([lngLat.lng, lngLat.lat]);
    this.map.on("mousemove", onMove);
    this.map.doubleClickZoom.disable();
    try {
      while (!this.finished) {
        const place = await this.pick();
        if (place === null) break;
        this.add(place);
      }
    } finally {
      listening.abort();
      this.map.off("mousemove", onMove);
      this.map.doubleClickZoom.enable();
      this.bar.hidden = true;
    }
    if (!this.finished) {
      this.put(null);
      return null;
    }
    return this.drawn();
  }

  /** Shows a shape, or none any more. */
  put(drawn: Drawn | null): void {
    void this.map.getSource<GeoJSONSource>("drawing")?.setData(drawn ? shapeOf(drawn) : EMPTY);
  }

  private add(place: Position): void {
    const last = this.points.at(-1);
    const again = last !== undefined && this.near(last, place);
    const first = this.points[0];
    const closes = this.shape === "polygon" && this.points.length >= 3 && first !== undefined && this.near(first, place);
    if (again || closes) {
      if (this.enough) this.finished = true;
    } else this.points.push(place);
    if (this.shape === "point" || (this.shape === "circle" && this.enough)) this.finished = true;
    this.say();
    this.show(null);
  }

  private near(a: Position, b: Position): boolean {
    const [p, q] = [this.map.project(a), this.map.project(b)];
    return Math.hypot(p.x - q.x, p.y - q.y) < 8;
  }

  private get enough(): boolean {
    return this.points.length >= FEWEST[this.shape];
  }

  private finish(): void {
    if (!this.enough) return;
    this.finished = true;
    this.endPick();
  }

  private back(): void {
    this.points.pop();
    this.say();
    this.show(null);
  }

  private onKey(event: KeyboardEvent): void {
    if (event.key === "Enter") this.finish();
    else if (event.key === "Backspace") this.back();
    else return;
    event.preventDefault();
  }

  private say(): void {
    this.bar.hidden = false;
    setText(this.words, t(`draw_${this.shape}`));
    setText(this.done, t("draw_done"));
    setText(this.undo, t("draw_undo"));
    setText(this.cancel, t("cancel"));
    const one = this.shape === "point";
    this.done.hidden = one || this.shape === "circle";
    this.undo.hidden = one;
    this.done.disabled = !this.enough;
    this.undo.disabled = this.points.length === 0;
  }

  private show(pointer: Position | null): void {
    if (this.finished) return this.put(this.drawn());
    const points = pointer ? [...this.points, pointer] : this.points;
    this.put(points.length > 0 ? this.drawn(points) : null);
  }

  private drawn(points = this.points): Drawn {
    const { shape } = this;
    const [a, b] = points;
    const radius_m = shape === "circle" && a && b ? Math.max(5, Math.round(distance_m(a, b))) : null;
    return { shape, points: shape === "circle" ? points.slice(0, 1) : [...points], radius_m };
  }
}
