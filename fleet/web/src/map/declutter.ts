/** Finds each marker's name a side where it covers nothing, or hides it. */

export type Side = "below" | "above" | "right" | "left";
const SIDES: readonly Side[] = ["below", "above", "right", "left"];
const GAP = 3;

/** A marker on the screen: centre and half-size of its symbol, size of its name, pixels. */
export interface Label {
  x: number;
  y: number;
  half: number;
  /** Whether no name may cover its symbol. */
  solid: boolean;
  width: number;
  height: number;
  /** Higher is placed first; from `ALWAYS` on it is shown even over others. */
  priority: number;
}

export const ALWAYS = 100;

interface Box {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** Returns the side of each label's name, null where it has to be hidden. */
export function placeLabels(labels: readonly Label[]): (Side | null)[] {
  const symbols = labels.map(({ x, y, half }) => box(x - half, y - half, 2 * half, 2 * half));
  const placed: Box[] = [];
  const sides = new Array<Side | null>(labels.length).fill(null);
  const order = labels.map((_, index) => index);
  order.sort((a, b) => (labels[b]?.priority ?? 0) - (labels[a]?.priority ?? 0) || a - b);
  for (const index of order) {
    const label = labels[index];
    if (!label || label.width === 0) continue;
    const others = symbols.filter((_, other) => other !== index && labels[other]?.solid);
    const free = SIDES.find((side) => {
      const name = nameBox(label, side);
      return !placed.some((b) => meet(name, b)) && !others.some((b) => meet(name, b));
    });
    const side = free ?? (label.priority >= ALWAYS ? "below" : null);
    if (side === null) continue;
    sides[index] = side;
    placed.push(nameBox(label, side));
  }
  return sides;
}

function nameBox({ x, y, half, width, height }: Label, side: Side): Box {
  switch (side) {
    case "below":
      return box(x - width / 2, y + half + GAP, width, height);
    case "above":
      return box(x - width / 2, y - half - GAP - height, width, height);
    case "right":
      return box(x + half + GAP, y - height / 2, width, height);
    case "left":
      return box(x - half - GAP - width, y - height / 2, width, height);
  }
}

function box(left: number, top: number, width: number, height: number): Box {
  return { left, top, right: left + width, bottom: top + height };
}

function meet(a: Box, b: Box): boolean {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}
