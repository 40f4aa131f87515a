/** Asks the controller for something and shows what it says, in the place where it was asked. */

import { ApiError } from "../../api";
import { h, setText } from "../../dom";

/** What is pressed again so soon was pressed twice: a hurried hand sends no second drone. */
const TWICE_MS = 1000;

export class Answer {
  readonly element = h("p", { class: "answer", "aria-live": "polite", hidden: true });
  private asked = 0;
  private readonly begun = new Set<string>();

  say(words: string, done = true): void {
    setText(this.element, words);
    this.element.classList.toggle("error", !done);
    this.element.hidden = words === "";
  }

  /**
   * Runs a call; returns what it gave, or null where it was refused, which is shown.
   * What has a name is not asked again while it is asked, nor at once after.
   */
  async of<T>(waiting: string, work: () => Promise<T>, name = ""): Promise<T | null> {
    if (name === "") return this.tried(waiting, work);
    if (this.begun.has(name)) return null;
    const begun = performance.now();
    this.begun.add(name);
    try {
      return await this.tried(waiting, work);
    } finally {
      setTimeout(() => this.begun.delete(name), Math.max(0, begun + TWICE_MS - performance.now()));
    }
  }

  private async tried<T>(waiting: string, work: () => Promise<T>): Promise<T | null> {
    const asked = (this.asked += 1);
    this.say(waiting);
    try {
      const given = await work();
      if (asked === this.asked) this.say("");
      return given;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (asked === this.asked) this.say(error.message, false);
      return null;
    }
  }
}

/** A labelled field of a form. */
export function field(label: HTMLElement, input: HTMLElement): HTMLElement {
  return h("label", { class: "field" }, label, input);
}
