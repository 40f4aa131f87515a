/** What can be done from the map: large buttons, and one sheet at a time over it. */

import { h, setText } from "../../dom";
import { t } from "../../i18n";
import type { Phrase } from "../../phrases.en";
import type { Store } from "../../store";
import type { Role } from "../../types";

export const MAY_FLY: ReadonlySet<Role> = new Set(["pilot", "admin"]);
export const MAY_CALL: ReadonlySet<Role> = new Set(["officer", "pilot", "admin"]);

/** One sheet: what it is called, who may open it, and what is in it. */
export interface Sheet {
  readonly name: "calls" | "closures" | "order";
  readonly element: HTMLElement;
  /** Who is shown its button; null: everybody. */
  readonly roles: ReadonlySet<Role> | null;
  /** Told on the button, e.g. how many there are. */
  badge(): string;
  update(): void;
  opened(): void;
  closed(): void;
}

/** Whether the token's role is one of some. A controller that does not tell it is asked, and may refuse. */
export function may(store: Store, roles: ReadonlySet<Role> | null): boolean {
  return roles === null || store.me === null || roles.has(store.me.role);
}

interface Place {
  button: HTMLButtonElement;
  sheet: Sheet;
}

export class Desk {
  readonly bar = h("div", { class: "desk-bar" });
  readonly element: HTMLElement;
  private readonly title = h("h2");
  private readonly close: HTMLButtonElement;
  private readonly places: Place[];
  private open: Sheet | null = null;

  constructor(
    private readonly store: Store,
    sheets: readonly Sheet[],
  ) {
    this.places = sheets.map((sheet) => {
      const button = h("button", { type: "button", class: `desk-${sheet.name}`, onclick: () => this.toggle(sheet) });
      this.bar.append(button);
      return { button, sheet };
    });
    this.close = h("button", { type: "button", class: "quiet", onclick: () => this.show(null) });
    const bodies = sheets.map((sheet) => sheet.element);
    this.element = h("section", { class: "sheet", hidden: true }, h("header", {}, this.title, this.close), ...bodies);
    this.show(null);
  }

  show(sheet: Sheet | null): void {
    const before = this.open;
    this.open = sheet;
    if (before && before !== sheet) before.closed();
    this.element.hidden = sheet === null;
    for (const place of this.places) place.sheet.element.hidden = place.sheet !== sheet;
    if (sheet && before !== sheet) sheet.opened();
    this.update();
  }

  update(): void {
    for (const { button, sheet } of this.places) {
      button.hidden = !may(this.store, sheet.roles);
      setText(button, `${t(`desk_${sheet.name}`)} ${sheet.badge()}`.trim());
      button.setAttribute("aria-pressed", String(sheet === this.open));
    }
    setText(this.close, t("close"));
    if (!this.open) return;
    setText(this.title, t(`desk_${this.open.name}` satisfies Phrase));
    this.open.update();
  }

  private toggle(sheet: Sheet): void {
    this.show(this.open === sheet ? null : sheet);
  }
}
