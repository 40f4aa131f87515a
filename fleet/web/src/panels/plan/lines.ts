/** One line of the plan: a drone's name and its bars. */

import { h, KeyedList, setText, type Row } from "../../dom";
import { t } from "../../i18n";
import type { PlanItem } from "../../types";
import type { TimeWindow } from "./window";

/** Bars narrower than this say nothing in words. */
const WORDS_PERCENT = 4;
const NARROWEST_PERCENT = 0.3;

/** What a line shows. */
export interface Line {
  drone: string;
  /** Name of the dock on its first line, else empty. */
  dock: string;
  items: readonly PlanItem[];
}

/** What the lines have in common when they are drawn. */
export interface Look {
  window: TimeWindow;
  selected: string | null;
  order: string | null;
  /** Changes where every line has to be laid out anew. */
  edition: number;
}

export function keyOf(item: PlanItem): string {
  return `${item.kind}/${item.sortie ?? ""}/${item.state === "flying" ? "" : item.start}`;
}

export class LineView {
  readonly element: HTMLElement;
  private readonly dock = h("span", { class: "plan-dock" });
  private readonly name = h("span", { class: "plan-drone" });
  private readonly list: KeyedList<PlanItem>;
  private drawn: { items: readonly PlanItem[]; edition: number; order: string | null } | null = null;
  private look: Look | null = null;
  private top = -1;

  constructor(drone: string) {
    const lane = h("div", { class: "plan-lane" });
    this.list = new KeyedList(lane, keyOf, (item) => this.bar(item));
    this.element = h("div", { class: "plan-line", role: "row" }, h("div", { class: "plan-name" }, this.dock, this.name), lane);
    this.element.dataset["drone"] = drone;
    setText(this.name, drone);
  }

  draw(line: Line, look: Look, top: number): void {
    if (this.top !== top) {
      this.top = top;
      this.element.style.transform = `translateY(${top}px)`;
    }
    setText(this.dock, line.dock);
    this.element.classList.toggle("first", line.dock !== "");
    this.element.classList.toggle("selected", look.selected === line.drone);
    const { drawn } = this;
    if (drawn?.items === line.items && drawn.edition === look.edition && drawn.order === look.order) return;
    this.drawn = { items: line.items, edition: look.edition, order: look.order };
    this.look = look;
    const { window } = look;
    this.list.update(
      line.items.filter(({ start, end }) => Date.parse(end) > window.from && Date.parse(start) < window.until),
    );
  }

  private bar(first: PlanItem): Row<PlanItem> {
    const words = h("span");
    const element = h("div", { class: "plan-bar", role: "gridcell" }, words);
    element.dataset["key"] = keyOf(first);
    const update = (item: PlanItem): void => {
      const { look } = this;
      if (!look) return;
      const left = Math.max(0, look.window.at(Date.parse(item.start)));
      const right = Math.min(100, look.window.at(Date.parse(item.end)));
      const width = Math.max(NARROWEST_PERCENT, right - left);
      element.style.left = `${left.toFixed(3)}%`;
      element.style.width = `${width.toFixed(3)}%`;
      element.dataset["kind"] = item.kind;
      element.dataset["state"] = item.state;
      element.classList.toggle("chosen", item.order !== null && item.order === look.order);
      setText(words, width < WORDS_PERCENT || item.kind === "charge" ? "" : t(`plan_${item.kind}`));
    };
    return { element, update };
  }
}
