"""The same network, the same batches and the same steps in PyTorch."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

from tests.peers.trajectory import Trajectory, resolved
from trainability.normalization import EPSILON, NORMALIZATIONS

OPTIMIZERS: dict[str, Callable[[dict[str, float]], dict[str, Any]]] = {
    "sgd": lambda v: {},
    "momentum": lambda v: {"momentum": v["momentum"]},
    "nesterov": lambda v: {"momentum": v["momentum"], "nesterov": True},
    # torch adds eps to the root, we to the sum under it: the same to 1e-6 with a sum that starts at 0.1.
    "adagrad": lambda v: {"initial_accumulator_value": v["initial"], "eps": v["eps"]},
    "adadelta": lambda v: {"rho": v["rho"], "eps": v["eps"]},
    "rmsprop": lambda v: {"alpha": v["decay"], "eps": v["eps"]},
    "adam": lambda v: {"betas": (v["b1"], v["b2"]), "eps": v["eps"]},
    "adamw": lambda v: {"betas": (v["b1"], v["b2"]), "eps": v["eps"], "weight_decay": v["decay"]},
    "adamax": lambda v: {"betas": (v["b1"], v["b2"]), "eps": v["eps"]},
    # torch corrects the bias of the root after eps, we before.
    "radam": lambda v: {"betas": (v["b1"], v["b2"]), "eps": v["eps"]},
}
"""Our parameters to torch's arguments. Every optimiser with a `torch` name needs its line."""


class Net(torch.nn.Module):
    """The network of a trajectory with its first weights."""

    def __init__(self, ours: Trajectory):
        super().__init__()
        self.ours = ours
        kind = {"dtype": getattr(torch, ours.program.dtype)}
        network = ours.program.network
        self.dense = torch.nn.ModuleList(torch.nn.Linear(a, b, **kind) for a, b in network.widths)
        norm = NORMALIZATIONS[network.norm]
        hidden = [b for _, b in network.widths[:-1]]
        self.norm = torch.nn.ModuleList(
            resolved(norm.torch)(b, eps=EPSILON, **kind) for b in (hidden if norm.torch else [])
        )
        self.learned = torch.nn.ModuleList(
            torch.nn.PReLU(b, **kind) for b in (network.hidden if ours.activation.entry.learned else [])
        )
        with torch.no_grad():
            for layer, weights, biases in zip(self.dense, ours.initial["weights"], ours.initial["biases"], strict=True):
                layer.weight.copy_(torch.from_numpy(weights.T))
                layer.bias.copy_(torch.from_numpy(biases))
            for layer, slopes in zip(self.learned, ours.initial["activation"], strict=True):
                layer.weight.copy_(torch.from_numpy(slopes[0]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for i, dense in enumerate(self.dense[:-1]):
            z = self.norm[i](dense(x)) if self.norm else dense(x)
            answer = self.learned[i](z) if self.learned else _apply(self.ours.activation, z)
            x = x + answer if self.ours.program.network.residual and x.shape == answer.shape else answer
        z = self.dense[-1](x)
        return z if self.ours.output.text == "identity" else _apply(self.ours.output, z)

    def parameters_of_ours(self) -> dict[str, Any]:
        """All parameters as our engine returns them."""
        batch = NORMALIZATIONS[self.ours.program.network.norm].running
        shifts = [n.bias for n in self.norm if getattr(n, "bias", None) is not None]
        return {
            "weights": [_numpy(d.weight).T for d in self.dense],
            "biases": [_numpy(d.bias) for d in self.dense],
            "factor": [_numpy(n.weight) for n in self.norm],
            "shift": [_numpy(b) for b in shifts],
            "activation": [_numpy(p.weight)[None] for p in self.learned],
            "running": [(_numpy(n.running_mean), _numpy(n.running_var)) for n in self.norm] if batch else [],
        }


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """PyTorch on one thread: on arrays this small more threads wait for each other (measured: six times slower)."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@one_thread()
def train(
    ours: Trajectory, schedule: Callable[[torch.optim.Optimizer], Any] | None = None
) -> tuple[dict[str, Any], list[float]]:
    """The parameters at the end and the loss at every checkpoint of a trajectory."""
    net, numbers = Net(ours), ours.numbers
    x, y = torch.from_numpy(ours.x), torch.from_numpy(ours.y)
    optimizer = _optimizer(net, ours)
    scheduler = schedule(optimizer) if schedule else None
    losses = []
    for step in range(len(ours.batches) + 1):
        if step in ours.marks:
            net.eval()
            with torch.no_grad():
                losses.append(float(_loss(ours, net(x), y)))
            net.train()
        if step == len(ours.batches):
            break
        chosen = torch.from_numpy(ours.batches[step])
        loss = _loss(ours, net(x[chosen]), y[chosen])
        for dense in net.dense:
            loss = loss + numbers["l1"] * dense.weight.abs().sum() + numbers["l2"] * dense.weight.square().sum()
        optimizer.zero_grad()
        loss.backward()
        if numbers["clip"]:
            torch.nn.utils.clip_grad_norm_(net.parameters(), numbers["clip"])
        optimizer.step()
        if scheduler:
            scheduler.step()
    return net.parameters_of_ours(), losses


def _optimizer(net: Net, ours: Trajectory) -> torch.optim.Optimizer:
    """torch's optimiser; our decoupled decay of the weight matrices is its own where it has one: in SGD and AdamW."""
    choice, decay = ours.optimizer, ours.numbers["decay"]
    arguments = {"lr": ours.numbers["rate"], **OPTIMIZERS[choice.entry.name](choice.named)}
    path = choice.entry.torch
    if not decay:
        return resolved(path)(net.parameters(), **arguments)
    weights = [dense.weight for dense in net.dense]
    rest = [p for p in net.parameters() if all(p is not w for w in weights)]
    groups = [{"params": weights, "weight_decay": decay}, {"params": rest, "weight_decay": 0.0}]
    return resolved({"sgd": path, "adam": "torch.optim.AdamW"}[choice.entry.name])(groups, **arguments)


def _loss(ours: Trajectory, outputs: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return resolved(ours.loss.entry.torch)(outputs, y, **ours.loss.named)


def _apply(choice: Any, z: torch.Tensor) -> torch.Tensor:
    return resolved(choice.entry.torch.path)(z, **choice.entry.torch.keywords(choice.named))


def _numpy(tensor: Any) -> np.ndarray:
    return tensor.detach().numpy().copy()
