/** The switches of the map's layers, and the button that shows the whole city. */

import { h, setText } from "../dom";
import { t } from "../i18n";
import type { Overlay } from "../map/style";
import type { MapView } from "../map/view";
import type { Gantt } from "./plan/gantt";

const OVERLAYS: readonly Overlay[] = ["districts", "ages", "cells", "zones", "routes", "trails", "names"];

export class Layers {
  readonly element: HTMLElement;
  private readonly summary = h("summary");
  private readonly labels = new Map<Overlay, HTMLElement>();
  private readonly fit: HTMLButtonElement;
  private readonly plan: HTMLButtonElement;

  constructor(view: MapView, plan: Gantt) {
    this.fit = h("button", { type: "button", class: "fit", onclick: () => view.fit() });
    this.plan = h("button", { type: "button", class: "plan-button", onclick: () => plan.show(!plan.shown) });
    const switches = h("fieldset");
    for (const overlay of OVERLAYS) {
      const box = h("input", { type: "checkbox", checked: true });
      box.addEventListener("change", () => view.setOverlay(overlay, box.checked));
      const label = h("span");
      this.labels.set(overlay, label);
      switches.append(h("label", { class: `swatch swatch-${overlay}` }, box, label));
    }
    const details = h("details", { class: "layers" }, this.summary, switches);
    this.element = h("div", { class: "map-tools" }, this.fit, this.plan, details);
  }

  update(): void {
    setText(this.fit, t("fit"));
    setText(this.plan, t("plan"));
    setText(this.summary, t("layers"));
    for (const [overlay, label] of this.labels) setText(label, t(`layer_${overlay}`));
  }
}
