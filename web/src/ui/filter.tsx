// The suggested filter of an alert, in the words of the programs that take it.
import { useState } from "preact/hooks";
import type { Filter } from "../api/types";
import { percent, si } from "../lib/format";
import { CopyButton, Panel, Segmented, Tag } from "./base";
import { Empty } from "./states";

const FORMS = [
  ["gobgp", "GoBGP"],
  ["exabgp", "ExaBGP"],
  ["nftables", "nftables"],
  ["flowspec_nlri", "NLRI"],
] as const;
type Form = (typeof FORMS)[number][0];

function Costs({ filter }: { filter: Filter }) {
  return (
    <dl class="facts">
      <dt>Action</dt>
      <dd>
        <Tag tone={filter.action === "drop" ? "bad" : filter.action === "none" ? "calm" : "warn"}>{filter.action}</Tag>
        {filter.rate !== null && ` to ${si(filter.rate * 8, "bit/s")}`}
      </dd>
      <dt>Covers</dt>
      <dd>
        {percent(filter.covers)} <span class="dim">of the alert's packets</span>
      </dd>
      <dt>Collateral</dt>
      <dd>
        {percent(filter.collateral)}{" "}
        <span class="dim">
          of the node's usual packets{filter.usual_flows === 0 && filter.collateral !== null ? ", at most" : ""}
        </span>
      </dd>
      {filter.reason && (
        <>
          <dt>Why</dt>
          <dd>{filter.reason}</dd>
        </>
      )}
    </dl>
  );
}

export function FilterPanel({ filter }: { filter: Filter | null }) {
  const [form, setForm] = useState<Form>("gobgp");
  if (!filter)
    return (
      <Panel title="Suggested filter">
        <Empty title="No filter is suggested." />
      </Panel>
    );
  const forms = FORMS.filter(([f]) => filter[f]);
  const shown = forms.find(([f]) => f === form)?.[0] ?? forms[0]?.[0];
  return (
    <Panel title="Suggested filter">
      <p>{filter.text}</p>
      <Costs filter={filter} />
      {shown && (
        <>
          <div class="row spread">
            <Segmented label="Form" value={shown} options={forms} onChange={setForm} />
            <CopyButton text={filter[shown]!} what="the filter" />
          </div>
          <pre class="code" tabIndex={0} aria-label="Filter">
            {filter[shown]}
          </pre>
        </>
      )}
      {!shown && <p class="dim">No command: this filter would hurt more than it helps.</p>}
    </Panel>
  );
}
