// Numbers and times for people. A number that is not known is a dash, never 0.
import type { Maybe } from "../api/types";
import { serverNow } from "./clock";
import { zone, type Zone } from "./settings";

export const UNKNOWN = "–";
const PREFIXES: [number, string][] = [
  [1e15, "P"],
  [1e12, "T"],
  [1e9, "G"],
  [1e6, "M"],
  [1e3, "k"],
];

function digits(x: number): string {
  const size = Math.abs(x);
  const sign = x < 0 ? "−" : "";
  if (size >= 100) return sign + size.toFixed(0);
  if (size >= 10) return sign + trim(size.toFixed(1));
  if (size >= 1) return sign + trim(size.toFixed(2));
  return size === 0 ? "0" : sign + trim(size.toPrecision(2));
}

// Units that take a prefix. Other units are words: "7.2 k packets/s".
const PREFIXED = new Set(["", "B", "bit/s", "B/s"]);

const trim = (text: string): string => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);

// 1234567, "bit/s" -> "1.23 Mbit/s"
export function si(x: Maybe | undefined, unit = ""): string {
  if (x === null || x === undefined || Number.isNaN(x)) return UNKNOWN;
  const size = Math.abs(x);
  for (const [factor, prefix] of PREFIXES) {
    if (size >= factor * 0.9995)
      return `${digits(x / factor)}\u00a0${prefix}${PREFIXED.has(unit) || unit.startsWith("/") ? unit : `\u00a0${unit}`}`;
  }
  if (unit.startsWith("/")) return `${digits(x)}${unit}`;
  if (size !== 0 && size < 0.001) return `${x.toExponential(1)}${unit && `\u00a0${unit}`}`;
  return `${digits(x)}${unit && `\u00a0${unit}`}`;
}

export const count = (x: Maybe | undefined): string =>
  x === null || x === undefined ? UNKNOWN : Math.round(x).toLocaleString("en").replace(/,/g, "\u202f");

export const flowRecords = (n: Maybe | undefined): string => `${count(n)} flow record${n === 1 ? "" : "s"}`;

export function percent(x: Maybe | undefined): string {
  if (x === null || x === undefined) return UNKNOWN;
  const p = x * 100;
  if (p !== 0 && Math.abs(p) < 0.1) return `${p.toPrecision(1)}\u00a0%`;
  return `${trim(p.toFixed(p < 10 ? 1 : 0))}\u00a0%`;
}

// Where next to nothing was expected, the exact ratio tells nothing; nor does one below a hundredth.
const MOST_TIMES = 1000;
const LEAST_TIMES = 0.01;

export const times = (x: Maybe | undefined): string => {
  if (x === null || x === undefined) return UNKNOWN;
  if (x >= MOST_TIMES) return `>\u00a0${MOST_TIMES}\u00a0×`;
  if (x < LEAST_TIMES) return `<\u00a0${LEAST_TIMES}\u00a0×`;
  return `${digits(x)}\u00a0×`;
};

// "12 × expected". An alert may be of what a volume does not show, such as a scan.
export const timesExpected = (x: Maybe): string =>
  x === null ? "nothing expected yet" : x < 1 ? "no more than expected" : `${times(x)} expected`;

export function bytes(x: Maybe | undefined): string {
  return si(x, "B");
}

export function duration(ms: Maybe | undefined): string {
  if (ms === null || ms === undefined) return UNKNOWN;
  const sign = ms < 0 ? "−" : "";
  const s = Math.abs(ms) / 1000;
  if (s < 1) return `${sign}${Math.round(s * 1000)}\u00a0ms`;
  if (s < 60) return `${sign}${trim(s.toFixed(s < 10 ? 1 : 0))}\u00a0s`;
  const two = (a: number, x: string, b: number, y: string) => `${sign}${a}\u00a0${x}${b ? ` ${b}\u00a0${y}` : ""}`;
  if (s < 3600) return two(Math.floor(s / 60), "min", s < 600 ? Math.floor(s % 60) : 0, "s");
  if (s < 86400) return two(Math.floor(s / 3600), "h", Math.floor((s % 3600) / 60), "min");
  return two(Math.floor(s / 86400), "d", Math.floor((s % 86400) / 3600), "h");
}

// ---- Times. Two zones: UTC and that of this computer.

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const two = (x: number): string => String(x).padStart(2, "0");

export interface Parts {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
}

export function parts(ms: number, z: Zone = zone.get()): Parts {
  const d = new Date(ms);
  return z === "utc"
    ? {
        year: d.getUTCFullYear(),
        month: d.getUTCMonth(),
        day: d.getUTCDate(),
        hour: d.getUTCHours(),
        minute: d.getUTCMinutes(),
        second: d.getUTCSeconds(),
      }
    : {
        year: d.getFullYear(),
        month: d.getMonth(),
        day: d.getDate(),
        hour: d.getHours(),
        minute: d.getMinutes(),
        second: d.getSeconds(),
      };
}

export function clock(ms: number, seconds = false): string {
  const p = parts(ms);
  return `${two(p.hour)}:${two(p.minute)}${seconds ? `:${two(p.second)}` : ""}`;
}

export function day(ms: number): string {
  const p = parts(ms);
  return `${p.day} ${MONTHS[p.month]}`;
}

// "29 Nov 14:03": for lists. The year is there where it is another one than now.
export function moment(ms: Maybe | undefined, seconds = false): string {
  if (ms === null || ms === undefined) return UNKNOWN;
  const year = parts(ms).year;
  return `${day(ms)}${year === parts(serverNow()).year ? "" : ` ${year}`} ${clock(ms, seconds)}`;
}

// "2026-11-29 14:03:20 UTC": for titles and details.
export function exact(ms: Maybe | undefined): string {
  if (ms === null || ms === undefined) return UNKNOWN;
  const p = parts(ms);
  return `${p.year}-${two(p.month + 1)}-${two(p.day)} ${two(p.hour)}:${two(p.minute)}:${two(p.second)} ${zoneName(ms)}`;
}

export function zoneName(ms: number): string {
  if (zone.get() === "utc") return "UTC";
  const minutes = -new Date(ms).getTimezoneOffset();
  const size = Math.abs(minutes);
  return `UTC${minutes < 0 ? "−" : "+"}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}

export function ago(ms: Maybe | undefined, now: number): string {
  if (ms === null || ms === undefined) return UNKNOWN;
  const gap = now - ms;
  return gap < 2000
    ? "now"
    : `${duration(gap < 60e3 ? Math.round(gap / 1000) * 1000 : Math.round(gap / 60e3) * 60e3)} ago`;
}

// For <input type="datetime-local">.
export function toInput(ms: number): string {
  const p = parts(ms);
  return `${p.year}-${two(p.month + 1)}-${two(p.day)}T${two(p.hour)}:${two(p.minute)}`;
}

export function fromInput(text: string): number {
  return zone.get() === "utc" ? Date.parse(`${text}Z`) : Date.parse(text);
}
