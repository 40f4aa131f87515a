/** The plan as a Gantt chart: a line a drone, grouped by dock; only the lines in view exist. */

import { h, setText } from "../../dom";
import { clock, placeName, t } from "../../i18n";
import type { Store, Topic } from "../../store";
import { PLAN_KINDS, type PlanItem } from "../../types";
import { keyOf, LineView, type Line } from "./lines";
import { tipOf } from "./tip";
import { SPANS, TimeWindow, type Span } from "./window";

/** Height of a line, as in the style. */
const LINE_PX = 18;
const MARGIN_LINES = 4;
const TICK_MS = 1_000;
const KEY = "skybeat.plan";
const TOPICS: readonly Topic[] = ["plan", "drones", "docks", "city", "selection"];
const NO_ITEMS: readonly PlanItem[] = [];

export class Gantt {
  readonly element: HTMLElement;
  readonly tip = h("div", { class: "plan-tip", role: "tooltip", hidden: true });
  private readonly title = h("h2");
  private readonly made = h("span", { class: "dim" });
  private readonly kinds = new Map<string, HTMLElement>();
  private readonly spans = new Map<Span, HTMLButtonElement>();
  private readonly close: HTMLButtonElement;
  private readonly axis = h("div", { class: "plan-axis" });
  private readonly ticks = h("div", { class: "plan-lane" });
  private readonly past = h("div", { class: "plan-past" });
  private readonly now = h("div", { class: "plan-now" });
  private readonly space: HTMLElement;
  private readonly scroll: HTMLElement;
  private readonly views = new Map<string, LineView>();
  private readonly window: TimeWindow;
  private lines: Line[] = [];
  private edition = 0;
  private frame: number | null = null;
  private stale = true;
  /** The line and bar that the keyboard is at. */
  private at: { drone: string; key: string | null } | null = null;

  constructor(
    private readonly store: Store,
    private readonly onShow: () => void = () => undefined,
  ) {
    const kept = SPANS.find(({ name }) => name === localStorage.getItem(`${KEY}.span`));
    this.window = new TimeWindow(kept ?? SPANS[1] ?? { name: "span_3h", lasts: 1, past: 0, tick: 1 });
    this.close = h("button", { type: "button", class: "quiet", onclick: () => this.show(false) });
    const legend = h("span", { class: "plan-legend" });
    for (const kind of PLAN_KINDS) {
      const words = h("span", { class: "plan-kind" });
      words.dataset["kind"] = kind;
      this.kinds.set(kind, words);
      legend.append(words);
    }
    const spans = h("span", { class: "plan-spans", role: "group" });
    for (const span of SPANS) {
      const button = h("button", { type: "button", onclick: () => this.setSpan(span) });
      this.spans.set(span, button);
      spans.append(button);
    }
    this.space = h("div", { class: "plan-space", role: "grid", tabindex: "0", onkeydown: (e) => this.onKey(e as KeyboardEvent) });
    this.axis.append(h("div", { class: "plan-name" }), this.ticks);
    const over = h("div", { class: "plan-over" }, this.past, this.now);
    this.scroll = h("div", { class: "plan-scroll" }, this.axis, h("div", { class: "plan-body" }, over, this.space));
    this.element = h(
      "section",
      { class: "plan", hidden: true },
      h("header", {}, this.title, this.made, legend, spans, this.close),
      this.scroll,
      this.tip,
    );
    this.scroll.addEventListener("scroll", () => this.schedule());
    this.space.addEventListener("pointermove", (event) => this.hover(event));
    this.space.addEventListener("pointerleave", () => (this.tip.hidden = true));
    this.space.addEventListener("click", (event) => this.choose(event.target as Element));
    new ResizeObserver(() => this.schedule()).observe(this.scroll);
    store.subscribe((topics) => {
      const { selection } = store;
      if (this.shown && topics.has("selection") && selection?.kind === "drone") this.scrollTo(selection.id);
      if (TOPICS.some((topic) => topics.has(topic))) this.refresh(topics.has("plan") || topics.has("city"));
    });
    setInterval(() => this.tick(), TICK_MS);
    if (localStorage.getItem(KEY) === "open") this.show(true);
  }

  get shown(): boolean {
    return !this.element.hidden;
  }

  show(on: boolean): void {
    this.element.hidden = !on;
    localStorage.setItem(KEY, on ? "open" : "closed");
    if (on) this.relabel();
    this.onShow();
  }

  /** Writes every word anew: the language has changed, or it was not shown. */
  relabel(): void {
    setText(this.title, t("plan"));
    setText(this.close, t("close"));
    for (const [kind, words] of this.kinds) setText(words, t(`plan_${kind as PlanItem["kind"]}`));
    for (const [span, button] of this.spans) {
      setText(button, t(span.name));
      button.setAttribute("aria-pressed", String(span === this.window.span));
    }
    this.space.setAttribute("aria-label", t("plan"));
    this.edition += 1;
    this.refresh(true);
  }

  private setSpan(span: Span): void {
    this.window.span = span;
    localStorage.setItem(`${KEY}.span`, span.name);
    this.relabel();
  }

  private refresh(stale: boolean): void {
    this.stale ||= stale;
    if (this.shown) this.schedule();
  }

  private tick(): void {
    if (!this.shown || document.hidden) return;
    if (this.window.follow(this.store.now())) {
      this.edition += 1;
      this.schedule();
    }
    this.placeNow();
  }

  private placeNow(): void {
    const at = `${this.window.at(this.store.now()).toFixed(3)}%`;
    this.now.style.left = at;
    this.past.style.width = at;
  }

  private schedule(): void {
    if (!this.shown) return;
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.draw();
    });
  }

  private draw(): void {
    if (this.window.follow(this.store.now())) this.edition += 1;
    if (this.stale) this.collect();
    this.placeNow();
    this.drawAxis();
    this.space.style.height = `${this.lines.length * LINE_PX}px`;
    const top = Math.max(0, Math.floor(this.scroll.scrollTop / LINE_PX) - MARGIN_LINES);
    const count = Math.ceil(this.scroll.clientHeight / LINE_PX) + 2 * MARGIN_LINES;
    const shown = this.lines.slice(top, top + count);
    const wanted = new Set(shown.map(({ drone }) => drone));
    for (const [drone, view] of this.views) {
      if (wanted.has(drone)) continue;
      view.element.remove();
      this.views.delete(drone);
    }
    const { selection, chosenOrder: order } = this.store;
    const selected = selection?.kind === "drone" ? selection.id : null;
    const look = { window: this.window, selected, order, edition: this.edition };
    shown.forEach((line, index) => {
      let view = this.views.get(line.drone);
      if (!view) {
        view = new LineView(line.drone);
        this.views.set(line.drone, view);
        this.space.append(view.element);
      }
      view.draw(line, look, (top + index) * LINE_PX);
    });
    this.markCursor();
  }

  private collect(): void {
    this.stale = false;
    const { store } = this;
    const order = new Intl.Collator("en", { numeric: true }).compare;
    const docks = new Map<string, string[]>();
    for (const { id, dock } of store.drones.values()) docks.set(dock, [...(docks.get(dock) ?? []), id]);
    this.lines = [];
    for (const dock of [...docks.keys()].sort(order)) {
      const drones = (docks.get(dock) ?? []).sort(order);
      drones.forEach((drone, index) => {
        const name = index === 0 ? placeName(store.place("dock", dock), dock) : "";
        this.lines.push({ drone, dock: name, items: store.plan.get(drone)?.items ?? NO_ITEMS });
      });
    }
    const made = Math.max(...[...store.plan.values()].map(({ made_at }) => Date.parse(made_at ?? "") || 0), 0);
    setText(this.made, made > 0 ? t("plan_made", { time: clock(made) }) : t("plan_none"));
  }

  private drawAxis(): void {
    if (this.ticks.dataset["edition"] === String(this.edition)) return;
    this.ticks.dataset["edition"] = String(this.edition);
    const marks = this.window.ticks().map((time) => {
      const mark = h("span", { class: "plan-tick" }, clock(time).slice(-8, -3));
      mark.style.left = `${this.window.at(time).toFixed(3)}%`;
      return mark;
    });
    this.ticks.replaceChildren(...marks);
  }

  // what is pointed at and chosen

  private found(element: Element | null): { drone: string; item: PlanItem | null } | null {
    const line = element?.closest<HTMLElement>(".plan-line");
    const drone = line?.dataset["drone"];
    if (drone === undefined) return null;
    const key = element?.closest<HTMLElement>(".plan-bar")?.dataset["key"];
    const item = this.store.plan.get(drone)?.items.find((one) => keyOf(one) === key) ?? null;
    return { drone, item };
  }

  private hover(event: PointerEvent): void {
    const found = this.found(event.target as Element);
    this.tell(found?.item ?? null, event.clientX, event.clientY);
  }

  private tell(item: PlanItem | null, x: number, y: number): void {
    this.tip.hidden = item === null;
    if (item === null) return;
    this.tip.replaceChildren(...tipOf(item, this.store));
    const { offsetWidth: width, offsetHeight: height } = this.tip;
    this.tip.style.left = `${Math.max(4, Math.min(x + 14, innerWidth - width - 8))}px`;
    this.tip.style.top = `${y - height - 12 > 4 ? y - height - 12 : y + 18}px`;
  }

  private choose(element: Element): void {
    const found = this.found(element);
    if (!found) return;
    this.at = { drone: found.drone, key: found.item ? keyOf(found.item) : null };
    this.store.chooseOrder(found.item?.order ?? null);
    this.store.select({ kind: "drone", id: found.drone });
  }

  private onKey(event: KeyboardEvent): void {
    const index = Math.max(0, this.lines.findIndex(({ drone }) => drone === this.at?.drone));
    const keys = (this.lines[index]?.items ?? []).map(keyOf);
    const bar = keys.indexOf(this.at?.key ?? "");
    const go = (line: number, key: string | null): void => {
      const drone = this.lines[Math.max(0, Math.min(this.lines.length - 1, line))]?.drone;
      if (drone !== undefined) this.at = { drone, key };
    };
    if (event.key === "ArrowDown") go(this.at ? index + 1 : 0, null);
    else if (event.key === "ArrowUp") go(index - 1, null);
    else if (event.key === "ArrowRight") go(index, keys[Math.min(bar + 1, keys.length - 1)] ?? null);
    else if (event.key === "ArrowLeft") go(index, keys[Math.max(bar - 1, 0)] ?? null);
    else if (event.key === "Enter") this.choose(this.cursor() ?? this.space);
    else return;
    event.preventDefault();
    this.scrollTo(this.at?.drone ?? "");
    this.draw();
    const found = this.found(this.cursor());
    const box = this.cursor()?.getBoundingClientRect();
    this.tell(found?.item ?? null, box?.left ?? 0, box?.top ?? 0);
  }

  private cursor(): HTMLElement | null {
    if (!this.at) return null;
    const line = this.views.get(this.at.drone)?.element ?? null;
    if (this.at.key === null) return line;
    return line?.querySelector<HTMLElement>(`[data-key="${CSS.escape(this.at.key)}"]`) ?? line;
  }

  private markCursor(): void {
    this.space.querySelector(".cursor")?.classList.remove("cursor");
    this.cursor()?.classList.add("cursor");
  }

  private scrollTo(drone: string): void {
    const index = this.lines.findIndex((line) => line.drone === drone);
    if (index < 0) return;
    const top = index * LINE_PX;
    const { scrollTop, clientHeight } = this.scroll;
    const room = clientHeight - this.axis.offsetHeight - LINE_PX;
    if (top < scrollTop) this.scroll.scrollTop = top;
    else if (top > scrollTop + room) this.scroll.scrollTop = top - room;
  }
}
