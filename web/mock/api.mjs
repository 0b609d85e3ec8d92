// The answers of docs/api.yaml from made-up data, without HTTP.
import { detailOf, evidence, incidents, makeAlerts } from "./alerts.mjs";
import { breakdown, DIMENSIONS } from "./explore.mjs";
import { FEATURES, VOLUMES } from "./features.mjs";
import {
  chance,
  featureSeries,
  HOSTS,
  networkSeries,
  nodeOf,
  NODES,
  STEP,
  surprise,
  timesOf,
  value,
} from "./network.mjs";
import { MockTraining } from "./training.mjs";
import { exporters, health, ledgers, model } from "./service.mjs";

const ORDER = ["low", "medium", "high", "critical"];

export class Problem extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

// Options: `state` is one of normal, fresh (nothing seen yet), failing, noModel; `tokens`; `demo`; `training`: false in a
// build that has none; `speed` of the clock.
export class Mock {
  constructor(options = {}) {
    const { state = "normal", tokens = false, demo = false, speed = 1, alerts = 130, exporters: n = 6 } = options;
    Object.assign(this, { state, tokens, demo, speed });
    this.began = Date.now();
    this.alerts = state === "fresh" ? [] : makeAlerts(this.now(), alerts);
    this.exporterCount = state === "fresh" ? 0 : n;
    this.feedback = new Map();
    this.training = new MockTraining(options.training ?? true);
    this.streams = new Set();
    this.events = 0;
    this.requests = [];
    this.version = "1.0.0";
    this.busy = false; // Refuses new event streams.
    this.shed = "nothing"; // What is left out for want of time.
    this.soFar = null; // Of the open step's traffic, the share that half of it has.
    this.onlyEvery = 1; // Of so many steps of a node, history holds one.
    this.delay = 0; // of every answer but the events'.
  }

  now() {
    return Math.round(this.began + (Date.now() - this.began) * this.speed);
  }

  attacks() {
    return this.alerts.filter((a) => a.suppressed === null || a.suppressed === "learning");
  }

  range(q, span = 3600e3) {
    const to = q.has("to") ? Number(q.get("to")) : this.now();
    const from = q.has("from") ? Number(q.get("from")) : to - span;
    if (!(from >= 0) || !(to >= 0)) throw new Problem(400, "from, to: expected milliseconds since 1970");
    return timesOf(this.state === "fresh" ? to : from, to);
  }

  status(role) {
    return {
      version: this.version,
      commit: "0000000",
      mode: this.state === "noModel" ? "collect" : "active",
      started_ms: this.began - 24 * 3600e3, // so that alerts of the mock came while it ran
      now_ms: this.now(),
      step_ms: STEP,
      tick_ms: 5000,
      lateness_ms: STEP,
      timezone: "UTC",
      role,
      tokens: this.tokens,
      model_loaded: this.state !== "noModel",
      demo: this.demo,
    };
  }

  totals(times) {
    return Object.fromEntries(
      ["in", "out"].flatMap((d) =>
        VOLUMES.map((v) => [`${v}_${d}`, networkSeries(this.attacks(), `${v}_${d}`, times).values[0] ?? null]),
      ),
    );
  }

  tick() {
    const start = Math.floor(this.now() / STEP) * STEP;
    const elapsed = this.soFar === null ? this.now() - start : STEP / 2;
    const totals = this.totals([start]);
    for (const key of Object.keys(totals)) totals[key] = Math.round((totals[key] * elapsed * (this.soFar ?? 1)) / STEP);
    return { time_ms: start, now_ms: this.now(), elapsed_ms: elapsed, totals };
  }

  next() {
    if (this.state !== "normal") return [];
    const first = Math.floor(this.now() / STEP) * STEP;
    return Array.from({ length: 5 }, (_, i) => first + i * STEP).flatMap((t, i) =>
      ["in", "out"].flatMap((d) =>
        VOLUMES.map((v) => {
          const s = networkSeries([], `${v}_${d}`, [t]);
          return {
            time_ms: t,
            feature: s.feature,
            low: s.low[0] * (1 - 0.03 * i),
            middle: s.middle[0],
            high: s.high[0] * (1 + 0.05 * i),
          };
        }),
      ),
    );
  }

  overview(q) {
    const { times, resolution } = this.range(q);
    const open = this.alerts.filter((a) => a.end_ms === null);
    const network = ["in", "out"].flatMap((d) => VOLUMES.map((v) => networkSeries(this.attacks(), `${v}_${d}`, times)));
    if (this.state === "noModel") for (const s of network) s.low = s.middle = s.high = times.map(() => null);
    return {
      now_ms: this.now(),
      resolution_ms: resolution,
      times,
      network,
      next: this.next(),
      partial: this.state === "fresh" ? null : this.tick(),
      nodes: this.state === "fresh" ? { known: 0, warm: 0 } : { known: NODES.length, warm: 127 },
      alerts: {
        open: open.length,
        by_severity: Object.fromEntries(ORDER.map((s) => [s, open.filter((a) => a.severity === s).length])),
        latest: [...open, ...this.alerts.filter((a) => a.end_ms !== null)].slice(0, 20),
      },
      surprising:
        this.state === "normal"
          ? this.rows()
              .sort((a, b) => b.bits - a.bits)
              .slice(0, 10)
              .map((r) => ({
                node: r.node,
                kind: r.kind,
                bits: r.bits,
                bytes_in: r.bytes_in,
                bytes_out: r.bytes_out,
                driver: "packets_in",
                driver_bits: r.bits * 0.3,
              }))
          : [],
      health: health(this.now(), this.state === "fresh", this.shed),
    };
  }

  latestStep() {
    return Math.floor(this.now() / STEP) * STEP - STEP;
  }

  rows() {
    const t = this.latestStep();
    const attacks = this.attacks();
    return NODES.map((n) => {
      const of = (name) =>
        value(
          attacks,
          n,
          FEATURES.find((f) => f.name === name),
          t,
        );
      const bits = FEATURES.slice(0, 10).reduce((sum, f) => sum + (surprise(attacks, n, f, t) ?? 0), 0);
      return {
        node: n.node,
        kind: n.kind,
        last_ms: t,
        bytes_in: of("bytes_in"),
        bytes_out: of("bytes_out"),
        packets_in: of("packets_in"),
        packets_out: of("packets_out"),
        flows_in: of("flows_in"),
        flows_out: of("flows_out"),
        bits: this.state === "noModel" ? null : bits,
        warm: this.state === "noModel" ? null : n.warm,
        alerts: this.alerts.filter((a) => a.node === n.node && a.end_ms === null).length,
      };
    });
  }

  nodes(q) {
    const search = q.get("search") ?? "";
    const sort = q.get("sort") ?? "bytes";
    const size = {
      bytes: (r) => r.bytes_in + r.bytes_out,
      packets: (r) => r.packets_in + r.packets_out,
      flows: (r) => r.flows_in + r.flows_out,
      surprise: (r) => r.bits ?? 0,
    };
    const part = search.endsWith(".0/24") ? search.slice(0, -4) : search;
    let rows =
      this.state === "fresh"
        ? []
        : this.rows().filter((r) => r.node.includes(part) && (!q.get("kind") || r.kind === q.get("kind")));
    rows = rows.sort(sort === "name" ? (a, b) => (a.node < b.node ? -1 : 1) : (a, b) => size[sort](b) - size[sort](a));
    const { offset, limit } = this.page(q);
    return {
      total: rows.length,
      offset,
      step_ms: STEP,
      time_ms: this.state === "fresh" ? null : this.latestStep(),
      nodes: rows.slice(offset, offset + limit),
    };
  }

  page(q) {
    const offset = Number(q.get("offset") ?? 0);
    const limit = Number(q.get("limit") ?? 50);
    if (!Number.isInteger(offset) || offset < 0 || !Number.isInteger(limit) || limit < 1 || limit > 500)
      throw new Problem(400, "offset, limit: expected integers, limit at most 500");
    return { offset, limit };
  }

  find(name) {
    const node = this.state === "fresh" ? undefined : nodeOf(name);
    if (!node) throw new Problem(404, `${name}: history holds no such node`);
    return node;
  }

  node(name) {
    const n = this.find(name);
    const t = this.latestStep();
    const attacks = this.attacks();
    return {
      node: n.node,
      kind: n.kind,
      first_ms: this.began - 30 * 86400e3,
      last_ms: t,
      warm: n.warm,
      positions: Math.round(512 * n.warm),
      window: 512,
      learning: n.warm < 0.5,
      policy: n.kind === "host" ? "customers" : null,
      role: n.role,
      parents: n.kind === "host" ? ["192.0.2.0/24", "192.0.2.0/25"] : [],
      children: n.kind === "prefix" ? 140 : 0,
      latest: FEATURES.map((f) => {
        const s = featureSeries(attacks, n, f, [t]);
        return {
          feature: f.name,
          unit: f.unit,
          value: s.values[0],
          low: s.low[0],
          middle: s.middle[0],
          high: s.high[0],
          bits: surprise(attacks, n, f, t),
        };
      }),
      alerts: this.alerts.filter((a) => a.node === n.node).slice(0, 50),
    };
  }

  series(name, q) {
    const n = this.find(name);
    const { times: all, resolution } = this.range(q);
    const times = all.filter((_, i) => i % this.onlyEvery === 0);
    const wanted = q.get("features")?.split(",");
    const unknown = wanted?.find((w) => !FEATURES.some((f) => f.name === w));
    if (unknown) throw new Problem(400, `features: there is no feature '${unknown}'`);
    const attacks = this.attacks();
    const features = FEATURES.filter((f) => !wanted || wanted.includes(f.name));
    const by_feature = features
      .filter((f) => f.forecast)
      .map((f) => ({ feature: f.name, bits: times.map((t) => surprise(attacks, n, f, t)) }));
    const total = times.map((_, i) => by_feature.reduce((sum, f) => sum + (f.bits[i] ?? 0), 0));
    return {
      node: n.node,
      resolution_ms: resolution,
      times,
      features: features.map((f) => featureSeries(attacks, n, f, times)),
      surprise: { total, by_feature },
      scores: [
        {
          task: "ddos",
          threshold: 2.7,
          values: total.map((x, i) => Math.min(7, x / Math.max(1, by_feature.length) - 1.2 + chance(n.node, times[i]))),
        },
      ],
      alerts: this.alerts.filter(
        (a) =>
          a.node === n.node &&
          a.start_ms < (times.at(-1) ?? 0) + resolution &&
          (a.end_ms ?? Infinity) > (times[0] ?? 0),
      ),
    };
  }

  peers(name) {
    const n = this.find(name);
    return { node: n.node, ...evidence(n, n.level), from_ms: this.latestStep() - 4 * STEP, to_ms: this.latestStep() };
  }

  explore(q) {
    const by = q.get("by");
    if (!DIMENSIONS.includes(by)) throw new Problem(400, `by: expected one of ${DIMENSIONS.join(", ")}`);
    const metric = q.get("metric") ?? "bytes";
    const { times, resolution } = this.range(q);
    const total = networkSeries(this.attacks(), `${metric}_in`, times).values.map((x) => x * (resolution / STEP));
    const most = this.state === "fresh" ? 0 : by === "exporter" ? this.exporterCount : Number(q.get("limit") ?? 10);
    return { by, metric, resolution_ms: resolution, times, ...breakdown(by, metric, times, total, most) };
  }

  list(q) {
    const state = q.get("state") ?? "all";
    const least = ORDER.indexOf(q.get("severity") ?? "low");
    const node = (q.get("node") ?? "").replace(/0\/24$/, "");
    const found = this.alerts.filter(
      (a) =>
        (state === "all" || (state === "open") === (a.end_ms === null)) &&
        ORDER.indexOf(a.severity) >= least &&
        a.node.startsWith(node) &&
        (!q.get("type") || a.type === q.get("type")) &&
        (a.end_ms ?? Infinity) > Number(q.get("from") ?? 0) &&
        a.start_ms < Number(q.get("to") ?? Infinity) &&
        (q.get("suppressed") !== "false" || a.suppressed === null),
    );
    const { offset, limit } = this.page(q);
    return {
      total: found.length,
      offset,
      alerts: found.sort((a, b) => b.start_ms - a.start_ms).slice(offset, offset + limit),
    };
  }

  alert(id) {
    const found = this.alerts.find((a) => a.id === id);
    if (!found) throw new Problem(404, `${id}: there is no such alert`);
    return found;
  }

  answer(id, role, body) {
    if (role === "viewer") throw new Problem(403, "This needs an operator's token.");
    const alert = this.alert(id);
    if (!["confirmed", "rejected"].includes(body?.verdict))
      throw new Problem(400, "verdict: expected confirmed or rejected");
    alert.verdict = body.verdict;
    const given = { alert: id, verdict: body.verdict, given_ms: this.now() };
    this.feedback.set(id, [...(this.feedback.get(id) ?? []), given]);
    return given;
  }

  train(path, role, body) {
    if (role === "viewer") throw new Problem(403, "This needs an operator's token.");
    if (path[1] === "stop") {
      if (!this.training.running) throw new Problem(409, "no training is running");
      this.training.end("stopped", "stopped before its end; the model in force stays", this.now());
    } else {
      if (!["calibrate", "finetune", "pretrain"].includes(body?.kind))
        throw new Problem(400, "kind: expected calibrate");
      if (this.training.running) throw new Problem(409, "a training is running already");
      this.training.start(body.kind, this.now());
    }
    return this.training.view();
  }

  get(path, q, role) {
    const [what, name, part] = path;
    if (this.state === "failing" && what !== "status")
      throw new Problem(500, "The history cannot be read: disk I/O error. See the server's log.");
    switch (part ? `${what}/${part}` : name ? `${what}/` : what) {
      case "status":
        return this.status(role);
      case "features":
        return { features: FEATURES };
      case "overview":
        return this.overview(q);
      case "nodes":
        return this.nodes(q);
      case "nodes/":
        return this.node(name);
      case "nodes/series":
        return this.series(name, q);
      case "nodes/peers":
        return this.peers(name);
      case "explore":
        return this.explore(q);
      case "alerts":
        return this.list(q);
      case "alerts/":
        return detailOf(this.alert(name), this.attacks(), this.feedback.get(name) ?? [], this.now());
      case "incidents": {
        const { offset, limit } = this.page(q);
        const all = incidents(this.alerts);
        return { total: all.length, offset, incidents: all.slice(offset, offset + limit) };
      }
      case "exporters":
        return {
          exporters: exporters(this.now(), this.exporterCount),
          ledgers: this.state === "fresh" ? [] : ledgers(),
          sockets: [{ address: "0.0.0.0", port: 2055, receive_buffer: 8 << 20 }],
          warnings: health(0, this.state === "fresh").warnings,
        };
      case "training":
        return this.training.view();
      case "model":
        return this.state === "noModel" ? { loaded: false } : model(this.now());
      default:
        throw new Problem(404, "There is no such resource.");
    }
  }

  send(name, data) {
    this.events += 1;
    for (const stream of this.streams)
      stream.write(`id: ${this.events}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  step() {
    this.send("step", {
      time_ms: this.latestStep(),
      step_ms: STEP,
      nodes: NODES.length,
      lag_ms: 61_000,
      score_ms: 42,
      alerts_open: this.alerts.filter((a) => a.end_ms === null).length,
      totals: this.totals([this.latestStep()]),
      forecast: [],
    });
  }

  // Raises an alert now, as an attack would.
  raise(type = "udp_flood", node = HOSTS[20].node) {
    const start = Math.floor(this.now() / STEP) * STEP - STEP;
    const alert = {
      ...(this.alerts[0] ?? makeAlerts(this.now(), 1)[0]),
      id: `feed${String(this.alerts.length).padStart(12, "0")}`,
      node,
      type,
      start_ms: start,
      raised_ms: this.now(),
      end_ms: null,
      severity: "high",
      suppressed: null,
      incident: null,
      verdict: null,
    };
    this.alerts.unshift(alert);
    this.send("alert", { event: "raised", alert });
    return alert;
  }

  end(alert) {
    alert.end_ms = this.now();
    this.send("alert", { event: "ended", alert });
  }
}
