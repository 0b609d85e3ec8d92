"""The model in plain PyTorch, from its safetensors file: what src/model/spec.h of the project states, line by line.

Usage: python reference_model.py STORE [MODEL_FOLDER]; prints how far it is from the streaming engine.
"""

import json
import math
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional as F

MOST_STANDARD = 8.0  # of a head's standardised inputs
MOST_SURPRISE = 20.0


class ReferenceModel(torch.nn.Module):
    """One node at a time: positions [n] in, results [n, ...] out."""

    def __init__(self, folder: str) -> None:
        super().__init__()
        self.spec = json.loads((Path(folder) / "config.json").read_text())
        self.w = load_file(Path(folder) / "model.safetensors")

    def rms(self, x: Tensor, weight: str) -> Tensor:
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + self.spec["norm_eps"]) * self.w[weight]

    def rotate(self, x: Tensor, steps: Tensor) -> Tensor:  # x [n, heads, head_dim]
        half = x.shape[-1] // 2
        rates = self.spec["rope_base"] ** (-torch.arange(half, dtype=torch.float64) / half)
        angle = (steps.double()[:, None] * rates).remainder(2 * math.pi)
        cos, sin = angle.cos().float()[:, None], angle.sin().float()[:, None]
        a, b = x[..., :half], x[..., half:]
        return torch.cat([a * cos - b * sin, a * sin + b * cos], -1)

    def attention(self, x: Tensor, layer: str, steps: Tensor) -> Tensor:
        n, heads, groups = len(x), self.spec["heads"], self.spec["kv_heads"]
        qkv = (x @ self.w[layer + "attn.qkv.weight"].T).view(n, heads + 2 * groups, -1)
        q = self.rotate(qkv[:, :heads], steps)
        k = self.rotate(qkv[:, heads : heads + groups], steps).repeat_interleave(heads // groups, 1)
        v = qkv[:, heads + groups :].repeat_interleave(heads // groups, 1)
        ago = torch.arange(n)[:, None] - torch.arange(n)
        seen = (ago >= 0) & (ago < self.spec["window"])
        scores = torch.einsum("ihd,jhd->hij", q, k) / math.sqrt(q.shape[-1])
        mixed = torch.einsum("hij,jhd->ihd", scores.masked_fill(~seen, -math.inf).softmax(-1), v)
        return mixed.reshape(n, -1) @ self.w[layer + "attn.out.weight"].T

    def hidden(self, ids: Tensor, dense: Tensor, steps: Tensor) -> Tensor:
        x = self.w["embed.weight"][ids].sum(1)
        if "dense_in.weight" in self.w:
            x = x + dense @ self.w["dense_in.weight"].T
        for i in range(self.spec["layers"]):
            layer = f"layers.{i}."
            x = x + self.attention(self.rms(x, layer + "attn_norm.weight"), layer, steps)
            up = self.rms(x, layer + "ffn_norm.weight") @ self.w[layer + "ffn.up.weight"].T
            gate, value = up.chunk(2, -1)
            x = x + (F.silu(gate) * value) @ self.w[layer + "ffn.down.weight"].T
        return self.rms(x, "final_norm.weight")

    def surprise(self, logits: Tensor, targets: Tensor, sizes: list[int]) -> Tensor:
        """Of what came, under the prediction of the position before; 0 at the first. [n, targets], nats."""
        nll = [
            -group.log_softmax(-1)[:-1].gather(1, targets[1:, c : c + 1]) for c, group in enumerate(logits.split(sizes, -1))
        ]
        later = torch.cat(nll, 1).clamp(0, MOST_SURPRISE)
        return torch.cat([torch.zeros_like(later[:1]), later])

    def trees(self, head: str, z: Tensor) -> Tensor:
        columns, thresholds = self.w[head + "trees.column"].long(), self.w[head + "trees.threshold"]
        total = torch.zeros(len(z))
        for column, threshold, leaf in zip(columns, thresholds, self.w[head + "trees.leaf"], strict=True):
            at = torch.zeros(len(z), dtype=torch.long)
            while int(at[0]) < len(column):
                left = z.gather(1, column[at][:, None])[:, 0] < threshold[at]
                at = 2 * at + torch.where(left, 1, 2)
            total = total + leaf[at - len(column)]
        return total

    def task(self, spec: dict, hidden: Tensor, surprise: Tensor, dense: Tensor) -> Tensor:
        head = f"heads.{spec['name']}."
        parts = {"use_hidden": hidden, "use_surprise": surprise, "use_dense": dense}
        z = torch.cat([x for use, x in parts.items() if spec[use]], 1)
        z = ((z - self.w[head + "mean"]) / self.w[head + "deviation"]).clamp(-MOST_STANDARD, MOST_STANDARD)
        h = F.silu(z @ self.w[head + "w1"].T + self.w[head + "b1"]) if spec["hidden"] else z
        logits = h @ self.w[head + "w2"].T + self.w[head + "b2"]
        return logits + self.trees(head, z)[:, None] if spec["trees"] else logits

    def forward(self, ids: Tensor, dense: Tensor, steps: Tensor, targets: Tensor, sizes: list[int]) -> dict[str, Tensor]:
        hidden = self.hidden(ids, dense, steps)
        next_logits = F.linear(hidden, self.w["next.weight"], self.w["next.bias"])
        surprise = self.surprise(next_logits, targets, sizes)
        found = {"hidden": hidden, "next": next_logits, "surprise": surprise}
        if "inject.weight" in self.w:
            found["inject"] = F.linear(hidden, self.w["inject.weight"], self.w["inject.bias"])
        if "direct.weight" in self.w:
            found["direct"] = F.linear(hidden, self.w["direct.weight"], self.w["direct.bias"])
            if "direct.skip.weight" in self.w:
                found["direct"] = found["direct"] + dense @ self.w["direct.skip.weight"].T
        for spec in self.spec["tasks"]:
            found["task " + spec["name"]] = self.task(spec, hidden, surprise, dense)
        return found


def largest_difference(store: str, folder: str | None = None) -> float:
    """Compare with the engine on every node of a store; relative to 1 + the value."""
    import netflowgen as ng

    series, model = ng.Series.open(store), ng.load(folder)
    reference = ReferenceModel(model.folder)
    engine = model.outputs(series, ["hidden", "next", "surprise", "inject", "direct", "tasks"])
    worst = 0.0
    for node in series.nodes:
        p = model.encode(series, node)
        inputs = [torch.from_numpy(x) for x in (p.ids, p.dense, p.steps, p.targets)]
        with torch.no_grad():
            found = reference(*inputs, model.target_sizes)
        active = torch.from_numpy(p.rows >= 0)
        for name, values in engine.items():
            expected = torch.from_numpy(values[p.rows[p.rows >= 0]])
            difference = (found[name][active] - expected).abs() / (1 + expected.abs())
            worst = max(worst, float(difference.max()))
    return worst


if __name__ == "__main__":
    print(f"largest difference {largest_difference(*sys.argv[1:3]):.2g}")
