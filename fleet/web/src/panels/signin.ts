/** The sign-in form: one field for the token. */

import { h, setText } from "../dom";
import { language, setLanguage, t } from "../i18n";

/** Shows the form in `root` and calls `submit` with each token given, until it returns null. */
export class SignIn {
  readonly element: HTMLElement;
  private readonly field = h("input", {
    id: "token",
    type: "password",
    autocomplete: "off",
    spellcheck: "false",
    required: true,
  });
  private readonly label = h("label", { for: "token" });
  private readonly help = h("p", { class: "help", id: "token-help" });
  private readonly error = h("p", { class: "error", role: "alert" });
  private readonly button = h("button", { type: "submit", class: "primary" });
  private readonly show: HTMLButtonElement;
  private readonly switchButton = h("button", {
    type: "button",
    class: "quiet language",
    onclick: () => setLanguage(language() === "zh" ? "en" : "zh"),
  });

  constructor(private readonly submit: (token: string) => Promise<string | null>) {
    this.field.setAttribute("aria-describedby", "token-help");
    this.show = h("button", { type: "button", class: "quiet", onclick: () => this.toggle() });
    const form = h(
      "form",
      { class: "sign-in", onsubmit: (event) => void this.send(event) },
      h("h1", {}, "Skybeat"),
      this.help,
      this.label,
      h("div", { class: "token-row" }, this.field, this.show),
      this.error,
      this.button,
      this.switchButton,
    );
    this.element = h("main", { class: "sign-in-page" }, form);
    this.update();
  }

  /** Shows a message over the button, e.g. why the last token is no longer taken. */
  say(message: string): void {
    setText(this.error, message);
  }

  update(): void {
    setText(this.label, t("token"));
    setText(this.help, t("sign_in_help"));
    setText(this.button, t("sign_in"));
    setText(this.switchButton, t("language_switch"));
    this.switchButton.title = t("language_switch_title");
    setText(this.show, this.field.type === "password" ? t("show_token") : t("hide_token"));
  }

  focus(): void {
    this.field.focus();
  }

  private toggle(): void {
    this.field.type = this.field.type === "password" ? "text" : "password";
    this.update();
  }

  private async send(event: Event): Promise<void> {
    event.preventDefault();
    const token = this.field.value.trim();
    if (token === "") return;
    this.button.disabled = true;
    setText(this.button, t("checking_token"));
    this.say("");
    const problem = await this.submit(token);
    this.button.disabled = false;
    this.update();
    if (problem === null) return;
    this.say(problem);
    this.field.select();
  }
}
