// Data of one request, refreshed while the page lives.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { token } from "../lib/settings";
import { useStore } from "../lib/store";
import { bounds, type Range } from "../lib/range";
import { ApiError, get, type Query } from "./client";
import { link, useEvents, type Events } from "./live";

export interface Loaded<T> {
  data: T | null; // The last answer, also while a newer one is awaited or has failed.
  error: ApiError | null;
  loading: boolean;
  reload: () => void;
}

const LEAST_PAUSE_MS = 2_000; // Between two refreshes that events ask for.
const MOST_PAUSE_MS = 60_000;
const PIXELS = 300; // A range is not asked for again before it has moved by one of so many parts.
const POLL_MS = 30_000; // Without events.

export interface Wish {
  query?: Query;
  range?: Range; // Becomes `from` and `to` at the time of the request.
  on?: (keyof Events)[]; // Events that make the answer old.
}

const NONE: (keyof Events)[] = [];

// A long range moves slowly, and two fixed times do not move; but an alert is news everywhere.
function pauseFor(range: Range | undefined, event: keyof Events | null): number {
  if (!range || event === "alert") return LEAST_PAUSE_MS;
  if ("from" in range) return MOST_PAUSE_MS;
  return Math.min(MOST_PAUSE_MS, Math.max(LEAST_PAUSE_MS, range.last / PIXELS));
}

// `path` null: nothing is asked for.
export function useData<T>(path: string | null, wish: Wish = {}): Loaded<T> {
  const refreshOn = wish.on ?? NONE;
  const key = useStore(token);
  const [state, setState] = useState<{ of: string | null; data: T | null; error: ApiError | null; loading: boolean }>({
    of: null,
    data: null,
    error: null,
    loading: true,
  });
  const request = useRef<AbortController | null>(null);
  const last = useRef(0);
  const timer = useRef(0);
  const latest = useRef(wish);
  latest.current = wish;
  const identity = `${path} ${JSON.stringify([wish.query, wish.range])}`;

  const load = useCallback(() => {
    if (path === null) return;
    request.current?.abort();
    const mine = new AbortController();
    request.current = mine;
    last.current = Date.now();
    setState((s) => ({ ...s, of: path, data: s.of === path ? s.data : null, loading: true }));
    const { query, range } = latest.current;
    get<T>(path, { ...query, ...(range && bounds(range)) }, mine.signal).then(
      (data) => !mine.signal.aborted && setState({ of: path, data, error: null, loading: false }),
      (error) => {
        if (mine.signal.aborted) return;
        setState((s) => ({
          ...s,
          error: error instanceof ApiError ? error : new ApiError(0, String(error)),
          loading: false,
        }));
      },
    );
  }, [path]);

  const soon = useCallback(
    (event: keyof Events | null = null) => {
      if (path === null || document.hidden) return;
      if (timer.current) {
        if (event !== "alert") return;
        clearTimeout(timer.current);
      }
      const wait = Math.max(0, last.current + pauseFor(latest.current.range, event) - Date.now());
      timer.current = window.setTimeout(() => {
        timer.current = 0;
        load();
      }, wait);
    },
    [path, load],
  );

  useEffect(() => {
    load();
    return () => {
      request.current?.abort();
      clearTimeout(timer.current);
      timer.current = 0;
    };
  }, [identity, key, load]);

  useEvents((name) => {
    if (refreshOn.includes(name)) soon(name);
  });

  useEffect(() => {
    if (refreshOn.length === 0) return;
    const poll = window.setInterval(() => link.get() !== "live" && soon(), POLL_MS);
    const shown = () => !document.hidden && Date.now() - last.current > LEAST_PAUSE_MS && soon();
    document.addEventListener("visibilitychange", shown);
    const back = link.listen((now) => now === "live" && soon());
    return () => {
      clearInterval(poll);
      document.removeEventListener("visibilitychange", shown);
      back();
    };
  }, [soon, refreshOn.length === 0]);

  return { data: state.of === path ? state.data : null, error: state.error, loading: state.loading, reload: load };
}
