"""An interruption is obeyed once, where nothing is left behind."""

import asyncio
import os
import signal
from collections.abc import Iterator

import pytest

from hub import interruption as module
from hub.interruption import SIGNALS, Interruption, run


@pytest.fixture
def interruption(monkeypatch: pytest.MonkeyPatch) -> Iterator[Interruption]:
    """A fresh one that has the signals of this process until the test is over."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    fresh = Interruption()
    monkeypatch.setattr(module, "interruption", fresh)
    fresh.install()
    yield fresh
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", SIGNALS)
def test_the_first_signal_interrupts_and_others_are_ignored(interruption: Interruption, number: int) -> None:
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), number)
    for again in SIGNALS:
        os.kill(os.getpid(), again)
    assert interruption.asked_by == number


def test_a_shield_puts_it_off_to_its_end(interruption: Interruption) -> None:
    steps = []

    def work() -> None:
        with interruption.shield():
            with interruption.shield():
                os.kill(os.getpid(), signal.SIGTERM)
                steps.append("inner")
            steps.append("outer")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert steps == ["inner", "outer"]
    with interruption.shield():
        steps.append("obeyed already")


def test_work_on_the_loop_is_cancelled_where_it_waits(interruption: Interruption) -> None:
    steps = []

    async def work() -> None:
        try:
            os.kill(os.getpid(), signal.SIGINT)
            steps.append("goes on until it waits")
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0)
            steps.append("tidied up")

    with pytest.raises(KeyboardInterrupt):
        run(work())
    assert steps == ["goes on until it waits", "tidied up"]


def test_what_cancelled_work_makes_of_it_is_an_interruption_still(interruption: Interruption) -> None:
    async def work() -> None:
        try:
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.sleep(60)
        finally:
            raise RuntimeError("another operation is in progress")

    with pytest.raises(KeyboardInterrupt):
        run(work())


def test_a_hang_up_is_ignored_under_nohup(interruption: Interruption) -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    interruption.install()
    os.kill(os.getpid(), signal.SIGHUP)
    assert interruption.asked_by is None


def test_work_that_cancels_itself_is_no_interruption(interruption: Interruption) -> None:
    async def work() -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        run(work())
