/** Airspace that is closed for a time: drawn, listed, ended. */

import type { Api } from "../../api";
import { h, KeyedList, setText, type Row } from "../../dom";
import { clock, t } from "../../i18n";
import { geometryOf, type Drawn } from "../../map/drawing";
import type { MapView } from "../../map/view";
import type { Store } from "../../store";
import type { Closure } from "../../types";
import { Answer, field } from "./asking";
import { MAY_FLY, may, type Sheet } from "./desk";

const MINUTES = [15, 30, 60, 120, 240, 720] as const;
const HIGHEST_M = 10_000;

export class Closures implements Sheet {
  readonly name = "closures";
  readonly roles = MAY_FLY;
  readonly element: HTMLElement;
  private readonly polygon = h("button", { type: "button", onclick: () => void this.draw("polygon") });
  private readonly circle = h("button", { type: "button", onclick: () => void this.draw("circle") });
  private readonly drawnWords = h("p", { class: "dim" });
  private readonly lastsWords = h("span");
  private readonly lasts = h("select", { name: "lasts" });
  private readonly floorWords = h("span");
  private readonly floor = h("input", { type: "number", name: "floor", min: "0", max: String(HIGHEST_M), value: "0" });
  private readonly ceilingWords = h("span");
  private readonly ceiling = h("input", { type: "number", name: "ceiling", min: "1", max: String(HIGHEST_M), value: "150" });
  private readonly reasonWords = h("span");
  private readonly reason = h("input", { type: "text", name: "reason", maxlength: "500", required: true });
  private readonly send = h("button", { type: "submit", class: "primary" });
  private readonly answer = new Answer();
  private readonly none = h("p", { class: "dim" });
  private readonly list: KeyedList<Closure>;
  private drawn: Drawn | null = null;

  constructor(
    private readonly store: Store,
    private readonly api: Api,
    private readonly view: MapView,
  ) {
    for (const minutes of MINUTES) this.lasts.append(h("option", { value: String(minutes) }));
    this.lasts.value = "60";
    const submit = (event: Event): void => {
      event.preventDefault();
      void this.submit();
    };
    const form = h(
      "form",
      { class: "form", onsubmit: submit },
      h("div", { class: "two" }, this.polygon, this.circle),
      this.drawnWords,
      h("div", { class: "two" }, field(this.floorWords, this.floor), field(this.ceilingWords, this.ceiling)),
      field(this.lastsWords, this.lasts),
      field(this.reasonWords, this.reason),
      this.send,
    );
    const items = h("ul", { class: "sheet-list closures" });
    this.list = new KeyedList(items, ({ id }) => id, (closure) => this.row(closure));
    this.element = h("div", {}, form, this.answer.element, this.none, items);
  }

  badge(): string {
    return this.store.closures.size > 0 ? String(this.store.closures.size) : "";
  }

  opened(): void {
    this.view.put(this.drawn);
    void this.ask();
  }

  closed(): void {
    this.view.cancelPick();
    this.view.put(null);
  }

  update(): void {
    setText(this.polygon, t("draw_a_polygon"));
    setText(this.circle, t("draw_a_circle"));
    setText(this.drawnWords, this.drawn ? t("drawn", { what: wordsOf(this.drawn) }) : t("drawn_none"));
    setText(this.floorWords, t("floor_m"));
    setText(this.ceilingWords, t("ceiling_m"));
    setText(this.lastsWords, t("closed_for"));
    for (const option of this.lasts.options) setText(option, lasting(Number(option.value)));
    setText(this.reasonWords, t("reason"));
    setText(this.send, t("close_airspace"));
    this.send.disabled = this.drawn === null;
    const closures = [...this.store.closures.values()];
    this.list.update(closures);
    setText(this.none, t("closures_none"));
    this.none.hidden = closures.length > 0;
  }

  private async draw(shape: "polygon" | "circle"): Promise<void> {
    this.drawn = await this.view.draw(shape);
    this.update();
    if (this.drawn) this.reason.focus();
  }

  private async ask(): Promise<void> {
    const closures = await this.answer.of("", () => this.api.closures());
    if (closures) this.store.setClosures(closures);
  }

  private async submit(): Promise<void> {
    const { drawn } = this;
    if (!drawn) return;
    const until = new Date(this.store.now() + Number(this.lasts.value) * 60_000).toISOString();
    const body = {
      geometry: geometryOf(drawn),
      ...(drawn.radius_m === null ? {} : { radius_m: drawn.radius_m }),
      floor_m: Number(this.floor.value),
      ceiling_m: Number(this.ceiling.value),
      until,
      reason: this.reason.value.trim(),
    };
    const made = await this.answer.of(t("sending"), () => this.api.close(body), "close");
    if (!made) return;
    this.drawn = null;
    this.reason.value = "";
    this.view.put(null);
    await this.ask();
    this.answer.say(t("closed_now"));
  }

  private row(first: Closure): Row<Closure> {
    const name = h("b");
    const words = h("span", { class: "dim" });
    const end = h("button", { type: "button", onclick: () => void this.end(first.id) });
    const element = h("li", {}, h("div", {}, name, words), end);
    element.dataset["id"] = first.id;
    const update = (closure: Closure): void => {
      const { zone } = closure;
      setText(name, zone.name || closure.reason);
      const until = closure.until === null ? t("for_ever") : t("until", { time: clock(closure.until) });
      const heights = `${Math.round(zone.floor_m)}–${Math.round(zone.ceiling_m)} m`;
      setText(words, [until, heights, closure.created_by, zone.name ? closure.reason : ""].filter(Boolean).join(" · "));
      setText(end, t("open_again"));
      end.hidden = !may(this.store, MAY_FLY);
    };
    return { element, update };
  }

  private async end(id: string): Promise<void> {
    const ended = await this.answer.of(t("sending"), async () => {
      await this.api.endClosure(id);
      return true;
    });
    if (ended) await this.ask();
  }
}

function lasting(minutes: number): string {
  return minutes < 60 ? t("n_minutes", { n: minutes }) : t("n_hours", { n: minutes / 60 });
}

function wordsOf(drawn: Drawn): string {
  return drawn.radius_m === null ? t("corners", { n: drawn.points.length }) : t("radius", { n: drawn.radius_m });
}
