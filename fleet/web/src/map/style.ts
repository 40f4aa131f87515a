/** The map's look: an own vector base from the city's GeoJSON. No tiles, no fonts from afar. */

import type {
  DataDrivenPropertyValueSpecification,
  ExpressionSpecification,
  LayerSpecification,
  StyleSpecification,
} from "maplibre-gl";
import type { Language } from "../i18n";
import { ageLayers } from "./ages";
import { drawLayers } from "./drawing";
import type { CityMap, Place, Position } from "../types";

export const EMPTY: GeoJSON.FeatureCollection = { type: "FeatureCollection", features: [] };

export type Overlay = "districts" | "ages" | "cells" | "zones" | "routes" | "trails" | "names";

/** Which layers a switch turns on and off. */
export const OVERLAYS: Readonly<Record<Overlay, readonly string[]>> = {
  districts: ["district-fill", "district-line", "beat-line"],
  ages: ["cell-age", "cell-never"],
  cells: ["cell-line"],
  zones: ["zone-fill", "zone-line", "fence-line", "closure-fill", "closure-line"],
  routes: ["route-line"],
  trails: ["trail-line"],
  names: ["district-name", "beat-name", "zone-name"],
};

const isLayer = (name: Place["layer"]): ExpressionSpecification => ["==", ["get", "layer"], name];
const IS_FENCE: ExpressionSpecification = ["==", ["get", "kind"], "fence"];
const OTHER_ZONE: ExpressionSpecification = ["all", isLayer("zone"), ["!", IS_FENCE]];

/** Tints that tell neighbouring districts apart, taken in turn by `tint`. */
const TINTS = ["#1b3350", "#1d3a46", "#2b2f52", "#1f3d3a", "#33304a", "#2c3a33"] as const;

/** The text expression for names in a language. */
export function nameField(
  language: Language,
): DataDrivenPropertyValueSpecification<string> {
  const [first, second] = language === "zh" ? ["name_zh", "name"] : ["name", "name_zh"];
  return ["case", ["!=", ["get", first], ""], ["get", first], ["get", second]];
}

export function baseStyle(language: Language): StyleSpecification {
  const source = { type: "geojson" as const, data: EMPTY };
  return {
    version: 8,
    // no `glyphs`: MapLibre then draws every letter from the machine's own fonts
    sources: {
      city: source,
      cells: { ...source, promoteId: "id" },
      names: source,
      routes: source,
      trails: source,
      flown: source,
      closures: source,
      drawing: source,
    },
    layers: [
      { id: "ground", type: "background", paint: { "background-color": "#0a101b" } },
      ...areas(),
      ...tracks(),
      ...drawLayers(),
      ...names(language),
    ],
  };
}

function areas(): LayerSpecification[] {
  return [
    {
      id: "district-fill",
      type: "fill",
      source: "city",
      filter: isLayer("district"),
      paint: {
        "fill-color": [
          "match",
          ["get", "tint"],
          0, TINTS[0],
          1, TINTS[1],
          2, TINTS[2],
          3, TINTS[3],
          4, TINTS[4],
          TINTS[5],
        ],
        "fill-opacity": 0.75,
      },
    },
    ...ageLayers(),
    {
      id: "cell-line",
      type: "line",
      source: "city",
      filter: isLayer("cell"),
      paint: {
        "line-color": "#7dd3fc",
        "line-opacity": ["interpolate", ["linear"], ["zoom"], 11, 0.05, 14, 0.16, 16, 0.24],
        "line-width": 1,
      },
    },
    {
      id: "beat-line",
      type: "line",
      source: "city",
      filter: isLayer("beat"),
      paint: { "line-color": "#5b86b5", "line-opacity": 0.8, "line-width": 1.2 },
    },
    {
      id: "district-line",
      type: "line",
      source: "city",
      filter: isLayer("district"),
      paint: { "line-color": "#9fc3ea", "line-opacity": 0.85, "line-width": 2.2 },
    },
    {
      id: "zone-fill",
      type: "fill",
      source: "city",
      filter: OTHER_ZONE,
      paint: { "fill-color": "#ef4444", "fill-opacity": 0.16 },
    },
    {
      id: "zone-line",
      type: "line",
      source: "city",
      filter: OTHER_ZONE,
      paint: { "line-color": "#f87171", "line-width": 1.6 },
    },
    {
      id: "fence-line",
      type: "line",
      source: "city",
      filter: ["all", isLayer("zone"), IS_FENCE],
      paint: { "line-color": "#c084fc", "line-width": 1.6, "line-dasharray": [6, 4] },
    },
  ];
}

function tracks(): LayerSpecification[] {
  const round = { "line-cap": "round" as const, "line-join": "round" as const };
  const chosen: ExpressionSpecification = ["boolean", ["get", "selected"], false];
  return [
    {
      id: "route-line",
      type: "line",
      source: "routes",
      layout: round,
      paint: {
        "line-color": "#38bdf8",
        "line-opacity": ["case", chosen, 0.95, 0.45],
        "line-width": ["case", chosen, 2.4, 1.4],
        "line-dasharray": [1, 2.4],
      },
    },
    {
      id: "flown-line",
      type: "line",
      source: "flown",
      layout: round,
      paint: { "line-color": "#f0abfc", "line-opacity": 0.95, "line-width": 2.6 },
    },
    {
      id: "trail-line",
      type: "line",
      source: "trails",
      layout: round,
      paint: {
        "line-color": ["get", "color"],
        "line-opacity": ["case", chosen, 0.95, 0.6],
        "line-width": ["case", chosen, 3.4, 2.2],
      },
    },
  ];
}

function names(language: Language): LayerSpecification[] {
  const halo = { "text-halo-color": "#0a101b", "text-halo-width": 1.6 };
  const layout = { "text-field": nameField(language), "text-font": ["sans-serif"], "text-padding": 6 };
  return [
    {
      id: "beat-name",
      type: "symbol",
      source: "names",
      minzoom: 11.5,
      filter: isLayer("beat"),
      // below the dock that often stands in the middle of a beat
      layout: { ...layout, "text-size": 12, "text-max-width": 8, "text-anchor": "top", "text-offset": [0, 1] },
      paint: { ...halo, "text-color": "#93aecb" },
    },
    {
      id: "zone-name",
      type: "symbol",
      source: "names",
      filter: OTHER_ZONE,
      layout: { ...layout, "text-size": 11 },
      paint: { ...halo, "text-color": "#fca5a5" },
    },
    {
      id: "district-name",
      type: "symbol",
      source: "names",
      filter: isLayer("district"),
      layout: {
        ...layout,
        "text-size": 17,
        "text-letter-spacing": 0.12,
        "text-anchor": "top",
        "text-allow-overlap": true,
      },
      paint: { ...halo, "text-color": "#dbeafe", "text-opacity": 0.9 },
    },
  ];
}

/** The city without the zones that are closures: these are shown apart, for as long as they last. */
export function lasting(city: CityMap, passing: ReadonlySet<string>): CityMap {
  if (passing.size === 0) return city;
  const stays = ({ properties: { layer, id } }: CityMap["features"][number]) => layer !== "zone" || !passing.has(id);
  return { ...city, features: city.features.filter(stays) };
}

/** The areas, each district with the number of its tint. */
export function areasOf(city: CityMap): GeoJSON.FeatureCollection {
  let district = 0;
  const features = city.features
    .filter((feature) => feature.geometry.type === "Polygon")
    .map((feature) => {
      if (feature.properties.layer !== "district") return feature;
      const tint = district++ % TINTS.length;
      return { ...feature, properties: { ...feature.properties, tint } };
    });
  return { type: "FeatureCollection", features };
}

/** One point an area to write its name at (an area cut by map tiles would be named in each). */
export function namesOf(city: CityMap): GeoJSON.FeatureCollection {
  const features: GeoJSON.Feature[] = [];
  for (const { properties, geometry } of city.features) {
    if (geometry.type !== "Polygon" || properties.layer === "cell") continue;
    const ring = geometry.coordinates[0] as Position[] | undefined;
    if (!ring || ring.length < 3) continue;
    const coordinates = properties.layer === "district" ? northEdge(ring) : centroid(ring);
    features.push({ type: "Feature", properties, geometry: { type: "Point", coordinates } });
  }
  return { type: "FeatureCollection", features };
}

/** Centroid of a ring by the shoelace formula, about its first corner to keep the digits. */
function centroid(ring: readonly Position[]): Position {
  const [x0, y0] = ring[0] ?? [0, 0];
  let area = 0;
  let x = 0;
  let y = 0;
  for (let i = 0; i < ring.length; i++) {
    const [ax, ay] = ring[i] ?? [x0, y0];
    const [bx, by] = ring[(i + 1) % ring.length] ?? [x0, y0];
    const cross = (ax - x0) * (by - y0) - (bx - x0) * (ay - y0);
    area += cross;
    x += (ax - x0 + bx - x0) * cross;
    y += (ay - y0 + by - y0) * cross;
  }
  return area === 0 ? [x0, y0] : [x0 + x / (3 * area), y0 + y / (3 * area)];
}

/** A place just inside an area's northern edge, so that a district's name meets no beat's. */
function northEdge(ring: readonly Position[]): Position {
  const [lon] = centroid(ring);
  const tops: number[] = [];
  for (let i = 0; i < ring.length; i++) {
    const [ax, ay] = ring[i] ?? [0, 0];
    const [bx, by] = ring[(i + 1) % ring.length] ?? [0, 0];
    if (ax > lon === bx > lon) continue;
    tops.push(ay + ((lon - ax) / (bx - ax)) * (by - ay));
  }
  return [lon, Math.max(...tops, ...(tops.length ? [] : ring.map((point) => point[1])))];
}
