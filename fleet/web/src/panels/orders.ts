/** Rows of the list of orders: what each wants, and a pilot's buttons. */

import { ApiError, type Api } from "../api";
import { h, setText, type Row } from "../dom";
import { clock, placeName, t } from "../i18n";
import type { Store } from "../store";
import type { Order } from "../types";
import { MAY_FLY, may } from "./desk/desk";
import { ThingRow } from "./rows";

type Change = "pause" | "resume" | "cancel";
const CHANGES = ["pause", "resume", "cancel"] as const;
const FORMATS = ["plan", "kml"] as const;

/** What an order is for, in words. */
export function orderName({ request }: Order, store: Store): string {
  const beats = request.beats.map((id) => placeName(store.place("beat", id), id));
  const sites = request.sites.map((id) => placeName(store.place("site", id), id));
  const named = [...beats, ...(request.cells ?? []), ...sites, ...(request.place ? [request.place] : [])];
  const where = named.join(", ") || request.note;
  return where === "" ? t(`order_${request.kind}`) : `${t(`order_${request.kind}`)}: ${where}`;
}

export class OrderRow implements Row<Order> {
  readonly element: HTMLElement;
  private readonly row: ThingRow;
  private readonly buttons: Readonly<Record<Change, HTMLButtonElement>>;
  private readonly files: HTMLElement;
  private readonly problem = h("span", { class: "words error", role: "alert" });
  private sure = false;
  private busy = false;

  constructor(
    private order: Order,
    private readonly store: Store,
    private readonly api: Api,
  ) {
    const button = (change: Change) => h("button", { type: "button", onclick: () => void this.press(change) });
    this.buttons = { pause: button("pause"), resume: button("resume"), cancel: button("cancel") };
    this.buttons.cancel.addEventListener("blur", () => {
      this.sure = false;
      this.update(this.order);
    });
    const exports = FORMATS.map((format) =>
      h("button", { type: "button", onclick: () => void this.take(format) }, `.${format}`),
    );
    this.files = h("span", { class: "files" }, ...CHANGES.map((change) => this.buttons[change]), ...exports);
    this.row = new ThingRow(store, null, order.id, this.files);
    this.element = this.row.element;
    this.element.firstElementChild?.append(this.problem);
  }

  update(order: Order): void {
    const { row, store } = this;
    this.order = order;
    this.element.dataset["status"] = order.status;
    this.element.classList.toggle("chosen", store.chosenOrder === order.id);
    setText(row.name, orderName(order, store));
    setText(row.chip, t(`order_${order.status}`));
    const figures = [t("order_by", { who: order.created_by, time: clock(order.created_at) })];
    const { window, recurrence } = order.request;
    if (window?.from || window?.until) figures.push(`${clock(window.from)} – ${clock(window.until)}`);
    if (recurrence) figures.push(recurrence.rrule);
    row.finish(figures, [order.request.note, order.reason].filter(Boolean).join(" · "));
    const open = order.status === "active" || order.status === "paused";
    const permitted = open && may(store, MAY_FLY);
    for (const change of CHANGES) {
      const button = this.buttons[change];
      button.hidden = !permitted || (change === "pause" && order.status !== "active") || (change === "resume" && order.status !== "paused");
      button.disabled = this.busy;
      setText(button, t(change === "cancel" && this.sure ? "order_cancel_ask" : `order_${change}`));
    }
  }

  private async press(change: Change): Promise<void> {
    if (change === "cancel" && !this.sure) {
      this.sure = true;
      return this.update(this.order);
    }
    this.sure = false;
    this.busy = true;
    this.update(this.order);
    await this.tried(async () => this.store.setOrder(await this.api.changeOrder(this.order.id, change)));
    this.busy = false;
    this.update(this.order);
  }

  private async take(format: (typeof FORMATS)[number]): Promise<void> {
    await this.tried(async () => {
      const url = URL.createObjectURL(await this.api.exportOrder(this.order.id, format));
      h("a", { href: url, download: `order-${this.order.id}.${format}` }).click();
      setTimeout(() => URL.revokeObjectURL(url), 60_000);
    });
  }

  private async tried(work: () => Promise<void>): Promise<void> {
    setText(this.problem, "");
    try {
      await work();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      setText(this.problem, error.message);
    }
  }
}
