"""Sources to be patched: PyTorch recipes and a script, Keras scripts, an NNX recipe."""

from __future__ import annotations

SEQUENTIAL = '''"""Yes or no, by a list of layers."""
import torch
from torch import nn

from trainability import Recipe

RATE = 0.1  # of the optimiser


def recipe(seed):
    x = torch.randn(70, 2)
    y = (x[:, :1] > 0).float()
    model = nn.Sequential(
        nn.Linear(2, 8),  # first
        nn.ReLU(),

        nn.Dropout(0.5),
        nn.Linear(8, 6), nn.Tanh(),  # zweite Schicht: größer
        nn.Linear(6, 1),
        nn.Sigmoid(),  # out
    )
    optimizer = torch.optim.SGD(
        model.parameters(),
        lr=RATE,  # too much?
        momentum=0.5,
        weight_decay=3e-4,
    )
    return Recipe(model, nn.BCELoss(), optimizer, (x, y), (x, y), 3, batch_size=16)
'''

CLASS = """import torch
import torch.nn.functional as F
from torch import nn, optim
from trainability import Recipe


class Block(nn.Module):
    def __init__(self, units):
        super().__init__()
        self.inner = nn.Linear(units, units)
        self.drop = nn.Dropout(p=0.4)

    def forward(self, x):
        return x + self.drop(F.leaky_relu(self.inner(x), 0.2))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.act = nn.Linear(5, 7), nn.ELU()
        self.blocks = nn.ModuleList([Block(7) for _ in range(2)])
        self.last = nn.Linear(7, 3)

    def forward(self, x):
        x = self.act(self.first(x))
        for block in self.blocks:
            x = block(x)
        h = torch.tanh(x)
        return F.log_softmax(self.last(h.relu()), dim=-1)


def recipe(seed):
    x, y = torch.randn(40, 5), torch.randint(0, 3, (40,))
    model = Net()
    return Recipe(
        model=model, loss=nn.NLLLoss(), optimizer=optim.Adam(model.parameters(), 1e-3), train=(x, y),
        validation=(x, y), epochs=4, batch_size=8,
    )
"""

GROWN = """import torch as t
from torch.nn import BCEWithLogitsLoss, Linear, Module, Sequential, Sigmoid, Tanh
from torch.optim import RMSprop
import trainability


def network(width, depth):
    layers = [Linear(3, width), Tanh()]
    for _ in range(depth):
        layers += [Linear(width, width), Tanh()]
    layers.append(Linear(width, 1))
    layers.append(Sigmoid())
    return Sequential(*layers)


def adam(model, rate, decay=0.0):
    return RMSprop(model.parameters(), rate, weight_decay=decay)


def recipe(seed):
    x = t.randn(30, 3)
    y = (x.sum(1, keepdim=True) > 0).float()
    model = network(4, 2)
    size = 2 ** 3
    return trainability.Recipe(model, BCEWithLogitsLoss(), adam(model, 2e-2), (x, y), (x, y), 5, size)
"""

WIRED = """import torch
from torch import nn
from trainability import Recipe


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = [nn.Linear(2, 8), nn.Linear(8, 8)]
        self.by_name = {"a": nn.Linear(8, 8)}
        self.head = nn.Linear(8, 1)
        self.sizes = [2, 8]

    def forward(self, x):
        for layer in self.hidden:
            x = torch.relu(layer(x))
        return self.head(self.by_name["a"](x))


def recipe(seed):
    x = torch.randn(20, 2)
    y = x[:, :1] ** 2
    model = Net()
    model.eval()
    for parameter in model.head.parameters():
        parameter.requires_grad = False
    optimizer = torch.optim.Adam(model.head.parameters(), lr=0.01)
    return Recipe(model, nn.MSELoss(), optimizer, (x, y), (x, y), 2, 4)
"""

HANDED = """import torch
from trainability import Recipe


def recipe(seed):
    x = torch.randn(20, 2)
    y = x[:, :1] ** 2
    model = torch.nn.Sequential(torch.nn.Linear(2, 4), torch.nn.Linear(4, 4), torch.nn.ReLU(), torch.nn.Linear(4, 1))
    return Recipe(model, torch.nn.functional.mse_loss, lambda p: torch.optim.Adadelta(p), (x, y), (x, y), 2, 4)
"""

RECIPES = {"sequential": SEQUENTIAL, "class": CLASS, "grown": GROWN, "wired": WIRED, "handed": HANDED}

SCRIPT = """import torch
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

batch_size, learning_rate = 16, 0.05
EPOCHS = 4
torch.manual_seed(0)
data = TensorDataset(torch.randn(64, 2), torch.randn(64, 1))
train_loader = DataLoader(data, batch_size=8, shuffle=True)
test_loader = DataLoader(data, batch_size=batch_size)
model = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 1))
model.eval()
optimizer = optim.SGD(model.parameters(), lr=learning_rate)
criterion = nn.MSELoss()
done = 0


def step(x, y):
    optimizer.zero_grad()
    criterion(model(x), y).backward(); optimizer.step()


for epoch in range(1, EPOCHS + 1):
    for x, y in train_loader:
        step(x, y)
    done += 1
"""

KERAS = """import keras
from keras import layers
import numpy as np

x, y = np.random.default_rng(0).normal(size=(40, 3)), np.arange(40) % 2
model = keras.Sequential([
    keras.Input((3,)),
    layers.Dense(8, activation='relu', kernel_regularizer=keras.regularizers.L2(0.1)),  # wide
    layers.Dropout(0.5),
    layers.Dense(6),
    layers.Dense(1, activation="softmax", kernel_initializer="zeros"),
])
model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
model.fit(x, y, epochs=5, verbose=0)
"""

KERAS_FUNCTIONAL = """import keras


def build():
    inputs = keras.Input(shape=(4,))
    h = keras.layers.Dense(5, activation="tanh")(inputs)
    for _ in range(2):
        h = keras.layers.Dense(5, activation="tanh", kernel_initializer="he_normal")(h)
    return keras.Model(inputs, keras.layers.Dense(3, activation="sigmoid")(h))


net = build()
sgd = keras.optimizers.SGD(
    0.5,  # large
    momentum=0.9,
    clipnorm=5.0,
    weight_decay=0.01,
)
net.compile(sgd, keras.losses.SparseCategoricalCrossentropy())
net.fit(keras.ops.ones((20, 4)), keras.ops.zeros(20), 10, 3)
"""

FLAX = """import jax
import jax.numpy as jnp
import optax
from flax import nnx
from trainability import Recipe


class Net(nnx.Module):
    def __init__(self, rngs):
        self.first = nnx.Linear(2, 8, rngs=rngs)
        self.second = nnx.Linear(8, 8, rngs=rngs)
        self.drop = nnx.Dropout(0.5, rngs=rngs)
        self.last = nnx.Linear(8, 1, rngs=rngs)

    def __call__(self, x):
        x = nnx.relu(self.first(x))
        x = self.drop(jax.nn.sigmoid(self.second(x)))
        return self.last(x)


def recipe(seed):
    model = Net(nnx.Rngs(seed))
    x = jax.random.normal(jax.random.key(seed), (20, 2))
    y = x[:, :1] ** 2
    return Recipe(model, lambda a, t: jnp.mean((a - t) ** 2), optax.adam(1e-3), (x, y), (x, y), 3, 5)
"""
