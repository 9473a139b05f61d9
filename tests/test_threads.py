"""How many threads torch works with: what may be used, what helps, and that it is put back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from resample_viz import threads
from resample_viz.analysis import linear_map, principal_components, round_trip
from resample_viz.operations import AvgPool, Conv, MaxPool
from resample_viz.threads import FastestThreads, Pause, cpus, num_threads, one_thread


@pytest.fixture(autouse=True)
def callers_threads() -> Iterator[None]:
    """The caller has two threads, and has them still afterwards."""
    torch.set_num_threads(2)
    yield
    after = torch.get_num_threads()
    torch.set_num_threads(1)
    assert after == 2


# What may be used: control groups of both versions


def write(folder: Path, **files: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text + "\n")


def of_eight(tmp_path: Path, membership: str) -> int:
    (tmp_path / "membership").write_text(membership)
    return cpus(8, cgroups=tmp_path, membership=tmp_path / "membership")


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        ("200000 100000", 2),
        ("150000 100000", 1),
        ("50000 100000", 1),
        ("1600000 100000", 8),
        ("max 100000", 8),
        ("", 8),
        ("nonsense", 8),
    ],
)
def test_a_container_of_version_2(tmp_path: Path, limit: str, expected: int) -> None:
    write(tmp_path, cpu__max=limit)
    assert of_eight(tmp_path, "0::/\n") == expected


def test_the_tightest_of_a_group_and_its_parents_counts(tmp_path: Path) -> None:
    write(tmp_path / "user.slice", cpu__max="300000 100000")
    write(tmp_path / "user.slice" / "one", cpu__max="max 100000")
    assert of_eight(tmp_path, "0::/user.slice/one\n") == 3
    write(tmp_path / "user.slice" / "one", cpu__max="200000 100000")
    assert of_eight(tmp_path, "0::/user.slice/one\n") == 2
    assert of_eight(tmp_path, "0::/user.slice/two\n") == 3


@pytest.mark.parametrize(
    ("quota", "expected"), [("200000", 2), ("150000", 1), ("10000", 1), ("-1", 8)]
)
@pytest.mark.parametrize("mount", ["cpu,cpuacct", "cpu"])
def test_a_container_of_version_1(tmp_path: Path, mount: str, quota: str, expected: int) -> None:
    """Its path is that of the host, of which the container sees only the root."""
    write(tmp_path / mount, cpu__cfs_quota_us=quota, cpu__cfs_period_us="100000")
    lines = "9:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc\n2:cpuset:/\n0::/docker/abc\n"
    assert of_eight(tmp_path, lines) == expected


def test_other_controllers_are_of_no_concern(tmp_path: Path) -> None:
    write(tmp_path / "cpuset", cpu__cfs_quota_us="100000", cpu__cfs_period_us="100000")
    assert of_eight(tmp_path, "2:cpuset:/\n") == 8


def test_without_control_groups_the_visible_cpus_count(tmp_path: Path) -> None:
    assert cpus(8, cgroups=tmp_path, membership=tmp_path / "none") == 8


def test_the_visible_cpus_are_those_of_the_scheduler(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("process_cpu_count", "sched_getaffinity"):
        monkeypatch.delattr(threads.os, name, raising=False)
    monkeypatch.setattr(threads.os, "cpu_count", lambda: 6)
    assert cpus(membership=tmp_path / "none") == 6
    monkeypatch.setattr(threads.os, "sched_getaffinity", lambda _: {0, 3, 5}, raising=False)
    assert cpus(membership=tmp_path / "none") == 3
    monkeypatch.setattr(threads.os, "process_cpu_count", lambda: 2, raising=False)
    assert cpus(membership=tmp_path / "none") == 2


# What helps: a machine whose time is made up


class Machine:
    """Steps take `seconds(threads)`; a core works for `share` of that."""

    def __init__(self, seconds: Callable[[int], float], share: float = 1.0) -> None:
        self.seconds, self.share = seconds, share
        self.now = self.worked = 0.0
        self.pause = Pause()

    def work(self, chooser: FastestThreads, steps: int) -> list[int]:
        """The number of threads of each step."""
        counts = []
        for _ in range(steps):
            with chooser.step():
                counts.append(torch.get_num_threads())
                self.now += self.seconds(counts[-1])
                self.worked += self.share * self.seconds(counts[-1])
        return counts

    def chooser(self, most: int) -> FastestThreads:
        clocks = {"clock": lambda: self.now, "cpu_clock": lambda: self.worked}
        return FastestThreads(most, **clocks, pause=self.pause)


def halving(count: int) -> float:
    return 0.02 / count


def waiting_for_each_other(count: int) -> float:
    return 0.02 * (1 if count == 1 else 5)


@pytest.mark.parametrize(("most", "expected"), [(1, 1), (2, 2), (3, 3), (6, 6), (16, 16)])
def test_threads_that_help_are_taken(most: int, expected: int) -> None:
    machine = Machine(halving)
    chooser = machine.chooser(most)
    machine.work(chooser, 400)
    assert chooser.count == expected


def test_threads_that_do_not_help_are_not_taken() -> None:
    machine = Machine(lambda count: 0.02 / min(count, 4) + 0.001 * count)
    chooser = machine.chooser(16)
    counts = machine.work(chooser, 2000)
    assert counts.count(4) > 0.9 * len(counts)


@given(st.sampled_from([2, 4, 12]), st.floats(0.001, 2), st.floats(1.05, 60))
def test_trials_that_do_not_help_take_a_twentieth_of_the_time(
    most: int, seconds: float, factor: float
) -> None:
    machine = Machine(lambda count: seconds * (1 if count == 1 else factor))
    counts = machine.work(machine.chooser(most), 3000)
    assert counts.count(1) > 0.9 * len(counts)
    first_trial = max(3 * seconds, 0.1) * 2 + 2 * factor * seconds
    assert machine.now < 3000 * seconds * 1.06 + first_trial


def test_many_short_trainings_do_not_pay_for_a_trial_each() -> None:
    machine = Machine(lambda count: 0.03 * (1 if count == 1 else 20))
    for _ in range(100):
        machine.work(machine.chooser(2), 20)
    assert machine.now < 2000 * 0.03 * 1.1


def test_on_a_machine_without_cores_to_spare_nothing_is_tried() -> None:
    machine = Machine(waiting_for_each_other, share=0.6)
    assert set(machine.work(machine.chooser(2), 500)) == {1}


def test_when_the_load_comes_one_thread_is_taken_and_when_it_goes_all_are() -> None:
    machine = Machine(halving)
    chooser = machine.chooser(2)
    machine.work(chooser, 300)
    machine.seconds, machine.share = waiting_for_each_other, 0.6
    counts = machine.work(chooser, 300)
    assert counts.count(2) < 10
    machine.seconds, machine.share = halving, 1.0
    counts = machine.work(chooser, 300)
    assert counts.count(1) < 20


def test_all_threads_that_the_caller_has_are_the_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "cpus", lambda: 8)
    with num_threads(3):
        assert FastestThreads()._counts == [1, 2, 3]
    monkeypatch.setattr(threads, "cpus", lambda: 1)
    with num_threads(3):
        chooser = FastestThreads()
        with chooser.step():
            assert torch.get_num_threads() == 1, "the container is limited"
        with chooser.apply():
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 3


# And they are put back, see the fixture


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt])
@pytest.mark.parametrize(
    "block",
    [
        one_thread,
        lambda: num_threads(7),
        lambda: FastestThreads().step(),
        lambda: FastestThreads().apply(),
    ],
)
def test_an_error_leaves_the_callers_threads(block: Callable, error: type[BaseException]) -> None:
    def fails() -> None:
        with block():
            assert torch.get_num_threads() != 2
            raise error

    with pytest.raises(error):
        fails()


def test_a_step_that_failed_is_not_timed() -> None:
    machine = Machine(halving)
    chooser = machine.chooser(2)

    def fails() -> None:
        with chooser.step():
            machine.now += 9
            raise ZeroDivisionError

    for _ in range(100):
        with pytest.raises(ZeroDivisionError):
            fails()
    counts = machine.work(chooser, 4)
    assert counts == [1, 1, 1, 1]


def test_singular_values_are_computed_in_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = []
    for name in ("svd", "svdvals", "pinv"):
        function = getattr(torch.linalg, name)

        def noting(*args: object, function: Callable = function, **options: object) -> object:
            counts.append(torch.get_num_threads())
            return function(*args, **options)

        monkeypatch.setattr(torch.linalg, name, noting)
    x = torch.rand(2, 1, 8, 8)
    principal_components(x)
    linear_map(AvgPool(2), x.shape).rank()
    linear_map(Conv("gaussian", stride=2), x.shape).pseudo_inverse(torch.rand(2, 1, 3, 3))
    round_trip(MaxPool(2), x)
    round_trip(Conv("gaussian", stride=2, padding=1), x)
    assert len(counts) > 3
    assert set(counts) == {1}
