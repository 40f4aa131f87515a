/** Evidence pictures: fetched with the token, kept in memory, shown small and large. */

import { ApiError, type Api } from "../api";
import { h, setText } from "../dom";
import { t } from "../i18n";

/** Pictures kept at once; the one longest unused goes first. */
const KEPT = 48;

export class EvidenceCache {
  private readonly urls = new Map<string, Promise<string>>();

  constructor(private readonly api: Api) {}

  /** The object URL of a picture, fetched once; a failed fetch is not kept. */
  url(sha256: string): Promise<string> {
    let url = this.urls.get(sha256);
    if (url) this.urls.delete(sha256);
    else {
      url = this.api.evidence(sha256).then((blob) => URL.createObjectURL(blob));
      url.catch(() => this.urls.delete(sha256));
    }
    this.urls.set(sha256, url);
    for (const [oldest, old] of this.urls) {
      if (this.urls.size <= KEPT) break;
      this.urls.delete(oldest);
      old.then(URL.revokeObjectURL, () => undefined);
    }
    return url;
  }

  clear(): void {
    for (const url of this.urls.values()) url.then(URL.revokeObjectURL, () => undefined);
    this.urls.clear();
  }
}

/** Tells pictures when they come into sight, so that a long list is not fetched at once. */
const sight = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (isIntersecting) inSight.get(target)?.();
  }
});
const inSight = new WeakMap<Element, () => void>();

/** A picture that is fetched when it comes into sight, and says so where that fails. */
export class EvidencePicture {
  readonly image = h("img", { class: "picture", alt: "" });
  readonly problem = h("span", { class: "picture-problem" });
  readonly element = h("span", { class: "picture-frame" }, this.image, this.problem);
  private wanted = "";
  private shown = "";
  private seen = false;

  constructor(private readonly cache: EvidenceCache) {
    inSight.set(this.element, () => {
      this.seen = true;
      this.load();
    });
    sight.observe(this.element);
  }

  show(sha256: string, description: string): void {
    this.image.alt = description;
    this.wanted = sha256;
    if (this.seen) this.load();
  }

  private load(): void {
    const sha256 = this.wanted;
    if (this.shown === sha256 || sha256 === "") return;
    this.shown = sha256;
    setText(this.problem, "");
    this.cache.url(sha256).then(
      (url) => {
        if (this.shown === sha256) this.image.src = url;
      },
      (error: unknown) => {
        if (this.shown !== sha256) return;
        const detail = error instanceof ApiError ? error.message : String(error);
        setText(this.problem, t("evidence_missing", { detail }));
        this.shown = "";
        this.seen = false;
      },
    );
  }
}

/** The large view, a modal dialog (Escape and the button close it). */
export class EvidenceDialog {
  readonly element: HTMLDialogElement;
  private readonly picture: EvidencePicture;
  private readonly caption = h("p");
  private readonly closeButton: HTMLButtonElement;

  constructor(cache: EvidenceCache) {
    this.picture = new EvidencePicture(cache);
    this.closeButton = h("button", { type: "button", onclick: () => this.element.close() });
    this.element = h(
      "dialog",
      { class: "evidence", onclick: (event) => this.clickOutside(event) },
      this.picture.element,
      h("footer", {}, this.caption, this.closeButton),
    );
  }

  open(sha256: string, description: string): void {
    this.picture.show(sha256, description);
    setText(this.caption, description);
    setText(this.closeButton, t("close"));
    this.element.setAttribute("aria-label", description);
    this.element.showModal();
  }

  private clickOutside(event: Event): void {
    if (event.target === this.element) this.element.close();
  }
}
