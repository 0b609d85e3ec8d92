// Server-sent events: one connection for the page. The browser reconnects after a lost connection by itself; after a
// refused one (401, 429, 503) this file does, with growing pauses. A window that is hidden for a minute gives its
// connection back: a browser has six for a server, and they are shared by all windows.
import { useEffect, useRef } from "preact/hooks";
import { noteServerTime } from "../lib/clock";
import { token } from "../lib/settings";
import { Store } from "../lib/store";
import type { AlertEvent, IncidentEvent, ReloadEvent, Status, StepEvent, TickEvent, Training } from "./types";

export interface Events {
  hello: Status;
  step: StepEvent;
  tick: TickEvent;
  alert: AlertEvent;
  incident: IncidentEvent;
  reload: ReloadEvent;
  training: Training;
}

export type Link = "connecting" | "live" | "lost";

export const link = new Store<Link>("connecting");
export const status = new Store<Status | null>(null);
// The server was replaced by another version: the page that runs is that of the old one.
export const outdated = new Store(false);

const NAMES: (keyof Events)[] = ["hello", "step", "tick", "alert", "incident", "reload", "training"];
const FIRST_PAUSE_MS = 1_000;
const LAST_PAUSE_MS = 30_000;
const HIDDEN_MS = 60_000;

type Listener = (name: keyof Events, data: Events[keyof Events]) => void;
const listeners = new Set<Listener>();
let source: EventSource | null = null;
let pause = FIRST_PAUSE_MS;
let timer = 0;

export function noteStatus(now: Status): void {
  const before = status.get();
  if (before && (before.version !== now.version || before.commit !== now.commit)) outdated.set(true);
  status.set(now);
}

function deliver(name: keyof Events, text: string): void {
  let data: Events[keyof Events];
  try {
    data = JSON.parse(text);
  } catch {
    return; // A line that is no JSON is left out; the next refresh has the data.
  }
  if ("now_ms" in data) noteServerTime(data.now_ms);
  if (name === "hello") noteStatus(data as Status);
  for (const listener of [...listeners]) listener(name, data);
}

function connect(): void {
  disconnect();
  const key = token.get();
  const stream = new EventSource(`/api/v1/events${key ? `?token=${encodeURIComponent(key)}` : ""}`);
  source = stream;
  stream.onopen = () => {
    pause = FIRST_PAUSE_MS;
    link.set("live");
  };
  stream.onerror = () => {
    if (source !== stream) return;
    link.set("lost");
    if (stream.readyState !== EventSource.CLOSED) return;
    clearTimeout(timer);
    timer = window.setTimeout(connect, pause);
    pause = Math.min(pause * 2, LAST_PAUSE_MS);
  };
  for (const name of NAMES) stream.addEventListener(name, (e) => deliver(name, (e as MessageEvent<string>).data));
}

function disconnect(): void {
  clearTimeout(timer);
  source?.close();
  source = null;
}

function visibility(): void {
  clearTimeout(timer);
  if (document.hidden) {
    timer = window.setTimeout(() => {
      disconnect();
      link.set("connecting");
    }, HIDDEN_MS);
  } else if (source === null || source.readyState === EventSource.CLOSED) {
    connect();
  }
}

// Keeps the connection until the returned function is called.
export function follow(): () => void {
  connect();
  document.addEventListener("visibilitychange", visibility);
  return () => {
    document.removeEventListener("visibilitychange", visibility);
    disconnect();
  };
}

export function useEvents(listener: Listener): void {
  const latest = useRef(listener);
  latest.current = listener;
  useEffect(() => {
    const call: Listener = (name, data) => latest.current(name, data);
    listeners.add(call);
    return () => void listeners.delete(call);
  }, []);
}
