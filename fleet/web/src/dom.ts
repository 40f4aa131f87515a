/** Elements from code. Data only ever becomes text or an attribute, never markup. */

export type Child = Node | string | null;
type Attributes = Record<string, string | boolean | ((event: Event) => void)>;

function fill<T extends Element>(element: T, attributes: Attributes, children: Child[]): T {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.replace(/^on/, ""), value);
    else if (typeof value === "boolean") element.toggleAttribute(name, value);
    else element.setAttribute(name, value);
  }
  for (const child of children) if (child !== null) element.append(child);
  return element;
}

/** Creates an HTML element; `onclick: fn` listens, a boolean sets or leaves out an attribute. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  return fill(document.createElement(tag), attributes, children);
}

/** Creates an SVG drawing of one or more paths in a 24 by 24 box. */
export function icon(name: string, ...paths: string[]): SVGSVGElement {
  const space = "http://www.w3.org/2000/svg";
  const drawing = fill(
    document.createElementNS(space, "svg"),
    { viewBox: "0 0 24 24", class: `icon icon-${name}`, "aria-hidden": "true" },
    [],
  );
  for (const d of paths) drawing.append(fill(document.createElementNS(space, "path"), { d }, []));
  return drawing;
}

/** Sets text where it differs, so that a reader's place and selection survive an update. */
export function setText(node: Node, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}

export interface Row<T> {
  element: HTMLElement;
  update(item: T): void;
}

/** A list whose elements are kept by key and changed in place, so that focus and input survive. */
export class KeyedList<T> {
  private readonly rows = new Map<string, Row<T>>();

  constructor(
    private readonly container: HTMLElement,
    private readonly key: (item: T) => string,
    private readonly create: (item: T) => Row<T>,
  ) {}

  update(items: readonly T[]): void {
    const wanted = new Set(items.map(this.key));
    for (const [key, row] of this.rows) {
      if (wanted.has(key)) continue;
      row.element.remove();
      this.rows.delete(key);
    }
    let place: Element | null = this.container.firstElementChild;
    for (const item of items) {
      const key = this.key(item);
      let row = this.rows.get(key);
      if (!row) {
        row = this.create(item);
        this.rows.set(key, row);
      }
      if (row.element === place) place = place.nextElementSibling;
      else this.container.insertBefore(row.element, place);
      row.update(item);
    }
  }

  get(key: string): HTMLElement | null {
    return this.rows.get(key)?.element ?? null;
  }
}
