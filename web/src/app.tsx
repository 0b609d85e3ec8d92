// The frame around every view: navigation, search, connection, settings, and news for screen readers.
import { useEffect, useRef, useState } from "preact/hooks";
import { needsToken } from "./api/client";
import { follow, link, noteStatus, outdated, status, useEvents } from "./api/live";
import type { AlertSummary, Status } from "./api/types";
import { useData } from "./api/use";
import { zoneName, clock } from "./lib/format";
import { serverNow } from "./lib/clock";
import { go, href, route, type Route } from "./lib/route";
import { chooseTheme, chooseZone, theme, token, zone, type Theme, type Zone } from "./lib/settings";
import { useStore } from "./lib/store";
import { AlertPageView } from "./pages/alert";
import { AlertsView } from "./pages/alerts";
import { ExploreView } from "./pages/explore";
import { ExportersView } from "./pages/exporters";
import { ModelView } from "./pages/model";
import { NodeView } from "./pages/node";
import { NodesView } from "./pages/nodes";
import { OverviewView } from "./pages/overview";
import { TokenForm } from "./pages/token";
import { TryView } from "./pages/try";
import { SearchBox } from "./ui/base";
import { Empty } from "./ui/states";

const PAGES: [string, string][] = [
  ["", "Overview"],
  ["alerts", "Alerts"],
  ["nodes", "Nodes"],
  ["explore", "Explore"],
  ["exporters", "Exporters"],
  ["model", "Model"],
  ["try", "Try it"],
];

function View({ at }: { at: Route }) {
  const [first = "", second] = at.path;
  switch (first) {
    case "":
      return <OverviewView at={at} />;
    case "alerts":
      return second ? <AlertPageView key={second} id={second} /> : <AlertsView at={at} />;
    case "nodes":
      return second ? <NodeView key={second} node={second} at={at} /> : <NodesView at={at} />;
    case "explore":
      return <ExploreView at={at} />;
    case "exporters":
      return <ExportersView at={at} />;
    case "model":
      return <ModelView />;
    case "try":
      return <TryView />;
    default:
      return (
        <Empty title="There is no such page.">
          <a href="#/">To the overview</a>
        </Empty>
      );
  }
}

const LINK_WORDS = { live: "Live", connecting: "Connecting", lost: "Reconnecting" };

function Connection() {
  const state = useStore(link);
  const z = useStore(zone);
  const [, beat] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => beat((n) => n + 1), 1000);
    return () => clearInterval(timer);
  }, []);
  const now = serverNow();
  return (
    <div class={`connection ${state}`}>
      <span role="status">
        <i aria-hidden="true" />
        {LINK_WORDS[state]}
      </span>
      <span class="now" title={`The server's time, ${z === "utc" ? "UTC" : "in this computer's zone"}`}>
        {clock(now, true)} {zoneName(now)}
      </span>
    </div>
  );
}

function Settings() {
  const z = useStore(zone);
  const t = useStore(theme);
  const key = useStore(token);
  return (
    <div class="settings">
      <select aria-label="Time zone" value={z} onChange={(e) => chooseZone(e.currentTarget.value as Zone)}>
        <option value="utc">UTC</option>
        <option value="local">Local time</option>
      </select>
      <select aria-label="Colours" value={t} onChange={(e) => chooseTheme(e.currentTarget.value as Theme)}>
        <option value="auto">Auto</option>
        <option value="light">Light</option>
        <option value="dark">Dark</option>
      </select>
      {key && (
        <button type="button" class="small" onClick={() => needsToken.set("missing")}>
          Token
        </button>
      )}
    </div>
  );
}

// Speaks of new alerts, and counts open ones in the window's title.
function News({ title }: { title: string }) {
  const [text, setText] = useState("");
  const [open, setOpen] = useState(0);
  const now = useData<{ total: number }>("alerts", {
    query: { state: "open", suppressed: false, limit: 1 },
    on: ["alert", "hello"],
    hidden: true,
  });
  useEffect(() => {
    if (now.data) setOpen(now.data.total);
  }, [now.data]);
  useEvents((name, data) => {
    if (name !== "alert" || !("alert" in data)) return;
    const alert: AlertSummary = data.alert;
    if (data.event === "raised" && alert.suppressed === null)
      setText(`New alert, ${alert.severity}: ${alert.type} on ${alert.node}`);
  });
  useEffect(() => {
    document.title = `${open > 0 ? `(${open}) ` : ""}${title} · NetFlowGen`;
  }, [open, title]);
  return (
    <div class="offscreen" aria-live="polite">
      {text}
    </div>
  );
}

function Navigation({ here, open }: { here: string; open: boolean }) {
  return (
    <nav class={open ? "open" : ""} id="navigation" aria-label="Pages">
      {PAGES.map(([path, name]) => (
        <a key={path} href={href(path ? [path] : [])} aria-current={path === here ? "page" : undefined}>
          {name}
        </a>
      ))}
    </nav>
  );
}

// A shortcut: "/" goes to the search.
function useSlash(): void {
  useEffect(() => {
    const press = (e: KeyboardEvent) => {
      const typing = e.target instanceof Element && e.target.closest("input, select, textarea");
      if (e.key !== "/" || typing || e.ctrlKey || e.metaKey || e.altKey) return;
      e.preventDefault();
      document.querySelector<HTMLInputElement>(".bar-search input")?.focus();
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, []);
}

function ModeNote() {
  const s = useStore(status);
  if (!s || s.mode === "active") return null;
  const text =
    s.mode === "shadow"
      ? "Shadow mode: steps are scored, and no alert is sent."
      : "Collect mode: traffic is stored, and nothing is scored.";
  return <p class="mode-note">{text}</p>;
}

// Nobody shall take the demo for a network.
function DemoNote({ here }: { here: string }) {
  if (!useStore(status)?.demo) return null;
  return (
    <p class="mode-note">
      Simulated: all traffic and all attacks here are made up.
      {here !== "try" && (
        <>
          {" "}
          <a href={href(["try"])}>Follow an attack</a>
        </>
      )}
    </p>
  );
}

function VersionNote() {
  if (!useStore(outdated)) return null;
  return (
    <p class="mode-note" role="status">
      The server runs another version now.{" "}
      <button type="button" class="small" onClick={() => location.reload()}>
        Load its page
      </button>
    </p>
  );
}

export function App() {
  const at = useStore(route);
  const gate = useStore(needsToken);
  const key = useStore(token);
  useStore(zone); // Every time and colour on the page depends on these two.
  useStore(theme);
  const [menu, setMenu] = useState(false);
  const main = useRef<HTMLElement>(null);
  const shownPlace = useRef(at.path.join("/"));
  const here = at.path[0] ?? "";
  const place = at.path.join("/");
  const page = PAGES.find(([path]) => path === here)?.[1] ?? "Not found";
  const title = here === "nodes" && at.path[1] ? at.path[1] : page;
  const first = useData<Status>("status");
  useEffect(() => {
    if (first.data) noteStatus(first.data);
  }, [first.data]);
  useSlash();
  useEffect(follow, [key]);
  useEffect(() => {
    setMenu(false);
    if (shownPlace.current !== place) {
      window.scrollTo(0, 0);
      // Results of a search come while its words are typed.
      if (!document.activeElement?.closest(".bar-search")) main.current?.focus({ preventScroll: true });
    }
    shownPlace.current = place;
  }, [place]);
  return (
    <>
      <a
        class="skip"
        href="#main"
        onClick={(e) => {
          e.preventDefault();
          main.current?.focus();
        }}
      >
        Skip to content
      </a>
      <header class="bar">
        <a class="brand" href={href([])}>
          <svg viewBox="0 0 32 32" aria-hidden="true">
            <path class="fan" d="M3 23 C9 23 10 16 14 16 L29 7 L29 25 Z" />
            <path class="trace" d="M3 23 C9 23 10 16 14 16 C18 16 18 20 21 20 C24 20 24 10 29 10" />
          </svg>
          NetFlowGen
        </a>
        <button
          type="button"
          class="menu"
          aria-expanded={menu}
          aria-controls="navigation"
          onClick={() => setMenu(!menu)}
        >
          Menu
        </button>
        <Navigation here={here} open={menu} />
        <div class={`bar-end ${menu ? "open" : ""}`}>
          <div class="bar-search">
            <SearchBox
              label="Find a node"
              placeholder="Find a node ( / )"
              value=""
              onChange={(q) => q && go(href(["nodes"], { search: q }), place === "nodes" && "search" in at.query)}
            />
          </div>
          <Settings />
        </div>
        <Connection />
      </header>
      <main id="main" ref={main} tabIndex={-1}>
        <VersionNote />
        <DemoNote here={here} />
        <ModeNote />
        {gate === "no" ? <View at={at} /> : <TokenForm unknown={gate === "unknown"} />}
      </main>
      {gate === "no" && <News title={title} />}
    </>
  );
}
