// Requests to /api/v1 of the same origin.
import { Store } from "../lib/store";
import { token } from "../lib/settings";
import { noteServerTime } from "../lib/clock";

export class ApiError extends Error {
  constructor(
    readonly status: number, // 0: the server was not reached
    message: string,
  ) {
    super(message);
  }
}

// The server asks for a token; "unknown": it does not know the one it got.
export const needsToken = new Store<"no" | "missing" | "unknown">("no");

export type Query = Record<string, string | number | boolean | null | undefined>;

export function address(path: string, query: Query = {}): string {
  const parts = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== "") parts.set(key, String(value));
  }
  const text = parts.toString().replaceAll("%2C", ","); // A list is `a,b`.
  return `/api/v1/${path}${text ? `?${text}` : ""}`;
}

async function problemOf(response: Response): Promise<ApiError> {
  let detail = "";
  try {
    const body = (await response.json()) as { detail?: string; title?: string };
    detail = body.detail || body.title || "";
  } catch {
    // No problem document: the status has to do.
  }
  return new ApiError(response.status, detail || `The server answered ${response.status} ${response.statusText}.`);
}

async function send<T>(path: string, init: RequestInit): Promise<T> {
  const sent = token.get();
  const headers = new Headers(init.headers);
  headers.set("Accept", "application/json");
  if (sent) headers.set("Authorization", `Bearer ${sent}`);
  let response: Response;
  try {
    response = await fetch(path, { ...init, headers, cache: "no-store", credentials: "omit" });
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new ApiError(0, "The server cannot be reached.");
  }
  if (response.status === 401) needsToken.set(sent ? "unknown" : "missing");
  if (!response.ok) throw await problemOf(response);
  const body = (await response.json()) as T & { now_ms?: number };
  if (typeof body.now_ms === "number") noteServerTime(body.now_ms);
  return body;
}

export function get<T>(path: string, query?: Query, signal?: AbortSignal): Promise<T> {
  return send<T>(address(path, query), { signal });
}

export function post<T>(path: string, body: unknown): Promise<T> {
  return send<T>(address(path), {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
}
