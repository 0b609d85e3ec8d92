// Short names for the schemas of docs/api.yaml.
import type { components } from "./schema";

type Schemas = components["schemas"];
export type Status = Schemas["Status"];
export type Feature = Schemas["Feature"];
export type FeatureList = Schemas["FeatureList"];
export type FeatureSeries = Schemas["FeatureSeries"];
export type Severity = Schemas["Severity"];
export type AlertSummary = Schemas["AlertSummary"];
export type AlertPage = Schemas["AlertPage"];
export type AlertDetail = Schemas["AlertDetail"];
export type AlertRecord = Schemas["AlertRecord"];
export type IncidentPage = Schemas["IncidentPage"];
export type Overview = Schemas["Overview"];
export type HealthSummary = Schemas["HealthSummary"];
export type NextForecast = Schemas["NextForecast"];
export type NodePage = Schemas["NodePage"];
export type NodeRow = Schemas["NodeRow"];
export type NodeInfo = Schemas["Node"];
export type NodeSeries = Schemas["NodeSeries"];
export type Seen = Schemas["Seen"];
export type Talker = Schemas["Talker"];
export type Peers = Schemas["Peers"];
export type Explore = Schemas["Explore"];
export type Dimension = Schemas["Dimension"];
export type Exporter = Schemas["Exporter"];
export type ExporterList = Schemas["ExporterList"];
export type Ledger = Schemas["Ledger"];
export type Model = Schemas["Model"];
export type Feedback = Schemas["Feedback"];
export type StepEvent = Schemas["StepEvent"];
export type TickEvent = Schemas["TickEvent"];
export type AlertEvent = Schemas["AlertEvent"];
export type IncidentEvent = Schemas["IncidentEvent"];
export type Training = Schemas["Training"];
export type ReloadEvent = Schemas["ReloadEvent"];
export type Maybe = number | null;

// The keys of an alert record (docs/formats.md) that the document leaves open.
export interface Filter {
  text: string;
  action: "drop" | "rate limit" | "none";
  rate: Maybe;
  reason: string | null;
  covers: Maybe;
  collateral: Maybe;
  usual_flows: number;
  flowspec_nlri: string;
  gobgp: string | null;
  exabgp: string | null;
  nftables: string | null;
}

export interface Evidence {
  sampled: number;
  distinct_sources: Maybe;
  sources: Talker[];
  source_ports: Talker[];
  ports: Talker[];
  protocols: Talker[];
  exporters: Talker[];
}

export interface Incident {
  id: string;
  event: string;
  prefix: string;
  name: string | null; // "carpet bombing"
  task: string;
  type: string;
  severity: Severity;
  start: string;
  raised: string;
  end: string | null;
  hosts: number;
  suppressed: string | null;
  victims: { node: string; alert: string; severity: Severity; start: string; end: string | null }[];
  filter: Filter | null;
}
