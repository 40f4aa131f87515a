/** The map: base, routes, trails and the markers on it. */

import { LngLatBounds, Map as GlMap, NavigationControl, ScaleControl, setWorkerUrl, type GeoJSONSource } from "maplibre-gl";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?url";
import { h } from "../dom";
import { language, onLanguage, t } from "../i18n";
import type { Store, Topic } from "../store";
import type { Position } from "../types";
import { CellAges, cellsOf } from "./cells";
import { Draw } from "./draw";
import { closedOf, type Drawn, type Shape } from "./drawing";
import { Markers, stateColor } from "./markers";
import { areasOf, baseStyle, EMPTY, lasting, nameField, namesOf, OVERLAYS, type Overlay } from "./style";

const FIT = { padding: { top: 70, right: 60, bottom: 50, left: 60 }, maxZoom: 15 } as const;
const EVERYTHING: ReadonlySet<Topic> = new Set(["city", "drones", "docks", "sites", "incidents", "calls"]);
/** A click that moved farther was a drag of the map. */
const DRAGGED_PX = 5;

export class MapView {
  readonly element = h("div", { class: "map", role: "region" });
  private map: GlMap | null = null;
  private ready = false;
  private endPick: (() => void) | null = null;
  private markers: Markers | null = null;
  private ages: CellAges | null = null;
  private drawer: Draw | null = null;
  /** How many closures the areas were drawn without. */
  private passing = 0;

  constructor(private readonly store: Store) {
    this.element.setAttribute("aria-label", t("map_label"));
  }

  /** Draws the map. Where WebGL is missing it says so, and the rest of the page goes on. */
  start(): void {
    setWorkerUrl(new URL(workerUrl, document.baseURI).href);
    const origin = this.store.city?.city.origin;
    try {
      this.map = new GlMap({
        container: this.element,
        style: baseStyle(language()),
        center: origin ?? [0, 0],
        zoom: 12,
        attributionControl: false,
        dragRotate: false,
        pitchWithRotate: false,
        touchPitch: false,
        maxPitch: 0,
        fadeDuration: 0,
      });
    } catch (error) {
      console.warn("map:", error);
      this.element.replaceChildren(h("p", { class: "map-failed", role: "alert" }, t("map_failed")));
      return;
    }
    this.map.touchZoomRotate.disableRotation();
    this.map.keyboard.disableRotation();
    this.map.addControl(new NavigationControl({ showCompass: false }), "bottom-right");
    this.map.addControl(new ScaleControl({ unit: "metric" }), "bottom-left");
    this.markers = new Markers(this.map, this.store);
    this.ages = new CellAges(this.map, this.store);
    this.drawer = new Draw(this.map, () => this.pick(), () => this.cancelPick());
    this.element.append(this.ages.legend, this.ages.tip, this.drawer.bar);
    this.map.on("load", () => {
      this.ready = true;
      this.drawCity();
      this.drawTracks();
      this.drawFlown();
      this.drawClosures();
    });
    this.fit(false);
    onLanguage(() => this.onLanguage());
    this.store.subscribe((topics) => {
      if (topics.has("city")) this.drawCity();
      if (topics.has("drones") || topics.has("selection")) this.drawTracks();
      if (topics.has("flown")) this.drawFlown(true);
      if (topics.has("closures")) this.drawClosures();
      if (topics.has("cells") && this.ready) this.ages?.update();
      if (topics.has("selection")) this.showSelection();
      this.markers?.update(topics);
    });
    this.markers.update(EVERYTHING);
  }

  /** Waits for a click on the map; null where Escape, or a later call, comes first. */
  pick(): Promise<Position | null> {
    this.endPick?.();
    const { element } = this;
    return new Promise((resolve) => {
      const listening = new AbortController();
      const end = (position: Position | null): void => {
        this.endPick = null;
        listening.abort();
        element.classList.remove("picking");
        resolve(position);
      };
      this.endPick = () => end(null);
      if (!this.map) return end(null);
      element.classList.add("picking");
      let down = { x: 0, y: 0 };
      // before the markers get it: a place under one can be meant as well
      const early = { capture: true, signal: listening.signal };
      element.addEventListener("pointerdown", (event) => (down = event), early);
      element.addEventListener(
        "click",
        (event) => {
          if (Math.hypot(event.clientX - down.x, event.clientY - down.y) > DRAGGED_PX) return;
          const target = event.target as Element;
          if (target.closest(".maplibregl-ctrl, .draw-bar") || !this.map) return;
          event.stopPropagation();
          const box = element.getBoundingClientRect();
          const place = this.map.unproject([event.clientX - box.left, event.clientY - box.top]);
          end([place.lng, place.lat]);
        },
        early,
      );
      const onKey = (event: KeyboardEvent) => event.key === "Escape" && end(null);
      window.addEventListener("keydown", onKey, { signal: listening.signal });
    });
  }

  cancelPick(): void {
    this.endPick?.();
  }

  /** Waits for a shape to be drawn; null where it is given up, or there is no map. */
  async draw(shape: Shape): Promise<Drawn | null> {
    this.endPick?.();
    // a drawing that was going on ends in its own turn first
    await Promise.resolve();
    return this.drawer?.start(shape) ?? null;
  }

  /** Shows a shape that was drawn, or none any more. */
  put(drawn: Drawn | null): void {
    if (this.ready) this.drawer?.put(drawn);
  }

  /** Turns one of the overlays on or off. */
  setOverlay(overlay: Overlay, on: boolean): void {
    if (!this.map || !this.ready) return;
    for (const id of OVERLAYS[overlay]) {
      this.map.setLayoutProperty(id, "visibility", on ? "visible" : "none");
    }
    if (overlay === "ages") this.ages?.show(on);
  }

  /** Shows the whole city. */
  fit(animate = true): void {
    let [west, south, east, north] = [180, 90, -180, -90];
    for (const { geometry } of this.store.city?.features ?? []) {
      const points = geometry.type === "Point" ? [geometry.coordinates] : geometry.coordinates.flat();
      for (const [lon = 0, lat = 0] of points) {
        [west, east] = [Math.min(west, lon), Math.max(east, lon)];
        [south, north] = [Math.min(south, lat), Math.max(north, lat)];
      }
    }
    if (west > east) return;
    this.map?.fitBounds([west, south, east, north], { ...FIT, animate });
  }

  /** Draws the track that was asked for, and shows all of it. */
  private drawFlown(show = false): void {
    if (!this.ready || !this.map) return;
    const track = this.store.flown?.track ?? EMPTY;
    void this.source("flown")?.setData(track);
    const bounds = new LngLatBounds();
    for (const { geometry } of track.features) {
      if (geometry?.type !== "LineString") continue;
      for (const [lon = 0, lat = 0] of geometry.coordinates) bounds.extend([lon, lat]);
    }
    if (show && !bounds.isEmpty()) this.map.fitBounds(bounds, FIT);
  }

  private drawClosures(): void {
    if (!this.ready) return;
    void this.source("closures")?.setData(closedOf(this.store.closures.values()));
    if (this.passing !== this.store.passing.size) this.drawAreas();
  }

  private source(name: string): GeoJSONSource | undefined {
    return this.map?.getSource<GeoJSONSource>(name);
  }

  private drawCity(): void {
    const city = this.store.city;
    if (!this.ready || !city) return;
    void this.source("cells")?.setData(cellsOf(city));
    this.ages?.begin();
    this.drawAreas();
  }

  private drawAreas(): void {
    if (!this.store.city) return;
    this.passing = this.store.passing.size;
    const city = lasting(this.store.city, this.store.passing);
    void this.source("city")?.setData(areasOf(city));
    void this.source("names")?.setData(namesOf(city));
  }

  private drawTracks(): void {
    if (!this.ready) return;
    const routes: GeoJSON.Feature[] = [];
    const trails: GeoJSON.Feature[] = [];
    for (const drone of this.store.drones.values()) {
      const selected = this.isSelected("drone", drone.id);
      const properties = { selected, color: stateColor(drone.state) };
      if (drone.sortie !== null) push(routes, drone.route, properties);
      push(trails, this.store.trail(drone.id), properties);
    }
    void this.source("routes")?.setData({ ...EMPTY, features: routes });
    void this.source("trails")?.setData({ ...EMPTY, features: trails });
  }

  private isSelected(kind: string, id: string): boolean {
    const selection = this.store.selection;
    return selection?.kind === kind && selection.id === id;
  }

  private showSelection(): void {
    const selection = this.store.selection;
    if (!selection || !this.map) return;
    const position = this.positionOf(selection.kind, selection.id);
    if (!position) return;
    this.map.easeTo({ center: position, zoom: Math.max(this.map.getZoom(), 14), duration: 500 });
  }

  private positionOf(kind: string, id: string): Position | null {
    if (kind === "dock" || kind === "site") return this.store.position(kind, id);
    if (kind === "call") {
      const call = this.store.calls.get(id);
      return call ? [call.lon, call.lat] : null;
    }
    if (kind === "incident") {
      const incident = this.store.incidents.get(id);
      return incident ? [incident.lon, incident.lat] : null;
    }
    const drone = this.store.drones.get(id);
    const telemetry = drone?.telemetry;
    if (telemetry && telemetry.lon !== null && telemetry.lat !== null) {
      return [telemetry.lon, telemetry.lat];
    }
    return drone ? this.store.position("dock", drone.dock) : null;
  }

  private onLanguage(): void {
    this.element.setAttribute("aria-label", t("map_label"));
    if (this.map && this.ready) {
      for (const id of OVERLAYS.names) {
        this.map.setLayoutProperty(id, "text-field", nameField(language()));
      }
    }
    this.markers?.update(EVERYTHING);
    this.ages?.update();
  }
}

function push(
  features: GeoJSON.Feature[],
  line: readonly Position[],
  properties: Record<string, unknown>,
): void {
  if (line.length < 2) return;
  const geometry: GeoJSON.LineString = { type: "LineString", coordinates: [...line] };
  features.push({ type: "Feature", properties, geometry });
}
