/** Shapes that were drawn: as GeoJSON, and the layers that show them, with what is closed for a time. */

import type { LayerSpecification } from "maplibre-gl";
import type { Closure, Position } from "../types";

export type Shape = "point" | "line" | "polygon" | "circle";

export interface Drawn {
  shape: Shape;
  points: Position[];
  /** Of a circle, about the first point. */
  radius_m: number | null;
}

const EARTH_M = 6_371_008.8;
const ROUND = 64;

/** Metres between two places, on a sphere. */
export function distance_m(a: Position, b: Position): number {
  const [lat1, lat2] = [(a[1] * Math.PI) / 180, (b[1] * Math.PI) / 180];
  const [dLat, dLon] = [lat2 - lat1, ((b[0] - a[0]) * Math.PI) / 180];
  const s = Math.sin(dLat / 2) ** 2 + Math.cos(lat1) * Math.cos(lat2) * Math.sin(dLon / 2) ** 2;
  return 2 * EARTH_M * Math.asin(Math.sqrt(s));
}

/** A ring around a place; of a few hundred metres, so a plane is near enough. */
export function circle(center: Position, radius_m: number): Position[] {
  const north = ((radius_m / EARTH_M) * 180) / Math.PI;
  const east = north / Math.cos((center[1] * Math.PI) / 180);
  return Array.from({ length: ROUND + 1 }, (_, i) => {
    const angle = (2 * Math.PI * i) / ROUND;
    return [center[0] + east * Math.sin(angle), center[1] + north * Math.cos(angle)];
  });
}

/** GeoJSON geometry as the controller takes it; of a circle its middle. */
export function geometryOf({ shape, points }: Drawn): GeoJSON.Point | GeoJSON.LineString | GeoJSON.Polygon {
  const [first = [0, 0]] = points;
  if (shape === "polygon") return { type: "Polygon", coordinates: [[...points, first]] };
  if (shape === "line") return { type: "LineString", coordinates: points };
  return { type: "Point", coordinates: first };
}

export function shapeOf(drawn: Drawn): GeoJSON.FeatureCollection {
  const { points, radius_m } = drawn;
  const geometries: GeoJSON.Geometry[] = points.map((coordinates) => ({ type: "Point", coordinates }));
  const [center] = points;
  if (center && radius_m !== null) geometries.push({ type: "Polygon", coordinates: [circle(center, radius_m)] });
  else if (drawn.shape === "polygon" && points.length >= 3) geometries.push(geometryOf(drawn));
  else if (points.length >= 2) geometries.push({ type: "LineString", coordinates: points });
  return {
    type: "FeatureCollection",
    features: geometries.map((geometry) => ({ type: "Feature", properties: {}, geometry })),
  };
}

/** What is closed for a time. */
export function closedOf(closures: Iterable<Closure>): GeoJSON.FeatureCollection {
  const features = [...closures].map(({ zone, reason }): GeoJSON.Feature => {
    const rings = [zone.area, ...zone.holes].map((ring) => [...ring, ring[0] ?? [0, 0]]);
    return {
      type: "Feature",
      properties: { name: zone.name || reason },
      geometry: { type: "Polygon", coordinates: rings },
    };
  });
  return { type: "FeatureCollection", features };
}

export function drawLayers(): LayerSpecification[] {
  return [
    {
      id: "closure-fill",
      type: "fill",
      source: "closures",
      paint: { "fill-color": "#f43f5e", "fill-opacity": 0.3 },
    },
    {
      id: "closure-line",
      type: "line",
      source: "closures",
      paint: { "line-color": "#fda4af", "line-width": 2.2, "line-dasharray": [3, 1.5] },
    },
    {
      id: "draw-fill",
      type: "fill",
      source: "drawing",
      filter: ["==", ["geometry-type"], "Polygon"],
      paint: { "fill-color": "#f8fafc", "fill-opacity": 0.18 },
    },
    { id: "draw-line", type: "line", source: "drawing", paint: { "line-color": "#f8fafc", "line-width": 2.4 } },
    {
      id: "draw-point",
      type: "circle",
      source: "drawing",
      filter: ["==", ["geometry-type"], "Point"],
      paint: { "circle-radius": 5, "circle-color": "#0ea5e9", "circle-stroke-color": "#fff", "circle-stroke-width": 2 },
    },
  ];
}
