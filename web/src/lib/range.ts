// The time that is shown: the latest minutes, or two fixed times.
import { serverNow } from "./clock";
import { setQuery, type Route } from "./route";

export type Range = { last: number } | { from: number; to: number };

export const PRESETS: [string, number, string][] = [
  ["15m", 15 * 60e3, "15 minutes"],
  ["1h", 3600e3, "1 hour"],
  ["6h", 6 * 3600e3, "6 hours"],
  ["24h", 24 * 3600e3, "24 hours"],
  ["7d", 7 * 86400e3, "7 days"],
  ["30d", 30 * 86400e3, "30 days"],
];
const USUAL = "1h";

export function rangeOf(route: Route): Range {
  const from = Number(route.query.from);
  const to = Number(route.query.to);
  if (route.query.from && route.query.to && from >= 0 && to > from) return { from, to };
  const preset = PRESETS.find(([name]) => name === (route.query.last ?? USUAL)) ?? PRESETS[1]!;
  return { last: preset[1] };
}

export const presetOf = (range: Range): string | null =>
  "last" in range ? (PRESETS.find(([, ms]) => ms === range.last)?.[0] ?? null) : null;

// For a request, at the time of the request.
export function bounds(range: Range): { from: number; to?: number } {
  if ("from" in range) return { from: Math.round(range.from), to: Math.round(range.to) };
  return { from: Math.max(0, Math.round(serverNow() - range.last)) };
}

// What an axis shows: all of the chosen time, so that what is missing at its end is seen.
export function ends(range: Range): { from: number; to: number } {
  if ("from" in range) return range;
  const now = serverNow();
  return { from: now - range.last, to: now };
}

export function showLast(name: string): void {
  setQuery({ last: name === USUAL ? undefined : name, from: undefined, to: undefined });
}

export function showBetween(from: number, to: number): void {
  if (to > from) setQuery({ last: undefined, from: String(Math.round(from)), to: String(Math.round(to)) });
}
