/** The bar on top: what this is, how old it is, who looks, which language. */

import { h, setText } from "../dom";
import { clock, duration, language, placeName, setLanguage, t } from "../i18n";
import type { Store } from "../store";

export interface TopbarActions {
  signOut(): void;
  retry(): void;
}

const TICK_MS = 500;
/** Silence that is shown as a loss though no error has come yet: two missed heart-beats. */
const STALE_MS = 7_000;

export class Topbar {
  readonly element: HTMLElement;
  readonly lostBar: HTMLElement;
  private readonly about = h("span", { class: "about" });
  private readonly city = h("span", { class: "city" });
  private readonly note = h("span", { class: "note" });
  private readonly waiting = h("span", { class: "waiting", hidden: true });
  private readonly airborne = h("span", { class: "airborne" });
  private readonly link = h("span", { class: "link" });
  private readonly time = h("time", { class: "time" });
  private readonly who = h("span", { class: "who" });
  private readonly languageButton = h("button", {
    type: "button",
    class: "quiet language",
    onclick: () => setLanguage(language() === "zh" ? "en" : "zh"),
  });
  private readonly outButton: HTMLButtonElement;
  private readonly lostText = h("span");
  private readonly lostNext = h("span", { class: "next" });
  private readonly retryButton: HTMLButtonElement;

  constructor(
    private readonly store: Store,
    actions: TopbarActions,
  ) {
    this.outButton = h("button", { type: "button", class: "quiet", onclick: actions.signOut });
    this.retryButton = h("button", { type: "button", class: "retry", onclick: actions.retry });
    this.element = h(
      "header",
      { class: "topbar" },
      h("span", { class: "brand" }, h("b", {}, "Skybeat"), this.about),
      h("span", { class: "where" }, this.city, this.note),
      h("span", { class: "spacer" }),
      this.waiting,
      this.airborne,
      this.link,
      this.time,
      this.who,
      this.languageButton,
      this.outButton,
    );
    this.lostBar = h(
      "div",
      { class: "lost-bar", role: "alert", hidden: true },
      this.lostText,
      this.lostNext,
      this.retryButton,
    );
    setInterval(() => this.tick(), TICK_MS);
  }

  update(): void {
    const { store } = this;
    setText(this.about, t("about"));
    const city = store.city?.city ?? null;
    setText(this.city, placeName(city, ""));
    setText(this.note, city?.note ?? "");
    this.note.title = city?.note ?? "";
    const { me } = store;
    setText(this.who, me ? `${me.name} (${t(`role_${me.role}`)})` : "");
    setText(this.languageButton, t("language_switch"));
    this.languageButton.title = t("language_switch_title");
    this.languageButton.lang = language() === "zh" ? "en" : "zh";
    setText(this.outButton, t("sign_out"));
    setText(this.retryButton, t("retry_now"));
    const waiting = [...store.incidents.values()].filter((i) => i.status === "waiting").length;
    this.waiting.hidden = waiting === 0;
    setText(this.waiting, t("incidents_waiting", { n: waiting }));
    const flying = [...store.drones.values()].filter((d) => d.telemetry?.in_air).length;
    setText(this.airborne, t("airborne", { n: flying }));
    document.title = waiting > 0 ? `(${waiting}) Skybeat` : "Skybeat";
    this.tick();
  }

  private tick(): void {
    const { link } = this.store;
    const age = link.heardAt === null ? null : Date.now() - link.heardAt;
    const lost = link.phase === "lost" || (age !== null && age > STALE_MS);
    const phase = lost ? "lost" : link.phase;
    this.link.dataset["phase"] = phase;
    setText(this.link, t(`link_${phase}`));
    setText(this.time, clock(this.store.now()));
    document.body.classList.toggle("stale", lost);
    this.lostBar.hidden = !lost;
    if (!lost) return;
    setText(
      this.lostText,
      age === null ? t("lost_bar_never") : t("lost_bar", { age: duration(age) }),
    );
    const left = link.retryAt === null ? null : Math.ceil((link.retryAt - Date.now()) / 1000);
    setText(
      this.lostNext,
      left === null ? t("lost_trying") : t("lost_retry_in", { n: Math.max(0, left) }),
    );
  }
}
