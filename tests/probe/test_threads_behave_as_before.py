from __future__ import annotations

import inspect
import pickle
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor

import pytest

from jupyter_lineage.probe import context
from jupyter_lineage.probe.context import Execution


@pytest.fixture
def carried():
    context.install()
    before = context.current.get()
    context.enter(Execution("uid-1", 1, "run", ""))
    yield context.current.get()
    context.enter(before)
    context.uninstall()


def seen_in_thread() -> list[object]:
    seen: list[object] = []
    thread = threading.Thread(target=lambda: seen.append(context.current.get()))
    thread.start()
    thread.join()
    return seen


def test_a_thread_carries_the_execution(carried):
    assert seen_in_thread() == [carried]


def test_without_it_nothing_is_carried():
    context.enter(Execution("uid-1", 1, "run", ""))
    assert seen_in_thread() == [None]
    context.enter(None)


def test_only_our_variable_is_carried(carried):
    import contextvars

    other: contextvars.ContextVar[str] = contextvars.ContextVar("other", default="unset")
    other.set("set")
    seen: list[str] = []
    thread = threading.Thread(target=lambda: seen.append(other.get()))
    thread.start()
    thread.join()
    assert seen == ["unset"]


def test_tracebacks_hold_none_of_our_frames(carried, monkeypatch):
    texts: list[str] = []
    monkeypatch.setattr(
        threading, "excepthook", lambda a: texts.append("".join(traceback.format_tb(a[2])))
    )
    thread = threading.Thread(target=lambda: 1 / 0)
    thread.start()
    thread.join()
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(lambda: 1 / 0)
    error = future.exception()
    assert error is not None
    texts.append("".join(traceback.format_tb(error.__traceback__)))
    with pytest.raises(RuntimeError) as twice:
        thread.start()
    texts.append("".join(traceback.format_tb(twice.value.__traceback__)))
    assert len(texts) == 3
    assert not [text for text in texts if "jupyter_lineage" in text]


def test_public_functions_are_untouched(carried):
    assert inspect.getmodule(threading.Thread.start) is threading
    assert not hasattr(threading.Thread.start, "__wrapped__")
    assert not hasattr(ThreadPoolExecutor.submit, "__wrapped__")
    assert pickle.loads(pickle.dumps(threading.Thread.start)) is threading.Thread.start


def test_a_pool_gives_the_thread_back_as_it_was(carried):
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(context.current.get).result() is carried
        context.enter(None)
        assert pool.submit(context.current.get).result() is None
        other = Execution("uid-2", 2, "run", "")
        context.enter(other)
        assert pool.submit(context.current.get).result() is other


def test_uninstalling_puts_the_originals_back():
    before = dict(vars(threading))
    context.install()
    context.install()
    assert vars(threading) != before
    context.uninstall()
    assert {k: v for k, v in vars(threading).items() if before.get(k) is not v} == {}
