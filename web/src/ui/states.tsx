// What a view shows while it has no data: loading, nothing there, or an error with a way on.
import type { ComponentChildren } from "preact";
import type { ApiError } from "../api/client";
import type { Loaded } from "../api/use";

export const Loading = ({ lines = 4 }: { lines?: number }) => (
  <div class="loading" role="status" aria-label="Loading">
    {Array.from({ length: lines }, (_, i) => (
      <div key={i} />
    ))}
  </div>
);

export const Empty = ({ title, children }: { title: string; children?: ComponentChildren }) => (
  <div class="empty">
    <p>{title}</p>
    {children && <div class="dim">{children}</div>}
  </div>
);

function titleOf(error: ApiError): string {
  switch (error.status) {
    case 0:
      return "No answer";
    case 401:
      return "A token is needed";
    case 403:
      return "Not allowed";
    case 404:
      return "Not found";
    case 429:
      return "Too many requests";
    default:
      return error.status >= 500 ? "The server failed" : "The request was refused";
  }
}

export const Failed = ({ error, retry }: { error: ApiError; retry: () => void }) => (
  <div class="failed" role="alert">
    <p>
      <b>{titleOf(error)}.</b> {error.message}
    </p>
    <button type="button" onClick={retry}>
      Try again
    </button>
  </div>
);

// The data, or the state that stands for it. Old data stays visible below an error.
export function Await<T>({
  of,
  lines,
  children,
}: {
  of: Loaded<T>;
  lines?: number;
  children: (data: T) => ComponentChildren;
}) {
  if (of.data === null)
    return of.error && !of.loading ? <Failed error={of.error} retry={of.reload} /> : <Loading lines={lines} />;
  return (
    <>
      {of.error && <Failed error={of.error} retry={of.reload} />}
      {children(of.data)}
    </>
  );
}
