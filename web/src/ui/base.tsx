// Small parts that every page uses.
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Severity } from "../api/types";
import { ago, exact, moment } from "../lib/format";
import { serverNow } from "../lib/clock";
import { href } from "../lib/route";

export function Panel(props: {
  title: ComponentChildren;
  side?: ComponentChildren;
  id?: string;
  class?: string;
  children: ComponentChildren;
}) {
  return (
    <section class={`panel ${props.class ?? ""}`} id={props.id}>
      <header>
        <h2>{props.title}</h2>
        {props.side && <div class="side">{props.side}</div>}
      </header>
      {props.children}
    </section>
  );
}

export function Head(props: { title: ComponentChildren; note?: ComponentChildren; children?: ComponentChildren }) {
  return (
    <div class="head">
      <div>
        <h1 tabIndex={-1}>{props.title}</h1>
        {props.note && <p class="note">{props.note}</p>}
      </div>
      <div class="tools">{props.children}</div>
    </div>
  );
}

export const NodeLink = ({ node }: { node: string }) => (
  <a class="mono" href={href(["nodes", node])}>
    {node}
  </a>
);

export function Time({ ms, relative }: { ms: number | null | undefined; relative?: boolean }) {
  if (ms === null || ms === undefined) return <span class="dim">–</span>;
  return (
    <time dateTime={new Date(ms).toISOString()} title={exact(ms)}>
      {relative ? ago(ms, serverNow()) : moment(ms)}
    </time>
  );
}

const SHAPES: Record<Severity, string> = { low: "▁", medium: "▃", high: "▅", critical: "▇" };

export const SeverityTag = ({ severity }: { severity: Severity }) => (
  <span class={`severity ${severity}`}>
    <i aria-hidden="true">{SHAPES[severity]}</i>
    {severity}
  </span>
);

export const Tag = ({
  children,
  tone,
  title,
}: {
  children: ComponentChildren;
  tone?: "good" | "warn" | "bad" | "calm";
  title?: string;
}) => (
  <span class={`tag ${tone ?? ""}`} title={title}>
    {children}
  </span>
);

export function Stat({
  name,
  children,
  note,
  tone,
}: {
  name: string;
  children: ComponentChildren;
  note?: ComponentChildren;
  tone?: "warn" | "bad";
}) {
  return (
    <div class={`stat ${tone ?? ""}`}>
      <dt>{name}</dt>
      <dd>
        {children}
        {note && <small>{note}</small>}
      </dd>
    </div>
  );
}

export function Segmented<T extends string>(props: {
  label: string;
  value: T;
  options: readonly (readonly [T, string])[];
  onChange: (value: T) => void;
}) {
  return (
    <div class="segmented" role="group" aria-label={props.label}>
      {props.options.map(([value, text]) => (
        <button key={value} type="button" aria-pressed={value === props.value} onClick={() => props.onChange(value)}>
          {text}
        </button>
      ))}
    </div>
  );
}

export function Choice<T extends string>(props: {
  label: string;
  value: T;
  options: readonly (readonly [T, string])[];
  onChange: (value: T) => void;
}) {
  return (
    <label class="choice">
      <span>{props.label}</span>
      <select value={props.value} onChange={(e) => props.onChange(e.currentTarget.value as T)}>
        {props.options.map(([value, text]) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}

const TYPING_PAUSE_MS = 300;

// Calls back when typing pauses, and at once for Enter.
export function SearchBox(props: {
  label: string;
  value: string;
  placeholder?: string;
  onChange: (value: string) => void;
}) {
  const [text, setText] = useState(props.value);
  const timer = useRef(0);
  useEffect(() => setText(props.value), [props.value]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const typed = (value: string) => {
    setText(value);
    clearTimeout(timer.current);
    timer.current = window.setTimeout(() => props.onChange(value.trim()), TYPING_PAUSE_MS);
  };
  const enter = (e: JSX.TargetedKeyboardEvent<HTMLInputElement>) => {
    if (e.key !== "Enter") return;
    clearTimeout(timer.current);
    props.onChange(text.trim());
  };
  return (
    <input
      class="search"
      type="search"
      aria-label={props.label}
      placeholder={props.placeholder ?? props.label}
      value={text}
      maxLength={128}
      onInput={(e) => typed(e.currentTarget.value)}
      onKeyDown={enter}
    />
  );
}

export function CopyButton({ text, what }: { text: string; what: string }) {
  const [done, setDone] = useState<"" | "copied" | "failed">("");
  const copy = async () => {
    setDone((await copied(text)) ? "copied" : "failed");
    setTimeout(() => setDone(""), 2000);
  };
  const word = done === "copied" ? "Copied" : done === "failed" ? "Copy failed" : "Copy";
  return (
    <button type="button" class="small" onClick={copy} aria-label={done ? word : `Copy ${what}`}>
      <span aria-live="polite">{word}</span>
    </button>
  );
}

// The clipboard needs a secure origin. http://10.0.0.5:8080 is none: there a text field does it.
async function copied(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = document.createElement("textarea");
    field.value = text;
    field.className = "offscreen";
    document.body.append(field);
    field.select();
    const ok = document.execCommand("copy");
    field.remove();
    return ok;
  }
}

export function Bar({ share, tone }: { share: number | null; tone?: string }) {
  if (share === null) return null;
  return <meter class={`bar ${tone ?? ""}`} min={0} max={1} value={Math.min(1, share)} aria-hidden="true" />;
}
