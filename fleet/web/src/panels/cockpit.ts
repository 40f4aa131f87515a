/** The chosen drone: what it does, what it is warned of, who has control, and a pilot's buttons. */

import { ApiError, type Api } from "../api";
import { h, setText } from "../dom";
import { t } from "../i18n";
import { stateColor } from "../map/markers";
import type { MapView } from "../map/view";
import type { Phrase } from "../phrases.en";
import type { Store } from "../store";
import type { Command, Drone, Role } from "../types";

const MAY_FLY: ReadonlySet<Role> = new Set(["pilot", "admin"]);
/** A drone that is lower is sent to a place at this height. */
const LOWEST_M = 30;
const ORBIT_M = 50;

const BUTTONS = ["control", "hold", "resume", "return", "land", "goto", "orbit", "look_at", "kill"] as const;
type Button = (typeof BUTTONS)[number];
/** What does not wait for the answer to another command. */
const URGENT: ReadonlySet<Button> = new Set(["control", "hold", "return", "land", "kill"]);

interface Told {
  words: string;
  done: boolean;
  confirm: string | null;
}

export class Cockpit {
  readonly element: HTMLElement;
  private readonly name = h("h2");
  private readonly chip = h("span", { class: "chip" });
  private readonly close: HTMLButtonElement;
  private readonly reason = h("p", { class: "dim" });
  private readonly warnings = h("ul", { class: "warnings", role: "alert" });
  private readonly holder = h("p", { class: "holder" });
  private readonly only = h("p", { class: "dim" });
  private readonly buttons: Readonly<Record<Button, HTMLButtonElement>>;
  private readonly bar: HTMLElement;
  private readonly question = h("span");
  private readonly yes: HTMLButtonElement;
  private readonly no: HTMLButtonElement;
  private readonly asking: HTMLElement;
  private readonly answer = h("p", { class: "answer", "aria-live": "polite" });
  /** The drone that is shown, what is asked about it, and how many commands are under way. */
  private shown: string | null = null;
  private sure: (() => void) | null = null;
  private busy = 0;
  /** How many commands were sent: only the newest one's answer is shown. */
  private sent = 0;

  constructor(
    private readonly store: Store,
    private readonly api: Api,
    private readonly view: MapView,
  ) {
    this.close = h("button", { type: "button", class: "quiet", onclick: () => store.select(null) });
    const button = (name: Button) => h("button", { type: "button", onclick: () => void this.press(name) });
    this.buttons = Object.fromEntries(BUTTONS.map((name) => [name, button(name)])) as Record<
      Button,
      HTMLButtonElement
    >;
    this.bar = h("div", { class: "commands" }, ...BUTTONS.map((name) => this.buttons[name]));
    this.yes = h("button", { type: "button", class: "primary", onclick: () => this.sure?.() });
    this.no = h("button", { type: "button", class: "quiet", onclick: () => this.ask(null) });
    this.asking = h("p", { class: "asking", hidden: true }, this.question, this.yes, this.no);
    this.element = h(
      "section",
      { class: "cockpit", hidden: true },
      h("header", {}, this.name, this.chip, this.close),
      this.warnings,
      this.reason,
      this.holder,
      this.bar,
      this.only,
      this.asking,
      this.answer,
    );
  }

  update(): void {
    const { selection } = this.store;
    const drone = selection?.kind === "drone" ? this.store.drones.get(selection.id) : undefined;
    this.element.hidden = !drone;
    if (this.shown !== (drone?.id ?? null)) {
      this.shown = drone?.id ?? null;
      this.ask(null);
      this.say("");
      this.view.cancelPick();
    }
    if (!drone) return;
    this.element.dataset["id"] = drone.id;
    setText(this.name, drone.id);
    setText(this.close, t("close"));
    setText(this.chip, t(`drone_${drone.state}`));
    this.chip.style.setProperty("--chip", stateColor(drone.state));
    setText(this.reason, drone.reason);
    this.reason.hidden = drone.reason === "";
    if (this.warnings.dataset["said"] !== drone.warnings.join("\n")) {
      this.warnings.dataset["said"] = drone.warnings.join("\n");
      this.warnings.replaceChildren(...drone.warnings.map((words) => h("li", {}, words)));
    }
    this.updateControl(drone);
    this.updateButtons(drone);
  }

  private updateControl(drone: Drone): void {
    const { mine, others } = this.control(drone);
    const who = drone.holder ?? "";
    const words = mine ? t("control_mine") : others ? t("control_of", { who }) : t("control_free");
    setText(this.holder, words);
    this.holder.dataset["whose"] = mine ? "mine" : others ? "others" : "free";
    const phrase = mine ? "control_release" : others ? "control_take_over" : "control_take";
    setText(this.buttons.control, t(phrase));
  }

  private updateButtons(drone: Drone): void {
    const { me } = this.store;
    // a controller that does not tell the role is asked, and may refuse
    const permitted = me === null || MAY_FLY.has(me.role);
    this.bar.hidden = !permitted;
    this.only.hidden = permitted;
    setText(this.only, t("pilots_only"));
    setText(this.yes, t("command_yes"));
    setText(this.no, t("cancel"));
    const { others } = this.control(drone);
    for (const name of BUTTONS) {
      const button = this.buttons[name];
      const waits = this.busy > 0 && !URGENT.has(name);
      button.disabled = waits || !fits(name, drone) || (others && name !== "control");
      if (name !== "control") setText(button, t(`command_${name}`));
    }
  }

  private control(drone: Drone): { mine: boolean; others: boolean } {
    // two tokens of one name are two pilots
    const mine = drone.holder_token !== null && drone.holder_token === this.store.me?.id;
    return { mine, others: drone.holder !== null && !mine };
  }

  private async press(name: Button): Promise<unknown> {
    const drone = this.shown === null ? undefined : this.store.drones.get(this.shown);
    if (!drone) return;
    this.ask(null);
    switch (name) {
      case "control":
        return this.pressControl(drone);
      case "land":
        return this.ask(t("command_land_ask"), () => void this.send(drone.id, "command_land", { action: "land" }));
      case "kill":
        return this.pressKill(drone);
      case "goto":
      case "orbit":
      case "look_at":
        return this.pressPlace(drone, name);
      default:
        return this.send(drone.id, `command_${name}`, { action: name });
    }
  }

  private async pressControl(drone: Drone): Promise<unknown> {
    const { mine, others } = this.control(drone);
    if (mine) return this.send(drone.id, "control_release", { action: "release_control" });
    const take = (take_over: boolean) =>
      this.send(drone.id, "control_take", { action: "take_control", take_over });
    if (!others) return take(false);
    this.ask(t("control_ask", { who: drone.holder ?? "" }), () => void take(true));
  }

  /** Asks for the word that a second call has to say, and says it when the pilot is sure. */
  private async pressKill(drone: Drone): Promise<void> {
    const confirm = await this.send(drone.id, "command_kill", { action: "kill" });
    if (confirm === null || this.shown !== drone.id) return;
    this.ask(t("command_kill_ask"), () => void this.send(drone.id, "command_kill", { action: "kill", confirm }));
  }

  private async pressPlace(drone: Drone, action: "goto" | "orbit" | "look_at"): Promise<void> {
    const altitude_m = Math.max(LOWEST_M, Math.round(drone.telemetry?.altitude_m ?? 0));
    this.say(t(`command_pick_${action}`, { altitude: altitude_m, radius: ORBIT_M }));
    const place = await this.view.pick();
    if (this.shown !== drone.id) return;
    this.say("");
    if (!place) return;
    const [lon, lat] = place;
    await this.send(drone.id, `command_${action}`, toPlace(action, lon, lat, altitude_m));
  }

  /** Sends a command and shows its answer, while the same drone is shown; returns a word it asks for. */
  private async send(drone: string, phrase: Phrase, command: Command): Promise<string | null> {
    const what = t(phrase);
    this.view.cancelPick();
    this.ask(null);
    this.busy += 1;
    const sent = (this.sent += 1);
    this.say(t("command_under_way", { what }));
    this.update();
    const told = await this.answerTo(drone, command, what);
    this.busy -= 1;
    if (this.shown === drone && this.sent === sent) this.say(told.words, told.done);
    this.update();
    return told.confirm;
  }

  private async answerTo(drone: string, command: Command, what: string): Promise<Told> {
    try {
      const { answer } = await this.api.command(drone, command);
      return { words: t("command_done", { what, answer }), done: true, confirm: null };
    } catch (error) {
      const answer = error instanceof ApiError ? error.message : String(error);
      const confirm = error instanceof ApiError ? error.confirm : null;
      return { words: t("command_refused", { what, answer }), done: false, confirm };
    }
  }

  private say(words: string, done = true): void {
    setText(this.answer, words);
    this.answer.classList.toggle("error", !done);
    this.answer.hidden = words === "";
  }

  /** Asks whether something that cannot be undone is meant; null takes the question back. */
  private ask(question: string | null, sure: (() => void) | null = null): void {
    this.sure = sure;
    setText(this.question, question ?? "");
    this.asking.hidden = question === null;
    if (question !== null) this.no.focus();
  }
}

/** Whether a button has a meaning now; the controller has the last word. */
function fits(name: Button, drone: Drone): boolean {
  const flies = drone.telemetry?.in_air === true;
  switch (name) {
    case "control":
      return true;
    case "resume":
      return flies && drone.state === "held";
    case "kill": // motors can run on the ground
      return flies || drone.telemetry?.armed === true;
    default:
      return flies;
  }
}

function toPlace(action: "goto" | "orbit" | "look_at", lon: number, lat: number, altitude_m: number): Command {
  switch (action) {
    case "goto":
      return { action, lon, lat, altitude_m };
    case "orbit":
      return { action, lon, lat, altitude_m, radius_m: ORBIT_M };
    case "look_at":
      return { action, lon, lat };
  }
}
