// Asks for one resource again and again: when it is told that the answer is old, and after failures that may pass.
import { bounds, type Range } from "../lib/range";
import { ApiError, get, type Query } from "./client";
import type { Events } from "./live";

export interface Wish {
  query?: Query;
  range?: Range; // Becomes `from` and `to` at the time of the request.
  on?: (keyof Events)[]; // Events that make the answer old.
  hidden?: boolean; // Refreshed also while the window is hidden.
}

export interface Answer<T> {
  data: T | null;
  error: ApiError | null;
  loading: boolean;
}

const LEAST_PAUSE_MS = 2_000; // Between two requests.
const MOST_PAUSE_MS = 60_000;
const PIXELS = 300; // A range is not asked for again before it has moved by one of so many parts.
const FIRST_RETRY_MS = 5_000;
const LAST_RETRY_MS = 60_000;

// A long range moves slowly, and two fixed times do not move; but an alert is news everywhere.
function pauseFor(range: Range | undefined, event: keyof Events | null): number {
  if (!range || event === "alert") return LEAST_PAUSE_MS;
  if ("from" in range) return MOST_PAUSE_MS;
  return Math.min(MOST_PAUSE_MS, Math.max(LEAST_PAUSE_MS, range.last / PIXELS));
}

const mayPass = (error: ApiError): boolean => error.status === 0 || error.status === 429 || error.status >= 500;

// Invariants: 1. At most one request is on its way. 2. A request that is on its way is not given up for a refresh, or a
// slow server would never answer. 3. After close() nothing is published.
export class Refresher<T> {
  private abort = new AbortController();
  private answer: Answer<T>;
  private busy = false;
  private again = false;
  private began = 0;
  private timer = 0;
  private due = Infinity;
  private retry = FIRST_RETRY_MS;

  constructor(
    private path: string,
    private wish: Wish,
    old: T | null,
    private publish: (answer: Answer<T>) => void,
  ) {
    this.answer = { data: old, error: null, loading: true };
  }

  load(): void {
    if (this.busy) {
      this.again = true;
      return;
    }
    this.stopTimer();
    this.busy = true;
    this.began = Date.now();
    this.set({ loading: true });
    const { query, range } = this.wish;
    get<T>(this.path, { ...query, ...(range && bounds(range)) }, this.abort.signal).then(
      (data) => this.finished({ data, error: null, loading: false }),
      (error) =>
        this.finished({ error: error instanceof ApiError ? error : new ApiError(0, String(error)), loading: false }),
    );
  }

  // Soon, but not more often than the picture can change.
  refresh(event: keyof Events | null): void {
    if (document.hidden && !this.wish.hidden) return;
    this.at(this.began + pauseFor(this.wish.range, event));
  }

  age(): number {
    return Date.now() - this.began;
  }

  close(): void {
    this.stopTimer();
    this.abort.abort();
  }

  private finished(change: Partial<Answer<T>>): void {
    if (this.abort.signal.aborted) return;
    this.busy = false;
    this.set(change);
    const error = change.error ?? null;
    if (error && mayPass(error)) {
      this.at(Date.now() + this.retry);
      this.retry = Math.min(this.retry * 2, LAST_RETRY_MS);
    } else {
      this.retry = FIRST_RETRY_MS;
    }
    if (this.again) {
      this.again = false;
      this.refresh("alert");
    }
  }

  private at(time: number): void {
    if (time >= this.due) return;
    this.stopTimer();
    this.due = time;
    this.timer = window.setTimeout(() => this.load(), Math.max(0, time - Date.now()));
  }

  private stopTimer(): void {
    clearTimeout(this.timer);
    this.due = Infinity;
  }

  private set(change: Partial<Answer<T>>): void {
    this.answer = { ...this.answer, ...change };
    this.publish(this.answer);
  }
}
