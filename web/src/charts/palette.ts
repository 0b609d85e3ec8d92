// Colours are those of the style sheet, so that one place defines them for light and dark.
import { theme } from "../lib/settings";

export type Ink =
  | "line"
  | "line-2"
  | "band"
  | "band-2"
  | "median"
  | "grid"
  | "axis"
  | "over"
  | "accent"
  | "low"
  | "medium"
  | "high"
  | "critical"
  | `s${number}`;

const cache = new Map<string, string>();

export function ink(name: Ink): string {
  let value = cache.get(name);
  if (value === undefined) {
    value = getComputedStyle(document.documentElement).getPropertyValue(`--c-${name}`).trim() || "#888";
    cache.set(name, value);
  }
  return value;
}

const repaints = new Set<() => void>();

// Calls `repaint` when colours have changed.
export function onColours(repaint: () => void): () => void {
  repaints.add(repaint);
  return () => void repaints.delete(repaint);
}

function changed(): void {
  cache.clear();
  for (const repaint of repaints) repaint();
}

theme.listen(changed);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);

export const SERIES_COLOURS = 10;
export const seriesInk = (i: number): Ink => `s${i % SERIES_COLOURS}`;
export const fade = (colour: string, alpha: string): string =>
  /^#[0-9a-f]{6}$/i.test(colour) ? colour + alpha : colour;
