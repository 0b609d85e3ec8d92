"""Pre-trains the model of a folder written by `peer_train export` with PyTorch and torch.compile, on the same batches
from the same checkpoint, and prints positions a second and the losses.

Usage: peer.py FOLDER [--steps N] [--threads N] [--eager] [--check]
"""

import argparse
import json
import resource
import statistics
import time
from pathlib import Path

import torch
from safetensors.torch import load_file

from model import Model, load_config, rotary_tables, sliding_window


def load_batches(folder):
    """A list of batches, each a dictionary of tensors as the program made them."""
    batches = {}
    for name, tensor in load_file(folder / "batches.safetensors").items():
        if "." in name:
            number, part = name.split(".")
            batches.setdefault(int(number), {})[part] = tensor
        else:
            target_sizes = tensor.tolist()
    return [batches[k] for k in sorted(batches)], target_sizes


def prepare(raw, config, mask):
    """What our program does too for every batch: the rotary tables."""
    cos, sin = rotary_tables(raw["steps"], config["d_model"] // config["heads"], config["rope_base"])
    return {**raw, "next": raw["next"].long(), "cos": cos, "sin": sin, "mask": mask}


class Training:
    def __init__(self, folder, compiled):
        self.config = load_config(folder / "model")
        checkpoint = load_file(folder / "model" / "checkpoint.safetensors")
        self.raw, target_sizes = load_batches(folder)
        self.model = Model(self.config, checkpoint, target_sizes)
        parameters = dict(self.model.named_parameters())
        self.model.load_state_dict({name: checkpoint[name] for name in parameters})
        # Weight decay on matrices only; the checkpoint's means, so that the run continues ours.
        groups = [
            {"params": [p for p in parameters.values() if p.dim() == 2], "weight_decay": 0.05},
            {"params": [p for p in parameters.values() if p.dim() != 2], "weight_decay": 0.0},
        ]
        self.optimiser = torch.optim.AdamW(groups, lr=2e-3, betas=(0.9, 0.98), eps=1e-8, fused=True)
        self.step_count = 1
        for name, p in parameters.items():
            self.optimiser.state[p] = {
                "step": torch.tensor(float(self.step_count)),
                "exp_avg": checkpoint["adam.first." + name].clone(),
                "exp_avg_sq": checkpoint["adam.second." + name].clone(),
            }
        self.mask = sliding_window(self.raw[0]["ids"].shape[1], self.config["window"])
        self.loss = torch.compile(self.model.loss) if compiled else self.model.loss

    def step(self):
        """One optimiser step on the next batch; its losses. The rate is the warm-up's."""
        batch = prepare(self.raw[self.step_count % len(self.raw)], self.config, self.mask)
        losses = self.loss(batch)
        losses[0].backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for group in self.optimiser.param_groups:
            group["lr"] = 2e-3 * min(1.0, (self.step_count + 1) / 100)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self.step_count += 1
        return [x.item() for x in losses]


def times():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return time.monotonic(), usage.ru_utime + usage.ru_stime


def check(folder, training):
    """The losses of our program's next steps, and of PyTorch's from the same checkpoint, on the same batches."""
    worst = 0.0
    for line in (folder / "log" / "training.jsonl").read_text().splitlines():
        ours = json.loads(line)
        if ours["step"] == 1 or ours["step"] > len(training.raw):
            continue
        theirs = training.step()
        expected = [ours[k] for k in ("loss", "next", "inject", "direct")]
        worst = max(worst, *(abs(a - b) / max(abs(a), 1e-3) for a, b in zip(expected, theirs)))
        print(f"step {ours['step']}: loss {expected[0]:.6f} ours, {theirs[0]:.6f} PyTorch")
    print(f"largest relative difference of a loss: {worst:.1e}")
    if not worst < 1e-3:
        raise SystemExit("the losses differ: this is not the same training")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--eager", action="store_true", help="without torch.compile")
    parser.add_argument("--check", action="store_true", help="compare the losses instead")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    training = Training(options.folder, not options.eager)
    if options.check:
        return check(options.folder, training)
    for _ in range(3):  # compiles, warms caches
        training.step()
    wall, cpu = [], []
    for _ in range(options.steps):
        start = times()
        training.step()
        end = times()
        wall.append(end[0] - start[0])
        cpu.append(end[1] - start[1])
    positions = training.raw[0]["steps"].numel()
    print(
        f"{positions / statistics.median(wall):.0f} positions/s,"
        f" {positions / statistics.median(cpu):.0f} a CPU second"
    )


if __name__ == "__main__":
    main()
