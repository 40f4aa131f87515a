/** When an order is flown, by the clock of the city: its window, and how it recurs, in plain choices. */

import { h, setText } from "../../../dom";
import { t } from "../../../i18n";
import { cityTime, zoneName } from "../../../zone";
import { field } from "../asking";

const CHOICES = ["once", "daily", "weekdays", "weekends", "weekly"] as const;
type Choice = (typeof CHOICES)[number];

/**
 * RFC 5545: the day of the week is that of the window's beginning, and the last day the city's.
 */
const RULES: Readonly<Record<Exclude<Choice, "once">, string>> = {
  daily: "FREQ=DAILY",
  weekdays: "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
  weekends: "FREQ=WEEKLY;BYDAY=SA,SU",
  weekly: "FREQ=WEEKLY",
};

export interface Times {
  window?: { from?: string; until?: string };
  recurrence?: { rrule: string };
}

export class TimesField {
  readonly element: HTMLElement;
  private readonly words = [h("span"), h("span"), h("span"), h("span")] as const;
  private readonly from = h("input", { type: "datetime-local", name: "from" });
  private readonly until = h("input", { type: "datetime-local", name: "until" });
  private readonly recurs = h("select", { name: "recurs" });
  private readonly last = h("input", { type: "date", name: "last" });
  private readonly lastField: HTMLElement;

  constructor() {
    for (const choice of CHOICES) this.recurs.append(h("option", { value: choice }));
    const [from, until, recurs, last] = this.words;
    this.lastField = field(last, this.last);
    this.element = h(
      "div",
      { class: "form" },
      h("div", { class: "two" }, field(from, this.from), field(until, this.until)),
      h("div", { class: "two" }, field(recurs, this.recurs), this.lastField),
    );
    this.recurs.addEventListener("change", () => this.update());
  }

  update(): void {
    const [from, until, recurs, last] = this.words;
    setText(from, t("order_from", { zone: zoneName() }));
    setText(until, t("order_until", { zone: zoneName() }));
    setText(recurs, t("order_recurs"));
    setText(last, t("order_last_day"));
    for (const option of this.recurs.options) setText(option, t(`recurs_${option.value as Choice}`));
    const again = this.recurs.value !== "once";
    this.lastField.hidden = !again;
    for (const input of [this.from, this.until, this.last]) input.required = again;
  }

  value(): Times {
    const [from, until] = [cityTime(this.from.value), cityTime(this.until.value)];
    const times: Times = {};
    if (from !== null || until !== null) {
      times.window = { ...(from === null ? {} : { from }), ...(until === null ? {} : { until }) };
    }
    const choice = this.recurs.value as Choice;
    if (choice !== "once" && from !== null && this.last.value !== "") {
      times.recurrence = { rrule: `${RULES[choice]};UNTIL=${this.last.value.replaceAll("-", "")}` };
    }
    return times;
  }
}
