/** Incidents: the picture, what was measured, and the officer's decision. */

import { ApiError, type Api } from "../api";
import { h, KeyedList, setText, type Row } from "../dom";
import { clock, duration, placeName, quantity, t } from "../i18n";
import { incidentName } from "../map/markers";
import type { Store } from "../store";
import type { Incident, Level, Position, Role } from "../types";
import { MAY_CALL, may } from "./desk/desk";
import { EvidenceDialog, EvidencePicture, type EvidenceCache } from "./evidence";

/** Sends a drone to a place, with a word why. */
export type SendDrone = (place: Position, note: string) => void;

const MAY_DECIDE: ReadonlySet<Role> = new Set(["officer", "pilot", "admin"]);
const ORDER = { waiting: 0, confirmed: 1, reported: 2, rejected: 3, closed: 4 } as const;
const RANK: Readonly<Record<Level, number>> = { normal: 0, yellow: 1, orange: 2, red: 3 };

/** A confirmed incident that no CAD has taken for so long is shown as trouble. */
const CAD_LATE_MS = 10_000;

/** Incidents listed: all that wait, and the newest of the others up to this many in all. */
const LISTED = 100;

export class Incidents {
  readonly element: HTMLElement;
  private readonly title = h("h2");
  private readonly none = h("p", { class: "none" });
  private readonly more = h("p", { class: "none" });
  private readonly news = h("p", { class: "news", "aria-live": "assertive" });
  private readonly list: KeyedList<Incident>;
  private readonly dialog: EvidenceDialog;
  /** Incidents already told of, and at which level; null until the first state has come. */
  private told: Map<string, Level> | null = null;

  constructor(
    private readonly store: Store,
    api: Api,
    cache: EvidenceCache,
    send: SendDrone,
  ) {
    this.dialog = new EvidenceDialog(cache);
    const items = h("ol", { class: "cards" });
    this.list = new KeyedList(
      items,
      (incident) => incident.id,
      (incident) => new Card(incident, store, api, cache, this.dialog, send),
    );
    this.element = h(
      "section",
      { class: "incidents" },
      h("header", {}, this.title),
      this.none,
      items,
      this.more,
      this.news,
      this.dialog.element,
    );
  }

  update(): void {
    const incidents = [...this.store.incidents.values()].sort(byUrgency);
    setText(this.title, t("incidents"));
    setText(this.none, t("incidents_none"));
    this.none.hidden = incidents.length > 0;
    const waiting = incidents.filter((incident) => incident.status === "waiting").length;
    const listed = Math.max(LISTED, waiting);
    this.list.update(incidents.slice(0, listed));
    const earlier = Math.max(0, incidents.length - listed);
    this.more.hidden = earlier === 0;
    setText(this.more, t("incidents_more", { n: earlier }));
    this.announce(incidents);
  }

  reveal(id: string): void {
    this.list.get(id)?.scrollIntoView({ block: "nearest" });
  }

  private announce(incidents: readonly Incident[]): void {
    if (this.store.link.heardAt === null) return;
    this.told ??= new Map(incidents.map(({ id, level }) => [id, level]));
    for (const incident of incidents) {
      const before = this.told.get(incident.id);
      if (before !== undefined && RANK[before] >= RANK[incident.level]) continue;
      this.told.set(incident.id, incident.level);
      const site = placeName(this.store.place("site", incident.site), incident.site);
      const what = incidentName(incident);
      const level = t(`level_${incident.level}`);
      const phrase = before === undefined ? "new_incident" : "risen_incident";
      setText(this.news, t(phrase, { what, site, level }));
    }
  }
}

/** Those that wait first, of these the worst first; then the newest. */
function byUrgency(a: Incident, b: Incident): number {
  const worse = a.status === "waiting" ? RANK[b.level] - RANK[a.level] : 0;
  return ORDER[a.status] - ORDER[b.status] || worse || b.opened_at.localeCompare(a.opened_at);
}

class Card implements Row<Incident> {
  readonly element: HTMLElement;
  private incident: Incident;
  private readonly picture: EvidencePicture;
  private readonly enlarge: HTMLButtonElement;
  private readonly what: HTMLButtonElement;
  private readonly level = h("span", { class: "level" });
  private readonly value = h("b", { class: "value" });
  private readonly threshold = h("span", { class: "dim" });
  private readonly status = h("p", { class: "status" });
  private readonly facts = h("p", { class: "facts" });
  private readonly problem = h("p", { class: "error", role: "alert" });
  private readonly confirm: HTMLButtonElement;
  private readonly reject: HTMLButtonElement;
  private readonly back: HTMLButtonElement;
  private readonly send: HTMLButtonElement;
  private readonly reason = h("input", { type: "text", maxlength: "500", hidden: true });
  private readonly form: HTMLFormElement;
  private readonly only = h("p", { class: "dim" });
  private busy = false;
  /** The picture that was shown when the officer began to reject. */
  private seen = "";

  constructor(
    incident: Incident,
    private readonly store: Store,
    private readonly api: Api,
    cache: EvidenceCache,
    dialog: EvidenceDialog,
    send: SendDrone,
  ) {
    this.incident = incident;
    this.send = h("button", {
      type: "button",
      class: "send",
      onclick: () => send([this.incident.lon, this.incident.lat], this.title()),
    });
    this.picture = new EvidencePicture(cache);
    this.enlarge = h(
      "button",
      {
        type: "button",
        class: "enlarge",
        onclick: () => dialog.open(this.incident.image_sha256, this.description()),
      },
      this.picture.element,
    );
    this.what = h("button", {
      type: "button",
      class: "what",
      onclick: () => store.select({ kind: "incident", id: this.incident.id }),
    });
    this.confirm = h("button", {
      type: "button",
      class: "primary",
      onclick: () => void this.decide("confirm", ""),
    });
    this.reject = h("button", { type: "submit" });
    this.back = h("button", {
      type: "button",
      class: "quiet",
      hidden: true,
      onclick: () => this.ask(false),
    });
    this.form = h(
      "form",
      { class: "decision", onsubmit: (event) => this.onReject(event) },
      this.reason,
      h("div", { class: "buttons" }, this.confirm, this.reject, this.back),
    );
    this.element = h(
      "li",
      { class: "card" },
      this.enlarge,
      h(
        "div",
        { class: "body" },
        this.what,
        h("p", { class: "measure" }, this.value, this.level, this.threshold),
        this.status,
        this.facts,
        this.form,
        this.send,
        this.only,
        this.problem,
      ),
    );
    this.element.dataset["id"] = incident.id;
  }

  update(incident: Incident): void {
    this.incident = incident;
    const { dataset } = this.element;
    dataset["level"] = incident.level;
    dataset["status"] = incident.status;
    setText(this.what, this.title());
    setText(this.send, t("incident_send"));
    const over = incident.status === "rejected" || incident.status === "closed";
    this.send.hidden = over || !may(this.store, MAY_CALL);
    setText(this.level, t(`level_${incident.level}`));
    setText(this.value, quantity(incident.value, incident.unit));
    const threshold = quantity(incident.threshold, incident.unit);
    setText(this.threshold, t("threshold", { value: threshold }));
    setText(this.status, this.statusText());
    setText(this.facts, this.factsText());
    this.picture.show(incident.image_sha256, this.description());
    this.enlarge.title = t("evidence_open");
    const selection = this.store.selection;
    this.element.classList.toggle(
      "selected",
      selection?.kind === "incident" && selection.id === incident.id,
    );
    this.updateDecision();
  }

  private updateDecision(): void {
    const { me } = this.store;
    const waiting = this.incident.status === "waiting";
    // a controller that does not tell the role is asked, and may refuse
    const permitted = me === null || MAY_DECIDE.has(me.role);
    this.form.hidden = !waiting || !permitted;
    this.only.hidden = !waiting || permitted;
    setText(this.only, t("officers_only"));
    setText(this.confirm, t("confirm"));
    setText(this.reject, t("reject"));
    setText(this.back, t("cancel"));
    this.reason.placeholder = t("reject_reason");
    this.reason.setAttribute("aria-label", t("reject_reason"));
    for (const button of [this.confirm, this.reject, this.back]) button.disabled = this.busy;
  }

  private title(): string {
    return `${incidentName(this.incident)} · ${this.site()}`;
  }

  private site(): string {
    return placeName(this.store.place("site", this.incident.site), this.incident.site);
  }

  /** The status; one that the CAD has not taken for long is said to be, and marked. */
  private statusText(): string {
    const { status, updated_at } = this.incident;
    const age = this.store.now() - Date.parse(updated_at);
    const late = status === "confirmed" && age > CAD_LATE_MS;
    this.status.classList.toggle("late", late);
    return late ? t("status_late", { age: duration(age) }) : t(`status_${status}`);
  }

  private description(): string {
    const time = clock(this.incident.captured_at);
    return t("evidence_of", { site: this.site(), time });
  }

  private factsText(): string {
    const { incident } = this;
    const facts = [
      `${t("captured")} ${clock(incident.captured_at)}`,
      `${t("detections")} ${incident.detections}`,
    ];
    if (incident.decided_by) facts.push(`${t("decided_by")} ${incident.decided_by}`);
    if (incident.reason) facts.push(`${t("reason")}: ${incident.reason}`);
    return facts.join(" · ");
  }

  /** The first press asks why, the second, with a reason, rejects. */
  private onReject(event: Event): void {
    event.preventDefault();
    if (this.reason.hidden) return this.ask(true);
    const reason = this.reason.value.trim();
    if (reason === "") return this.reason.focus();
    void this.decide("reject", reason);
  }

  private ask(on: boolean): void {
    this.seen = this.incident.image_sha256;
    this.reason.hidden = !on;
    this.back.hidden = !on;
    this.confirm.hidden = on;
    if (on) this.reason.focus();
    else this.reject.focus();
  }

  private async decide(decision: "confirm" | "reject", reason: string): Promise<void> {
    this.busy = true;
    setText(this.problem, "");
    this.updateDecision();
    try {
      const body = decision === "reject" ? { reason, image_sha256: this.seen } : { reason };
      const changed = await this.api.decide(this.incident.id, decision, body);
      if (changed) this.store.setIncident(changed);
    } catch (error) {
      const detail = error instanceof ApiError ? error.message : String(error);
      setText(this.problem, t("decision_failed", { detail }));
      // what is told of here is seen by now: a second press is meant
      this.seen = this.incident.image_sha256;
    } finally {
      this.busy = false;
      this.updateDecision();
    }
  }
}
