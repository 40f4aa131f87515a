/** What is told of a bar of the plan. */

import { h } from "../../dom";
import { clock, duration, placeName, t } from "../../i18n";
import type { Store } from "../../store";
import { orderName } from "../orders";
import type { PlanItem } from "../../types";

/** So many cells are named. */
const NAMED = 6;

export function tipOf(item: PlanItem, store: Store): HTMLElement[] {
  const dock = placeName(store.place("dock", item.dock), item.dock);
  const lasts = Date.parse(item.end) - Date.parse(item.start);
  const state = item.kind === "charge" && item.state === "flying" ? "charging" : item.state;
  const lines = [
    `${t(`plan_state_${state}`)} · ${dock}`,
    `${clock(item.start)} – ${clock(item.end)} (${duration(lasts)})`,
  ];
  const order = item.order === null ? undefined : store.orders.get(item.order.split("#")[0] ?? "");
  if (order) lines.push(orderName(order, store));
  if (item.cells.length > 0) lines.push(cellsIn(item.cells));
  const title = h("b", {}, `${item.drone} · ${t(`plan_${item.kind}`)}`);
  return [title, ...lines.map((words) => h("span", {}, words))];
}

function cellsIn(cells: readonly string[]): string {
  const named = cells.slice(0, NAMED).join(", ");
  const more = cells.length - NAMED;
  const words = `${t("plan_cells", { n: cells.length })}: ${named}`;
  return more > 0 ? `${words} …` : words;
}
