// What the user chose. It stays in this browser.
import { Store } from "./store";

export type Theme = "auto" | "light" | "dark";
export type Zone = "utc" | "local";

const KEYS = { theme: "netflowgen.theme", zone: "netflowgen.zone", token: "netflowgen.token" };

// Storage may be refused by the browser: then a choice holds until the page is closed.
function read(storage: () => Storage, key: string): string | null {
  try {
    return storage().getItem(key);
  } catch {
    return null;
  }
}

function write(storage: () => Storage, key: string, value: string | null): void {
  try {
    if (value === null) storage().removeItem(key);
    else storage().setItem(key, value);
  } catch {
    // Nothing to do.
  }
}

const local = () => localStorage;
const session = () => sessionStorage;

const oneOf = <T extends string>(value: string | null, allowed: readonly T[], usual: T): T =>
  allowed.find((x) => x === value) ?? usual;

export const theme = new Store<Theme>(oneOf(read(local, KEYS.theme), ["auto", "light", "dark"], "auto"));
export const zone = new Store<Zone>(oneOf(read(local, KEYS.zone), ["utc", "local"], "utc"));
export const token = new Store<string | null>(read(session, KEYS.token) ?? read(local, KEYS.token));

export function chooseTheme(value: Theme): void {
  write(local, KEYS.theme, value);
  applyTheme(value);
  theme.set(value);
}

export function chooseZone(value: Zone): void {
  write(local, KEYS.zone, value);
  zone.set(value);
}

// A token is kept for this tab, or in this browser where the user asks for it.
export function chooseToken(value: string | null, keep: boolean): void {
  write(session, KEYS.token, keep ? null : value);
  write(local, KEYS.token, keep ? value : null);
  token.set(value);
}

const dark = matchMedia("(prefers-color-scheme: dark)");

// The style sheet knows light and dark only.
export function applyTheme(value: Theme = theme.get()): void {
  const chosen = value === "auto" ? (dark.matches ? "dark" : "light") : value;
  document.documentElement.dataset.theme = chosen;
}

dark.addEventListener("change", () => applyTheme());
