/** How long cells have not been seen, against what is owed: classes, colours and the two layers. */

import type { ExpressionSpecification, LayerSpecification } from "maplibre-gl";
import type { Cell } from "../types";

/** From just seen to long overdue; `never` apart; `none`: no visit is owed now. */
export const AGES = ["fresh", "soon", "due", "overdue", "long", "never", "none"] as const;
export type Age = (typeof AGES)[number];

/** Part of the owed interval from which a class begins. */
const FROM: readonly [Age, number][] = [
  ["long", 3],
  ["overdue", 1.5],
  ["due", 1],
  ["soon", 0.5],
];

/**
 * Five steps of ColorBrewer's RdYlBu, which people of every colour vision tell apart (C. Brewer,
 * colorbrewer2.org), from blue to red; never seen is grey with a light frame.
 */
export const AGE_COLORS: Readonly<Record<Age, string>> = {
  fresh: "#4575b4",
  soon: "#91bfdb",
  due: "#fee090",
  overdue: "#fc8d59",
  long: "#d73027",
  never: "#8b95a3",
  none: "rgba(0, 0, 0, 0)",
};

export function ageOf(cell: Cell | undefined, now: number): Age {
  if (!cell || cell.owed_s === null) return "none";
  if (cell.seen_at === null) return "never";
  const share = (now - Date.parse(cell.seen_at)) / 1000 / cell.owed_s;
  return FROM.find(([, from]) => share >= from)?.[0] ?? "fresh";
}

export function ageLayers(): LayerSpecification[] {
  const age: ExpressionSpecification = ["coalesce", ["feature-state", "age"], "none"];
  const colors = AGES.filter((name) => name !== "none").flatMap((name) => [name, AGE_COLORS[name]]);
  const never: ExpressionSpecification = ["==", age, "never"];
  return [
    {
      id: "cell-age",
      type: "fill",
      source: "cells",
      paint: {
        "fill-color": ["match", age, ...colors, AGE_COLORS.none] as unknown as ExpressionSpecification,
        "fill-opacity": ["case", never, 0.26, 0.62],
        "fill-antialias": false,
      },
    },
    {
      id: "cell-never",
      type: "line",
      source: "cells",
      paint: { "line-color": "#e2e8f0", "line-width": 1, "line-opacity": ["case", never, 0.26, 0] },
    },
  ];
}
