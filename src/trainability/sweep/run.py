"""The plan through an engine into a store: blocks in parallel, finished ones kept, Ctrl-C heard."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

from trainability.core.errors import Interrupted
from trainability.core.types import Dataset
from trainability.engine.interface import BlockResult, Engine, Measures, Trials
from trainability.sweep.plan import Block, Cell, trials
from trainability.sweep.tables import portraits_table, trials_table

if TYPE_CHECKING:
    import polars as pl


class Store(Protocol):
    """What a run needs of a store: see `store.Run`."""

    def finished(self, kind: Literal["trials", "portraits"]) -> set[str]: ...
    def write(self, kind: Literal["trials", "portraits"], key: str, table: pl.DataFrame) -> None: ...


@dataclass
class Cost:
    """What a run has cost so far.

    Attributes:
        network_steps: steps taken, summed over trials; padding does not count.
        intervals: stretches of training on any worker, seconds.
        compile_seconds: summed over workers.
    """

    network_steps: int = 0
    intervals: list[tuple[float, float]] = field(default_factory=list)
    compile_seconds: float = 0.0

    @property
    def training_seconds(self) -> float:
        """How long at least one worker was training."""
        total, reached = 0.0, float("-inf")
        for start, end in sorted(self.intervals):
            total += max(0.0, end - max(start, reached))
            reached = max(reached, end)
        return total


def work(plan: tuple[Block, ...], finished: set[str]) -> int:
    """Network-steps that are still to be done."""
    return sum(block.steps * len(block.rows) for block in plan if block.key not in finished)


def sweep(
    plan: tuple[Block, ...],
    grid: tuple[Cell, ...],
    seed: int,
    data: Dataset,
    engine: Engine,
    measures: Measures,
    store: Store,
    cost: Cost,
    on_steps: Callable[[int], None],
) -> None:
    """Train every block that the store does not hold yet; worker i uses device i modulo their number.

    Args:
        cost: what finished blocks have cost is added here.
        on_steps: told the network-steps done since its last call, from any worker.

    Raises:
        Interrupted: Ctrl-C; every finished block is in the store.
        StoreError: the store cannot take more, likewise.
    """
    done = store.finished("trials")
    todo = iter([block for block in plan if block.key not in done])
    stop, told = threading.Event(), threading.Lock()

    def take(worker: int) -> None:
        kept: Future[None] | None = None
        while not stop.is_set():
            with told:
                block = next(todo, None)
            if block is None:
                break
            rows = trials(block, grid, seed)
            result = train(block, rows, worker % engine.devices)
            if kept:  # one block of a worker waits for the disk, not more
                kept.result()
            kept = keeper.submit(keep, block, rows, result)
        if kept:
            kept.result()

    def train(block: Block, rows: Trials, device: int) -> BlockResult:

        def tick(steps: int) -> None:
            if stop.is_set():
                raise Interrupted("stopped between two segments")
            with told:
                on_steps(steps * len(rows))

        return engine.run(block.program, rows, data, block.steps, measures, tick, device)

    def keep(block: Block, rows: Trials, result: BlockResult) -> None:
        portraits = portraits_table(block.program, rows, result, data)
        if len(portraits):
            store.write("portraits", block.key, portraits)
        store.write("trials", block.key, trials_table(result.columns))
        with told:
            cost.network_steps += block.steps * len(rows)
            cost.intervals += result.intervals
            cost.compile_seconds += result.compile_seconds

    try:
        # The disk's time, several milliseconds a block, is not the workers'.
        with (
            ThreadPoolExecutor(1, thread_name_prefix="keep") as keeper,
            ThreadPoolExecutor(engine.workers, thread_name_prefix="block") as pool,
        ):
            try:
                futures: set[Future[None]] = {pool.submit(take, worker) for worker in range(engine.workers)}
                while futures:
                    # A timeout, because a wait without one does not hear Ctrl-C on every platform.
                    ready, futures = wait(futures, timeout=0.1, return_when=FIRST_COMPLETED)
                    for future in ready:
                        future.result()
            finally:
                stop.set()
    except KeyboardInterrupt:
        raise Interrupted(f"stopped; {len(store.finished('trials'))} of {len(plan)} blocks are kept") from None
