/** Starts the page: sign in, then the map and the lists, fed by the stream. */

import "maplibre-gl/dist/maplibre-gl.css";
import "./style.css";
import "./plan.css";
import "./desk.css";
import { Api, ApiError } from "./api";
import { h } from "./dom";
import { language, onLanguage, t } from "./i18n";
import { MapView } from "./map/view";
import { EvidenceCache } from "./panels/evidence";
import { Cockpit } from "./panels/cockpit";
import { Calls } from "./panels/desk/calls";
import { Closures } from "./panels/desk/closures";
import { Desk } from "./panels/desk/desk";
import { OrderSheet } from "./panels/desk/order/sheet";
import { Incidents } from "./panels/incidents";
import { Layers } from "./panels/layers";
import { Gantt } from "./panels/plan/gantt";
import { SignIn } from "./panels/signin";
import { Tabs } from "./panels/tabs";
import { Topbar } from "./panels/topbar";
import { forgetToken, keepToken, savedToken } from "./session";
import { Store, type Topic } from "./store";
import { Stream } from "./stream";
import type { CityMap, Me } from "./types";

/** How often the lists are drawn though nothing has come, so that ages grow. */
const REFRESH_MS = 2_000;
/** How often the recent flights are asked for. */
const FLIGHTS_MS = 15_000;

const root = document.getElementById("app");
if (!root) throw new Error("the page has no #app");
const app = root;
let signInForm: SignIn | null = null;

function showSignIn(message: string): void {
  const form = new SignIn(async (token) => {
    const problem = await enter(token);
    if (problem === null) signInForm = null;
    return problem;
  });
  signInForm = form;
  form.say(message);
  app.replaceChildren(form.element);
  form.focus();
}

/** Tries a token; opens the page with it, or says what is wrong. */
async function enter(token: string): Promise<string | null> {
  const api = new Api(token);
  let city: CityMap;
  try {
    city = await api.map();
  } catch (error) {
    if (error instanceof ApiError && error.unauthorized) forgetToken();
    return problemOf(error);
  }
  keepToken(token);
  openPage(api, city, await whoAmI(api));
  return null;
}

/** Who the token is; null where the controller does not say (it still refuses what it must). */
async function whoAmI(api: Api): Promise<Me | null> {
  try {
    return await api.me();
  } catch (error) {
    if (error instanceof ApiError) {
      console.warn("who the token is could not be asked:", error.message);
      return null;
    }
    throw error;
  }
}

function problemOf(error: unknown): string {
  if (!(error instanceof ApiError)) return t("unreachable", { detail: String(error) });
  if (error.unauthorized) return t("token_wrong");
  if (error.status === 403) return t("token_role", { detail: error.message });
  return t("unreachable", { detail: error.message });
}

function openPage(api: Api, city: CityMap, me: Me | null): void {
  const store = new Store();
  const evidence = new EvidenceCache(api);
  const view = new MapView(store);
  const stream = new Stream((signal) => api.stream(signal), {
    event: (name, data) => {
      store.apply(name, data);
      if (name === "state") void askWhole(api, store);
    },
    status: (status) => store.setLink(status),
    refused: (error) => leave(error.unauthorized ? t("token_expired") : problemOf(error)),
  });
  const leave = (message: string): void => {
    stream.stop();
    evidence.clear();
    forgetToken();
    // a fresh page has no timer, marker or picture of the one before
    sessionStorage.setItem(FAREWELL, message);
    location.reload();
  };
  const topbar = new Topbar(store, { signOut: () => leave(""), retry: () => stream.retryNow() });
  const calls: Calls = new Calls(store, api, view, () => desk.show(calls));
  const desk: Desk = new Desk(store, [calls, new Closures(store, api, view), new OrderSheet(store, api, view)]);
  const incidents = new Incidents(store, api, evidence, (place, note) => void calls.sendTo(place, note));
  const tabs = new Tabs(store, api);
  const cockpit = new Cockpit(store, api, view);
  const plan = new Gantt(store);
  const layers = new Layers(view, plan);
  app.replaceChildren(
    topbar.element,
    topbar.lostBar,
    h(
      "main",
      { class: "page" },
      h(
        "div",
        { class: "left" },
        h("div", { class: "map-box" }, view.element, layers.element, desk.bar, cockpit.element),
        desk.element,
        plan.element,
      ),
      h("aside", { class: "side" }, incidents.element, tabs.element),
    ),
  );
  const draw = (topics: ReadonlySet<Topic>): void => {
    topbar.update();
    if (ofAny(topics, "incidents", "city", "session", "selection")) incidents.update();
    if (ofAny(topics, "sites", "drones", "docks", "orders", "flights", "city", "session", "selection")) {
      tabs.update();
    }
    if (ofAny(topics, "drones", "session", "city", "selection")) cockpit.update();
    if (ofAny(topics, "calls", "closures", "session", "city")) desk.update();
    const { selection } = store;
    if (!topics.has("selection") || !selection) return;
    if (selection.kind === "incident") incidents.reveal(selection.id);
    else if (selection.kind === "call") desk.show(calls);
    else tabs.reveal(selection.kind, selection.id);
  };
  store.subscribe(draw);
  onLanguage(() => {
    layers.update();
    plan.relabel();
    draw(new Set(["city"]));
  });
  setInterval(() => {
    tabs.update();
    incidents.update();
  }, REFRESH_MS);
  const askFlights = async (): Promise<void> => {
    try {
      store.setFlights(await api.flights());
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      console.info("flights could not be asked for:", error.message);
    }
  };
  setInterval(() => void askFlights(), FLIGHTS_MS);
  void askFlights();
  layers.update();
  store.setCity(city);
  store.setMe(me);
  view.start();
  void stream.run();
}

/** Asks for what the stream tells only the changes of. */
async function askWhole(api: Api, store: Store): Promise<void> {
  const tried = async (what: string, ask: () => Promise<void>): Promise<void> => {
    try {
      await ask();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      console.info(`${what} could not be asked for:`, error.message);
    }
  };
  await Promise.all([
    tried("plan", async () => store.setPlan(await api.plan())),
    tried("cells", async () => store.setCells(await api.cells())),
    tried("closures", async () => store.setClosures(await api.closures())),
  ]);
}

function ofAny(topics: ReadonlySet<Topic>, ...wanted: Topic[]): boolean {
  return wanted.some((topic) => topics.has(topic));
}

const FAREWELL = "skybeat.farewell";

async function start(): Promise<void> {
  setDocumentLanguage();
  onLanguage(() => {
    setDocumentLanguage();
    signInForm?.update();
  });
  const farewell = sessionStorage.getItem(FAREWELL) ?? "";
  sessionStorage.removeItem(FAREWELL);
  const token = savedToken();
  if (token === null) return showSignIn(farewell);
  const problem = await enter(token);
  if (problem !== null) showSignIn(problem);
}

function setDocumentLanguage(): void {
  document.documentElement.lang = language() === "zh" ? "zh-CN" : "en";
}

void start();
