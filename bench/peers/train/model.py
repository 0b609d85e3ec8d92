"""The model of src/model/spec.h in plain PyTorch, and the pre-training loss of src/learn/network/objective.cc."""

import json
import math
from pathlib import Path

import torch
import torch.nn as nn
import torch.nn.functional as F


def rotary_tables(steps, head_dim, base):
    """Cosine and sine of every position's own step, [B, 1, T, head_dim / 2]; the angle in double."""
    turns = base ** (-2.0 * torch.arange(head_dim // 2, dtype=torch.float64) / head_dim) / (2 * math.pi)
    angle = 2 * math.pi * torch.frac(steps.to(torch.float64)[:, None, :, None] * turns)
    return angle.cos().float(), angle.sin().float()


def rotate(x, cos, sin):
    """Rotates halves. x [B, heads, T, head_dim]."""
    a, b = x.chunk(2, dim=-1)
    return torch.cat((a * cos - b * sin, a * sin + b * cos), dim=-1)


class Attention(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.heads, self.kv_heads = config["heads"], config["kv_heads"]
        self.head_dim = config["d_model"] // self.heads
        self.qkv = nn.Linear(config["d_model"], (self.heads + 2 * self.kv_heads) * self.head_dim, bias=False)
        self.out = nn.Linear(config["d_model"], config["d_model"], bias=False)

    def forward(self, x, cos, sin, mask):
        b, t, d = x.shape
        qkv = self.qkv(x).view(b, t, -1, self.head_dim).transpose(1, 2)
        q, k, v = qkv.split((self.heads, self.kv_heads, self.kv_heads), dim=1)
        y = F.scaled_dot_product_attention(
            rotate(q, cos, sin), rotate(k, cos, sin), v, attn_mask=mask, enable_gqa=True
        )
        return self.out(y.transpose(1, 2).reshape(b, t, d))


class FeedForward(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.up = nn.Linear(config["d_model"], 2 * config["d_ff"], bias=False)
        self.down = nn.Linear(config["d_ff"], config["d_model"], bias=False)

    def forward(self, x):
        gate, up = self.up(x).chunk(2, dim=-1)
        return self.down(F.silu(gate) * up)


class Layer(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.attn_norm = nn.RMSNorm(config["d_model"], eps=config["norm_eps"])
        self.attn = Attention(config)
        self.ffn_norm = nn.RMSNorm(config["d_model"], eps=config["norm_eps"])
        self.ffn = FeedForward(config)

    def forward(self, x, cos, sin, mask):
        x = x + self.attn(self.attn_norm(x), cos, sin, mask)
        return x + self.ffn(self.ffn_norm(x))


class Model(nn.Module):
    """Parameters have the names and shapes of model.safetensors, which gives the sizes that config.json lacks."""

    def __init__(self, config, tensors, target_sizes):
        super().__init__()
        d = config["d_model"]
        self.target_sizes = target_sizes
        self.quantiles = len(config["quantiles"])
        # One embedding table for all slots; the rows of a position are summed.
        self.embed = nn.EmbeddingBag(tensors["embed.weight"].shape[0], d, mode="sum")
        self.dense_in = nn.Linear(tensors["dense_in.weight"].shape[1], d, bias=False)
        self.layers = nn.ModuleList(Layer(config) for _ in range(config["layers"]))
        self.final_norm = nn.RMSNorm(d, eps=config["norm_eps"])
        self.next = nn.Linear(d, sum(target_sizes))
        self.inject = nn.Linear(d, 1) if "inject.weight" in tensors else None
        self.direct = nn.Linear(d, tensors["direct.weight"].shape[0])
        if "direct.skip.weight" in tensors:
            self.direct.skip = nn.Linear(self.dense_in.in_features, self.direct.out_features, bias=False)
        self.register_buffer("levels", torch.tensor(config["quantiles"]), persistent=False)

    def hidden(self, ids, dense, cos, sin, mask):
        b, t, slots = ids.shape
        x = self.embed(ids.view(b * t, slots)).view(b, t, -1) + self.dense_in(dense)
        for layer in self.layers:
            x = layer(x, cos, sin, mask)
        return self.final_norm(x)

    def loss(self, batch):
        """Total, next step, injection, quantiles: each the mean over the targets that are there."""
        h = self.hidden(batch["ids"], batch["dense"], batch["cos"], batch["sin"], batch["mask"])
        logits = self.next(h).flatten(0, 1).split(self.target_sizes, dim=-1)
        targets = batch["next"].flatten(0, 1).unbind(-1)
        nll = sum(
            F.cross_entropy(x, y, ignore_index=-1, reduction="sum") for x, y in zip(logits, targets)
        )
        next_step = nll / (batch["next"] >= 0).sum()
        inject = h.new_zeros(())
        if self.inject is not None:
            y = batch["inject"]
            known = y >= 0
            bce = F.binary_cross_entropy_with_logits(
                self.inject(h).squeeze(-1), y.clamp_min(0), weight=known.float(), reduction="sum"
            )
            inject = bce / known.sum()
        predicted = self.direct(h)
        if hasattr(self.direct, "skip"):
            predicted = predicted + self.direct.skip(batch["dense"])
        y = batch["direct"]
        known = ~y.isnan()
        e = torch.where(known, y, 0).unsqueeze(-1) - predicted.view(*y.shape, self.quantiles)
        pinball = torch.maximum(self.levels * e, (self.levels - 1) * e).mean(-1)
        direct = (pinball * known).sum() / known.sum()
        return next_step + inject + direct, next_step, inject, direct


def sliding_window(length, window):
    """True where query t sees key j: t - window < j <= t."""
    t = torch.arange(length)
    back = t[:, None] - t[None, :]
    return (back >= 0) & (back < window)


def load_config(folder):
    return json.loads((Path(folder) / "config.json").read_text())
