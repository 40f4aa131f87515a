/** A new order: what, where, when, how; and what the controller says to it. */

import type { Api } from "../../../api";
import { h, setText } from "../../../dom";
import { clock, language, t } from "../../../i18n";
import type { MapView } from "../../../map/view";
import type { Phrase } from "../../../phrases.en";
import type { Store } from "../../../store";
import { ORDER_KINDS, type OrderKind, type Taken } from "../../../types";
import { Answer, field } from "../asking";
import { MAY_FLY, type Sheet } from "../desk";
import { TargetField } from "./target";
import { TimesField } from "./times";

/** Numbers that only some kinds have; empty is left to the planner. */
const NUMBERS = {
  width_m: { kinds: ["corridor"], min: 1, max: 2000, value: "60", phrase: "order_width" },
  radius_m: { kinds: ["orbit", "search"], min: 10, max: 2000, value: "40", phrase: "order_radius" },
  hold_s: { kinds: ["stare"], min: 10, max: 7200, value: "", phrase: "order_hold" },
  altitude_m: {
    kinds: ["area", "corridor", "route", "orbit", "search", "stare"],
    min: 10,
    max: 500,
    value: "",
    phrase: "order_altitude",
  },
} as const satisfies Record<string, { kinds: readonly OrderKind[]; min: number; max: number; value: string; phrase: Phrase }>;
type NumberName = keyof typeof NUMBERS;
const NAMES = Object.keys(NUMBERS) as NumberName[];

export class OrderSheet implements Sheet {
  readonly name = "order";
  readonly roles = MAY_FLY;
  readonly element: HTMLElement;
  private readonly kinds = new Map<OrderKind, HTMLButtonElement>();
  private readonly target: TargetField;
  private readonly times = new TimesField();
  private readonly numbers: Readonly<Record<NumberName, { words: HTMLElement; input: HTMLInputElement; field: HTMLElement }>>;
  private readonly priorityWords = h("span");
  private readonly priority = h("select", { name: "priority" });
  private readonly detectorsWords = h("b");
  private readonly detectors = h("div", { class: "choices", role: "group" });
  private readonly noteWords = h("span");
  private readonly note = h("input", { type: "text", name: "note", maxlength: "500" });
  private readonly send = h("button", { type: "submit", class: "primary" });
  private readonly file = h("input", { type: "file", accept: ".plan,.kml", hidden: true });
  private readonly load = h("button", { type: "button", onclick: () => this.file.click() });
  private readonly answer = new Answer();
  private readonly result = h("ul", { class: "sheet-list result", hidden: true });
  private kind: OrderKind = "patrol";
  private taken: readonly Taken[] = [];

  constructor(
    private readonly store: Store,
    private readonly api: Api,
    private readonly view: MapView,
  ) {
    this.target = new TargetField(store, view, () => this.update());
    const bar = h("div", { class: "kinds", role: "group" });
    for (const kind of ORDER_KINDS) {
      const button = h("button", { type: "button", onclick: () => this.setKind(kind) });
      this.kinds.set(kind, button);
      bar.append(button);
    }
    const number = (name: NumberName) => {
      const { min, max, value } = NUMBERS[name];
      const words = h("span");
      const input = h("input", { type: "number", name, min: String(min), max: String(max), value });
      return { words, input, field: field(words, input) };
    };
    this.numbers = { width_m: number("width_m"), radius_m: number("radius_m"), hold_s: number("hold_s"), altitude_m: number("altitude_m") };
    for (let n = 0; n <= 9; n++) this.priority.append(h("option", { value: String(n) }));
    this.file.addEventListener("change", () => void this.upload());
    const submit = (event: Event): void => {
      event.preventDefault();
      void this.submit();
    };
    const form = h(
      "form",
      { class: "form", onsubmit: submit },
      bar,
      this.target.element,
      this.times.element,
      h("div", { class: "two" }, ...NAMES.map((name) => this.numbers[name].field), field(this.priorityWords, this.priority)),
      this.detectorsWords,
      this.detectors,
      field(this.noteWords, this.note),
      h("div", { class: "two" }, this.send, this.load),
      this.file,
    );
    this.element = h("div", {}, form, this.answer.element, this.result);
  }

  badge(): string {
    return "";
  }

  opened(): void {
    this.setKind(this.kind);
    this.target.show(true);
  }

  closed(): void {
    this.view.cancelPick();
    this.target.show(false);
  }

  update(): void {
    for (const [kind, button] of this.kinds) {
      setText(button, t(`order_${kind}`));
      button.setAttribute("aria-pressed", String(kind === this.kind));
    }
    this.target.update();
    this.times.update();
    for (const name of NAMES) {
      const { words, input, field: shown } = this.numbers[name];
      setText(words, t(NUMBERS[name].phrase));
      shown.hidden = input.disabled = !this.has(name); // what is hidden and out of bounds would stop the form unseen
    }
    setText(this.priorityWords, t("order_priority"));
    for (const option of this.priority.options) {
      const step = option.value === "0" ? "low" : option.value === "5" ? "middle" : option.value === "9" ? "high" : null;
      setText(option, step === null ? option.value : `${option.value} · ${t(`priority_${step}`)}`);
    }
    setText(this.detectorsWords, t("order_detectors"));
    for (const label of this.detectors.querySelectorAll("label")) {
      const [box, words] = label.children;
      const kind = (box as HTMLInputElement).value;
      if (words) setText(words, kind === "water" || kind === "crowd" ? t(`kind_${kind}`) : kind);
    }
    setText(this.noteWords, t("order_note"));
    setText(this.send, t("order_send"));
    setText(this.load, t("order_import"));
    this.send.disabled = this.target.value() === null;
  }

  private has(name: NumberName): boolean {
    const { kinds } = NUMBERS[name];
    if (!(kinds as readonly OrderKind[]).includes(this.kind)) return false;
    // a stare at a site has the city file's; a search of a polygon needs no radius
    if (this.kind === "stare" || (this.kind === "search" && name === "radius_m")) return this.target.shape === "point";
    return true;
  }

  private setKind(kind: OrderKind): void {
    this.kind = kind;
    this.target.setKind(kind);
    const sites = (this.store.city?.features ?? []).filter(({ properties }) => properties.layer === "site");
    const known = [...new Set(sites.map(({ properties }) => properties.kind ?? ""))].filter(Boolean).sort();
    this.detectors.replaceChildren(
      ...known.map((name) => h("label", { class: "choice" }, h("input", { type: "checkbox", value: name }), h("span"))),
    );
    this.detectors.hidden = this.detectorsWords.hidden = known.length === 0;
    this.update();
  }

  private async submit(): Promise<void> {
    const target = this.target.value();
    if (!target) return;
    const checked = this.detectors.querySelectorAll<HTMLInputElement>("input:checked");
    const body: Record<string, unknown> = {
      kind: this.kind,
      ...target,
      ...this.times.value(),
      priority: Number(this.priority.value),
      note: this.note.value.trim(),
    };
    if (checked.length > 0) body["detectors"] = [...checked].map(({ value }) => value);
    for (const name of NAMES) {
      const { value } = this.numbers[name].input;
      if (this.has(name) && value !== "") body[name] = Number(value);
    }
    await this.take(async () => [await this.api.order(body)], "order");
  }

  /** Reads a file and shows what is in it; it is ordered by a press of its own. */
  private async upload(): Promise<void> {
    const [file] = this.file.files ?? [];
    this.file.value = "";
    if (!file) return;
    const imported = await this.answer.of(t("sending"), () => this.api.importOrders(file, false));
    if (!imported) return;
    const drafts = imported.drafts.map(({ kind, note }, number) => {
      const refused = imported.rejected.find((one) => one.number === number);
      const name = `${t(`order_${kind}`)} ${note}`.trim();
      return h("li", { class: refused ? "" : "done" }, refused ? `${name}: ${refused.reason}` : name);
    });
    const all = h("button", { type: "button", class: "primary", onclick: () => void this.orderAll(file) });
    setText(all, t("order_import_all", { n: imported.drafts.length }));
    all.disabled = imported.rejected.length > 0 || imported.drafts.length === 0;
    this.taken = [];
    this.result.hidden = false;
    this.result.replaceChildren(h("li", {}, h("b", {}, file.name)), ...drafts, h("li", {}, all));
  }

  private async orderAll(file: File): Promise<void> {
    await this.take(async () => (await this.api.importOrders(file, true)).taken, "file");
  }

  private async take(work: () => Promise<Taken[]>, name: string): Promise<void> {
    const asked = () => {
      this.taken = [];
      this.tell();
      return work();
    };
    const taken = await this.answer.of(t("order_trying"), asked, name);
    if (!taken) return;
    this.taken = taken;
    for (const order of taken) this.store.setOrder(order);
    this.target.clear();
    this.note.value = "";
    this.update();
    this.tell();
  }

  /** Which drones will fly it and when, or what it waits for. */
  private tell(): void {
    const { taken } = this;
    this.result.hidden = taken.length === 0;
    if (taken.length === 0) return;
    const flights = taken.flatMap((order) => order.flights ?? []);
    const waits = taken.flatMap((order) => order.waits ?? []);
    const turns = taken.map((order) => order.drones_needed ?? 0).filter((n) => n > 1);
    this.result.replaceChildren(
      h("li", {}, h("b", {}, t("order_taken"))),
      ...turns.map((n) => h("li", {}, t("order_turns", { n }))),
      ...flights.map(({ drone, start, end }) =>
        h("li", { class: "done" }, t("order_flight", { drone, start: clock(start), end: clock(end) })),
      ),
      ...waits.map(({ target, constraint, reason }) => {
        const why = language() === "en" ? reason : t(`limit_${constraint}`);
        return h("li", {}, t("order_waits", { target: target || t("order_whole"), reason: why }));
      }),
    );
  }
}
