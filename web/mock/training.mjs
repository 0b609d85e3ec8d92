// A made-up training: it comes further with each question, and ends when it is told to.
export class MockTraining {
  constructor(available) {
    this.available = available;
    this.now = { state: "idle", kind: null, started_ms: null, ended_ms: null, model: null, message: "" };
    this.done = 0;
  }

  get running() {
    return this.now.state === "running";
  }

  view() {
    if (this.running) this.done = Math.min(1990, this.done + 100);
    return {
      available: this.available,
      ...this.now,
      step: this.running ? this.now.kind : null,
      done: this.running ? this.done : null,
      total: this.running ? 2000 : null,
      note: this.running ? `${this.done}/2000 steps, 3.1/s, ETA 6m27s` : "",
      lines: this.now.kind ? ["13 days of 145 nodes"] : [],
    };
  }

  start(kind, now_ms) {
    this.done = 0;
    this.now = {
      state: "running",
      kind,
      started_ms: now_ms,
      ended_ms: null,
      model: `/var/lib/netflowgen/models/${kind}-1`,
      message: "",
    };
  }

  end(state, message, now_ms) {
    this.now = { ...this.now, state, message, ended_ms: now_ms };
  }
}
