"""Xatu (model.py) beside `netflowgen evaluate ddos`: the same rows, events, draws of labels and AUPRC (attacks.py).

Usage: peer.py STORE LABELS.csv DDOS.json OUT.json [--budget SHARE]... [--seeds 2] [--steps 1200] [--threads 1]
DDOS.json is what the program wrote with -o; its numbers of events and rows must equal those here. A budget is 1 (all labels) or the share of
clean:SHARE. Half of a step's windows lie around a shown attack, half around benign steps that are shown. With all labels the number of steps is that
with the best AUPRC on the validation period, which nothing is learnt from; a draw of few labels takes as many, and learns from all of training.
The paper's auxiliary signals (blocklists, earlier attackers, spoofing, clusters of sources) are not there: frames do not hold sources. What OUT.json has already is kept, so a run that was stopped continues.
"""

import argparse
import json
import pathlib
import sys
import time

import numpy as np
import torch

from attacks import ATTACK, BENIGN, Data, auprc
from model import WINDOW, Series, Xatu, inputs_of, loss_of

BATCH = 48
CHECK = 150   # steps between looks at the validation period
MEAN = (1, 5)  # steps over which hazards are summed for a score; the better one on validation


class Mismatch(Exception):
    """The program's figures are of another store or protocol."""


class Sampler:
    """Windows around shown attacks and around shown benign steps."""

    def __init__(self, data, labels, period, seed):
        self.labels, self.event = labels, data.event
        self.random = np.random.default_rng(seed)
        self.low, self.high = period.start, period.stop
        inside = np.zeros(labels.shape[1], bool)
        inside[period] = True
        counted = data.scored & inside
        self.benign = (labels == BENIGN) & counted
        self.attack = (labels == ATTACK) & counted
        node, step = np.nonzero(self.attack)
        order = np.argsort(data.event[node, step], kind="stable")
        events, begins = np.unique(data.event[node, step][order], return_index=True)
        self.attacks = [(node[order][b], step[order][b:e]) for b, e in zip(begins, [*begins[1:], len(order)])] if len(events) else []
        self.quiet = np.argwhere(self.benign)

    def batch(self):
        node, start = [], []
        for k in range(BATCH):
            if k % 2 == 0 and self.attacks:
                n, steps = self.attacks[self.random.integers(len(self.attacks))]
                at = self.random.choice(steps)
            else:
                n, at = self.quiet[self.random.integers(len(self.quiet))]
            node.append(n)
            start.append(np.clip(at - self.random.integers(WINDOW), self.low, self.high - WINDOW))
        node, start = np.array(node), np.array(start)
        index = start[:, None] + np.arange(WINDOW)
        event = np.where(self.attack[node[:, None], index], self.event[node[:, None], index].astype(np.int64) + 100_000 * np.arange(BATCH)[:, None], -1)
        known, renumbered = np.unique(event, return_inverse=True)
        event = renumbered.reshape(event.shape) - (known[0] == -1)
        return torch.from_numpy(node), torch.from_numpy(start), torch.from_numpy(self.benign[node[:, None], index].astype(np.float32)), torch.from_numpy(event)


def hazards(model, series, shape, period):
    """[node, step] of the period, NaN elsewhere."""
    out = np.full(shape, np.nan, np.float32)
    model.eval()
    with torch.no_grad():
        for start in range(period.start, period.stop, WINDOW):
            start = min(start, shape[1] - WINDOW)
            for nodes in torch.arange(shape[0]).split(128):
                out[nodes, start:start + WINDOW] = model(*series.batch(nodes, torch.full_like(nodes, start))).numpy()
    model.train()
    return out


def summed(hazard, steps):
    total = np.cumsum(np.nan_to_num(hazard), axis=1)
    total[:, steps:] -= total[:, :-steps].copy()
    return total


def train(data, series, labels, period, steps, seed, look=None):
    torch.manual_seed(seed)
    sampler = Sampler(data, labels, period, seed)
    model = Xatu(data.inputs)
    optimiser = torch.optim.Adam(model.parameters(), 1e-3)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimiser, 2e-3, steps)
    for step in range(1, steps + 1):
        node, start, benign, event = sampler.batch()
        loss = loss_of(model(*series.batch(node, start)), benign, event)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        rate.step()
        if step % CHECK == 0:
            print(f"{step} steps, loss {loss.item():.3f}", file=sys.stderr, flush=True)
            if look is not None:
                look(model, step)
    return model


def rows_auprc(data, score, period, labels=None):
    """Of the labelled rows of a part of training."""
    inside = np.zeros(score.shape[1], bool)
    inside[period] = True
    node, step = np.nonzero(data.scored & inside & (labels >= 0))
    event = np.where(labels[node, step] == ATTACK, data.event[node, step], -1)
    return auprc(score[node, step], event, list(np.unique(event[event >= 0])))


def test_figures(data, score):
    node, step, event, events = data.test_rows()
    alone = [e for e in events if not data.events[e].sweep]
    rows = (event < 0) | np.isin(event, alone)
    types = {}
    for t in sorted({data.events[e].type for e in events}):
        of = [e for e in events if data.events[e].type == t]
        part = (event < 0) | np.isin(event, of)
        types[t] = auprc(score[node, step][part], event[part], of)
    return {"all": auprc(score[node, step], event, events), "without sweeps": auprc(score[node, step][rows], event[rows], alone), "types": types}


def check(data, program):
    node, step, event, events = data.test_rows()
    said = next(s for s in program["slices"] if s["name"] == "all")
    own = {"events": len(events), "attack_rows": int((event >= 0).sum()), "benign_rows": int((event < 0).sum())}
    if any(said[k] != own[k] for k in own):
        raise Mismatch(f"{said} of the program; {own} here")
    flows = data.x[node, step, data.features.index("flows_in")]
    return auprc(flows, event, events)


def choose(data, series, steps, seed):
    """Steps and steps of hazards summed, by the validation period, with all labels."""
    labels, validation = data.full_labels(), data.steps("validation")
    tried = []

    def look(model, step):
        hazard = hazards(model, series, labels.shape, slice(validation.start - max(MEAN), validation.stop))
        for m in MEAN:
            tried.append((rows_auprc(data, summed(hazard, m), validation, labels), step, m))
            print("validation", tried[-1], file=sys.stderr, flush=True)

    train(data, series, labels, slice(data.steps("train").start, validation.start), steps, seed, look)
    return max(tried)


def main():
    parser = argparse.ArgumentParser()
    for name in ("store", "labels", "ddos", "out"):
        parser.add_argument(name)
    parser.add_argument("--budget", type=float, action="append")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--steps", type=int, default=1200)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    program = json.loads(pathlib.Path(arguments.ddos).read_text())
    data = Data(arguments.store, arguments.labels, program)
    print(f"events and rows equal the program's; flows_in {check(data, program):.3f}", file=sys.stderr, flush=True)
    inside = np.zeros(data.active.shape[1], bool)
    inside[data.steps("train")] = True
    x = inputs_of(data, data.active & inside)
    data.inputs, series = x.shape[2], Series(x)
    begun = time.process_time()
    path = pathlib.Path(arguments.out)
    if path.exists():
        out = json.loads(path.read_text())
    else:
        best, steps, mean = choose(data, series, arguments.steps, 1)
        out = {"validation": best, "steps": steps, "summed": mean, "choice_seconds": time.process_time() - begun, "runs": []}
        path.write_text(json.dumps(out, indent=1) + "\n")
    steps, mean = out["steps"], out["summed"]
    done = {(r["budget"], r["seed"]) for r in out["runs"]}
    test = data.steps("test")
    for share in arguments.budget or (1.0, 0.05):
        for seed in range(1, (1 if share >= 1 else arguments.seeds) + 1):
            if (share, seed) in done:
                continue
            begun = time.process_time()
            labels, count = data.draw(share, seed)
            model = train(data, series, labels, data.steps("train"), steps, seed)
            score = summed(hazards(model, series, labels.shape, slice(test.start - max(MEAN), test.stop)), mean)
            out["runs"].append({"budget": share, "seed": seed, "labelled_events": count, "seconds": time.process_time() - begun, **test_figures(data, score)})
            print(out["runs"][-1], flush=True)
            path.write_text(json.dumps(out, indent=1) + "\n")


if __name__ == "__main__":
    main()
