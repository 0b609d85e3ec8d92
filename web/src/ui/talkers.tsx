// Who takes part: sources, ports, protocols, exporters, each with its share.
import type { ComponentChildren } from "preact";
import type { Talker } from "../api/types";
import { bytes, count, percent, si } from "../lib/format";
import { port, protocol } from "../lib/features";
import { Bar, NodeLink, Panel } from "./base";
import { Empty } from "./states";
import { Table, type Column } from "./table";

export interface Lists {
  sources: Talker[];
  source_ports: Talker[];
  ports: Talker[];
  protocols: Talker[];
  exporters: Talker[];
}

const NAMES: [keyof Lists, string, (name: string) => ComponentChildren][] = [
  ["sources", "Sources", (n) => <NodeLink node={n} />],
  ["source_ports", "Source ports", port],
  ["ports", "Own ports", port],
  ["protocols", "Protocols", protocol],
  ["exporters", "Exporters", (n) => <span class="mono">{n}</span>],
];

const columns = (name: string, cell: (name: string) => ComponentChildren): Column<Talker>[] => [
  { name, cell: (t) => cell(String(t.name)) },
  {
    name: "Share",
    number: true,
    cell: (t) => (
      <span class="with-bar">
        <Bar share={t.share} />
        {percent(t.share)}
      </span>
    ),
  },
  { name: "Packets", number: true, cell: (t) => si(t.packets) },
  { name: "Bytes", number: true, cell: (t) => bytes(t.bytes) },
  { name: "Flows", number: true, wide: true, cell: (t) => count(t.flows) },
];

export function TalkerTables({ title, note, lists }: { title: string; note: string; lists: Lists }) {
  const some = NAMES.filter(([key]) => (lists[key] ?? []).length > 0);
  return (
    <Panel title={title} side={<span class="dim">{note}</span>}>
      {some.length === 0 && <Empty title="No flows of it are kept." />}
      <div class="talkers">
        {some.map(([key, name, cell]) => (
          <Table key={key} label={name} columns={columns(name, cell)} rows={lists[key]} id={(t) => String(t.name)} />
        ))}
      </div>
    </Panel>
  );
}
