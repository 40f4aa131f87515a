/** The lists of sites, drones, docks and orders, one at a time, as tabs. */

import { h, KeyedList, setText, type Row } from "../dom";
import { t } from "../i18n";
import type { Kind, Store } from "../store";
import type { DroneState, WatchState } from "../types";
import type { Api } from "../api";
import { FlightRow } from "./flights";
import { OrderRow } from "./orders";
import { DockRow, DroneRow, SiteRow } from "./rows";

const NAMES = ["sites", "drones", "docks", "orders", "flights"] as const;
type Name = (typeof NAMES)[number];
const TAB_OF: Partial<Record<Kind, Name>> = { site: "sites", drone: "drones", dock: "docks" };

const TROUBLE: ReadonlySet<DroneState | WatchState> = new Set(["lost", "emergency", "blind"]);
const AT_REST: ReadonlySet<DroneState> = new Set(["docked", "charging", "unknown"]);

/** Drones in trouble first, then those that fly, then the rest. */
const rank = (state: DroneState) => (TROUBLE.has(state) ? 0 : AT_REST.has(state) ? 2 : 1);

interface Tab {
  button: HTMLButtonElement;
  panel: HTMLElement;
  none: HTMLElement;
  fill(): number;
}

export class Tabs {
  readonly element: HTMLElement;
  private readonly tabs: Record<Name, Tab>;
  private readonly reveals = new Map<Name, (id: string) => void>();
  private active: Name = "sites";

  constructor(
    private readonly store: Store,
    api: Api,
  ) {
    const byId = (a: { id: string }, b: { id: string }) =>
      a.id.localeCompare(b.id, "en", { numeric: true });
    this.tabs = {
      sites: this.tab("sites", () => [...store.sites.values()].sort(byId), (s) => new SiteRow(s, store)),
      drones: this.tab(
        "drones",
        () => [...store.drones.values()].sort((a, b) => rank(a.state) - rank(b.state) || byId(a, b)),
        (drone) => new DroneRow(drone, store),
      ),
      docks: this.tab("docks", () => [...store.docks.values()].sort(byId), (d) => new DockRow(d, store)),
      orders: this.tab(
        "orders",
        () => [...store.orders.values()].sort((a, b) => b.created_at.localeCompare(a.created_at)),
        (order) => new OrderRow(order, store, api),
      ),
      flights: this.tab("flights", () => [...store.flights], (f) => new FlightRow(f, store, api)),
    };
    const bar = h("div", { class: "tab-bar", role: "tablist", onkeydown: (e) => this.onKey(e) });
    for (const name of NAMES) bar.append(this.tabs[name].button);
    this.element = h("section", { class: "tabs" }, bar);
    for (const name of NAMES) this.element.append(this.tabs[name].panel);
    this.show("sites");
  }

  update(): void {
    for (const name of NAMES) {
      const tab = this.tabs[name];
      const count = tab.fill();
      setText(tab.button, `${t(name)} ${count}`);
      setText(tab.none, t(`${name}_none`));
      tab.none.hidden = count > 0;
    }
    const blind = [...this.store.sites.values()].some((site) => TROUBLE.has(site.state));
    const lost = [...this.store.drones.values()].some((drone) => TROUBLE.has(drone.state));
    this.tabs.sites.button.classList.toggle("trouble", blind);
    this.tabs.drones.button.classList.toggle("trouble", lost);
  }

  /** Shows the tab and the row of a thing that was chosen on the map. */
  reveal(kind: Kind, id: string): void {
    const name = TAB_OF[kind];
    if (!name) return;
    this.show(name);
    this.reveals.get(name)?.(id);
  }

  private tab<T extends { id: string }>(
    name: Name,
    items: () => T[],
    create: (item: T) => Row<T>,
  ): Tab {
    const rows = h("ul", { class: "rows" });
    const list = new KeyedList<T>(rows, (item) => item.id, create);
    const none = h("p", { class: "none" });
    const button = h("button", {
      type: "button",
      role: "tab",
      id: `tab-${name}`,
      "aria-controls": `panel-${name}`,
      onclick: () => this.show(name),
    });
    const panel = h(
      "div",
      { role: "tabpanel", id: `panel-${name}`, "aria-labelledby": `tab-${name}`, class: `panel-${name}` },
      none,
      rows,
    );
    this.reveals.set(name, (id) => list.get(id)?.scrollIntoView({ block: "nearest" }));
    const fill = () => {
      const all = items();
      list.update(all);
      return all.length;
    };
    return { button, panel, none, fill };
  }

  private show(name: Name): void {
    this.active = name;
    for (const other of NAMES) {
      const { button, panel } = this.tabs[other];
      button.setAttribute("aria-selected", String(other === name));
      button.tabIndex = other === name ? 0 : -1;
      panel.hidden = other !== name;
    }
  }

  private onKey(event: Event): void {
    const { key } = event as KeyboardEvent;
    const step = key === "ArrowRight" ? 1 : key === "ArrowLeft" ? -1 : 0;
    if (step === 0) return;
    const next = NAMES[(NAMES.indexOf(this.active) + step + NAMES.length) % NAMES.length] ?? "sites";
    this.show(next);
    this.tabs[next].button.focus();
    event.preventDefault();
  }
}
