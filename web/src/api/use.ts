// Data of one resource for a component, refreshed while it is shown.
import { useEffect, useRef, useState } from "preact/hooks";
import { token } from "../lib/settings";
import { useStore } from "../lib/store";
import { link, useEvents } from "./live";
import { Refresher, type Answer, type Wish } from "./refresher";

export interface Loaded<T> extends Answer<T> {
  reload: () => void;
}

const POLL_MS = 30_000; // Where no events come.
const OLD_MS = 2_000;

const NOTHING = { data: null, error: null, loading: true };

// `data` is the last answer, also while a newer one is awaited or has failed. `path` null: nothing is asked for.
export function useData<T>(path: string | null, wish: Wish = {}): Loaded<T> {
  const key = useStore(token);
  const [state, setState] = useState<{ of: string | null; answer: Answer<T> }>({ of: null, answer: NOTHING });
  const refresher = useRef<Refresher<T> | null>(null);
  const shown = useRef(state);
  shown.current = state;
  const live = (wish.on ?? []).length > 0;

  useEffect(() => {
    if (path === null) return;
    // Another query of the same resource replaces the answer when it is there; another resource, at once.
    const old = shown.current.of === path ? shown.current.answer.data : null;
    const mine = new Refresher<T>(path, wish, old, (answer) => setState({ of: path, answer }));
    refresher.current = mine;
    mine.load();
    return () => mine.close();
  }, [path, JSON.stringify([wish.query, wish.range]), key]);

  useEvents((name) => wish.on?.includes(name) && refresher.current?.refresh(name));

  useEffect(() => {
    if (!live) return;
    const refresh = () => refresher.current?.refresh(null);
    const poll = setInterval(() => link.get() !== "live" && refresh(), POLL_MS);
    const back = () => !document.hidden && (refresher.current?.age() ?? 0) > OLD_MS && refresh();
    document.addEventListener("visibilitychange", back);
    const reconnected = link.listen((now) => now === "live" && refresh());
    return () => {
      clearInterval(poll);
      document.removeEventListener("visibilitychange", back);
      reconnected();
    };
  }, [live]);

  const answer = state.of === path ? state.answer : NOTHING;
  return { ...answer, reload: () => refresher.current?.load() };
}
