// The address: "#/nodes/192.0.2.1?last=1h". The fragment names the view, so that any server of files can serve the page.
import { Store } from "./store";

export interface Route {
  path: string[]; // Decoded segments; [] is the overview.
  query: Record<string, string>;
}

export function parse(hash: string): Route {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  const segments = path
    .split("/")
    .filter((s) => s !== "")
    .map(decode);
  return { path: segments, query: Object.fromEntries(new URLSearchParams(query)) };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export const route = new Store<Route>(parse(location.hash));
window.addEventListener("hashchange", () => route.set(parse(location.hash)));

export function format(path: string[], query: Record<string, string | undefined> = {}): string {
  const parts = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) if (value !== undefined && value !== "") parts.set(key, value);
  const text = parts.toString();
  return `#/${path.map(encodeURIComponent).join("/")}${text ? `?${text}` : ""}`;
}

const TIME_KEYS = ["last", "from", "to"] as const;

// A link to another view; the chosen time goes along.
export function href(path: string[], query: Record<string, string | undefined> = {}): string {
  const kept: Record<string, string | undefined> = {};
  for (const key of TIME_KEYS) kept[key] = route.get().query[key];
  if (query.last || query.from) for (const key of TIME_KEYS) delete kept[key];
  return format(path, { ...kept, ...query });
}

// Changes the query of the view that is shown. `undefined` removes a key.
export function setQuery(change: Record<string, string | undefined>, replace = false): void {
  const now = route.get();
  go(format(now.path, { ...now.query, ...change }), replace);
}

export function go(hash: string, replace = false): void {
  if (replace) history.replaceState(null, "", hash);
  else history.pushState(null, "", hash);
  route.set(parse(hash));
}
