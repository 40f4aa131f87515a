/** Sending a drone: a click on the map or an incident, who comes and when, more of them, the end. */

import type { Api } from "../../api";
import { h, KeyedList, setText, type Row } from "../../dom";
import { clock, duration, language, placeName, t } from "../../i18n";
import type { MapView } from "../../map/view";
import type { Store } from "../../store";
import type { Call, Limit, Position, Sent } from "../../types";
import { Answer } from "./asking";
import { MAY_CALL, may, type Sheet } from "./desk";

const MOST_DRONES = 3;
const TICK_MS = 500;
const ENDED: ReadonlySet<Call["status"]> = new Set(["done", "cancelled"]);
/** An order's id, of no use to a reader. */
const ORDER_ID = / (of|for) order [0-9a-f-]{36}(#\d+)?/g;
/** So many drones are named that one limit keeps from coming. */
const NAMED = 5;
/** A call that has ended is shown for so long. */
const SHOWN_MS = 10 * 60_000;

export class Calls implements Sheet {
  readonly name = "calls";
  readonly roles = MAY_CALL;
  readonly element: HTMLElement;
  private readonly pick = h("button", { type: "button", class: "primary", onclick: () => void this.click() });
  private readonly answer = new Answer();
  private readonly none = h("p", { class: "dim" });
  private readonly list: KeyedList<Call>;

  constructor(
    private readonly store: Store,
    private readonly api: Api,
    private readonly view: MapView,
    private readonly show: () => void,
  ) {
    const items = h("ul", { class: "sheet-list calls" });
    this.list = new KeyedList(items, ({ id }) => id, (call) => this.card(call));
    this.element = h("div", {}, this.pick, this.answer.element, this.none, items);
    setInterval(() => {
      if (!this.element.hidden) this.update();
    }, TICK_MS);
  }

  badge(): string {
    const open = [...this.store.calls.values()].filter(({ status }) => !ENDED.has(status)).length;
    return open > 0 ? String(open) : "";
  }

  opened(): void {
    if (this.badge() === "" && may(this.store, MAY_CALL)) void this.click();
  }

  closed(): void {
    this.view.cancelPick();
  }

  update(): void {
    setText(this.pick, t("call_click"));
    const now = this.store.now();
    const shown = [...this.store.calls.values()].filter(
      ({ ended_at }) => ended_at === null || now - Date.parse(ended_at) < SHOWN_MS,
    );
    shown.sort((a, b) => Number(ENDED.has(a.status)) - Number(ENDED.has(b.status)) || b.received_at.localeCompare(a.received_at));
    this.list.update(shown);
    setText(this.none, t("calls_none"));
    this.none.hidden = shown.length > 0;
  }

  /** Sends a drone to a place: an incident's, or where the map was clicked. */
  async sendTo(place: Position, note: string): Promise<void> {
    this.show();
    const [lon, lat] = place;
    const work = () => this.api.call({ lon, lat, note, source: "click" });
    const call = await this.answer.of(t("call_sending"), work, `${lon} ${lat}`);
    if (!call) return;
    this.store.setCall(call);
    this.update();
  }

  private async click(): Promise<void> {
    this.answer.say(t("call_where"));
    const place = await this.view.pick();
    this.answer.say("");
    if (place) await this.sendTo(place, "");
  }

  private card(first: Call): Row<Call> {
    const what = h("b");
    const chip = h("span", { class: "chip" });
    const words = h("p", { class: "dim" });
    const drones = h("ul", { class: "sent" });
    const list = new KeyedList<Sent>(drones, ({ drone, at }) => `${drone}/${at}`, (sent) => this.sent(sent));
    const more = h("button", { type: "button", onclick: () => void this.more(first.id) });
    const close = h("button", { type: "button", onclick: () => void this.close(first.id) });
    const buttons = h("div", { class: "two" }, more, close);
    const element = h("li", { class: "call" }, h("header", {}, what, chip), words, drones, buttons);
    element.dataset["id"] = first.id;
    const update = (call: Call): void => {
      element.dataset["status"] = call.status;
      const kind = call.source === "click" ? t("call_by_click") : call.kind;
      setText(what, `${kind} · ${clock(call.received_at)}`);
      setText(chip, t(`call_${call.status}`));
      setText(words, [call.note, call.status === "nobody" ? nobody(call) : ""].filter(Boolean).join(" · "));
      list.update(call.sent);
      buttons.hidden = ENDED.has(call.status) || !may(this.store, MAY_CALL);
      const next = call.want + 1;
      more.hidden = next > MOST_DRONES;
      setText(more, t(next === 2 ? "call_second" : "call_third"));
      setText(close, t("call_close"));
    };
    return { element, update };
  }

  private sent(first: Sent): Row<Sent> {
    const choose = () => this.store.select({ kind: "drone", id: first.drone });
    const name = h("b");
    const eta = h("span", { class: "eta" });
    const words = h("span", { class: "dim" });
    const element = h("li", {}, h("button", { type: "button", class: "thing", onclick: choose }, name, eta, words));
    element.dataset["drone"] = first.drone;
    const update = (sent: Sent): void => {
      element.dataset["status"] = sent.status;
      setText(name, `${sent.drone} · ${t(sent.from_dock ? "call_from_dock" : "call_from_air")}`);
      setText(eta, this.eta(sent));
      const dock = placeName(this.store.place("dock", sent.ends_at), sent.ends_at);
      const stays = t("call_stays", { n: duration(sent.stay_s * 1000), dock });
      const ended = sent.status === "failed" || sent.status === "left" ? sent.reason : "";
      setText(words, [...givenUp(sent), ended, stays].filter(Boolean).join(" · "));
    };
    return { element, update };
  }

  private eta(sent: Sent): string {
    if (sent.status === "there") return t("call_there", { time: clock(sent.there_at) });
    if (sent.status !== "sent") return t(`sent_${sent.status}`);
    const left = Math.ceil((Date.parse(sent.due_at) - this.store.now()) / 1000);
    if (left < 0) return t("call_late", { n: -left });
    return t("call_eta", { time: `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}` });
  }

  private async more(id: string): Promise<void> {
    await this.changed(() => this.api.moreTo(id), `more ${id}`);
  }

  private async close(id: string): Promise<void> {
    await this.changed(() => this.api.endCall(id), `end ${id}`);
  }

  private async changed(work: () => Promise<Call>, name: string): Promise<void> {
    const call = await this.answer.of(t("sending"), work, name);
    if (!call) return;
    this.store.setCall(call);
    this.update();
  }
}

/** What is left undone for it: in the controller's words, or counted in the page's language. */
function givenUp(sent: Sent): string[] {
  const n = sent.cells.length;
  if (n === 0 && sent.gives_up === "") return [t("call_gives_up_none")];
  if (language() === "en") return [sent.gives_up.replace(ORDER_ID, "")];
  if (n === 0) return [sent.left_doing ? t("call_leaves", { what: t(`doing_${sent.left_doing}`) }) : t("call_gives_up_none")];
  const m = Math.round((sent.worst_s ?? 0) / 60);
  return [t("call_gives_up", { n }), sent.late ? t("call_overdue", { n: sent.late, m }) : t("call_in_time")];
}

/** Why nobody is sent: in the controller's words, or by limit in the page's language. */
function nobody(call: Call): string {
  const refused = call.refused ?? [];
  if (language() === "en" || refused.length === 0) return call.reason;
  const drones = new Map<Limit, string[]>();
  for (const { drone, constraint } of refused) drones.set(constraint, [...(drones.get(constraint) ?? []), drone]);
  const told = [...drones].map(([limit, names]) => {
    const rest = names.length - NAMED;
    const more = rest > 0 ? ` ${t("and_more", { n: rest })}` : "";
    return `${t(`limit_${limit}`)}: ${names.slice(0, NAMED).join(", ")}${more}`;
  });
  return told.join(" · ");
}
