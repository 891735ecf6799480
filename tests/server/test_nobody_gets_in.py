"""Every route asks who is there, whether they may, and that no other site sent them."""

from __future__ import annotations

import http.cookiejar
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from jupyter_lineage.server.app import ROUTES
from jupyter_lineage.server.handlers.base import LineageHandler

from .conftest import TOKEN, Server, running_server

RUN = "01900000-0000-7000-8000-000000000000"
ADDRESSES = {
    "RunsHandler": "runs",
    "RunHandler": f"runs/{RUN}",
    "OutputsHandler": f"runs/{RUN}/executions/1/outputs",
    "ReproduceHandler": f"runs/{RUN}/reproduce",
    "JobHandler": f"jobs/{RUN}",
    "TraceHandler": "trace?what=/data/raw.csv",
    "StatusHandler": "status?kernel_id=k",
}
CASES = [
    (ADDRESSES[handler.__name__], method.upper())
    for _, handler in ROUTES
    for method in ("get", "post", "put", "patch", "delete")
    if method in vars(handler)
]


@pytest.fixture(scope="module")
def denying(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    chosen = "--ServerApp.authorizer_class=tests.server.denying.DenyLineage"
    with running_server(tmp_path_factory.mktemp("denying"), chosen) as running:
        yield running


def test_every_route_is_walked_here() -> None:
    assert {handler.__name__ for _, handler in ROUTES} == set(ADDRESSES)
    assert all(issubclass(handler, LineageHandler) for _, handler in ROUTES)


@pytest.mark.parametrize(("address", "method"), CASES)
def test_a_stranger_is_refused(server: Server, address: str, method: str) -> None:
    reply = server.ask(f"lineage/api/{address}", method=method, token=None)
    assert reply.status == 403
    assert set(reply.body) == {"schema", "error", "hint"}


@pytest.mark.parametrize(("address", "method"), CASES)
def test_a_wrong_token_is_refused(server: Server, address: str, method: str) -> None:
    assert server.ask(f"lineage/api/{address}", method=method, token="guessed").status == 403


@pytest.mark.parametrize(("address", "method"), CASES)
def test_who_may_not_see_lineage_is_refused(denying: Server, address: str, method: str) -> None:
    assert denying.ask("api/contents").status == 200
    assert denying.ask(f"lineage/api/{address}", method=method).status == 403


@pytest.mark.parametrize(("address", "method"), CASES)
def test_the_right_token_gets_an_answer(server: Server, address: str, method: str) -> None:
    reply = server.ask(f"lineage/api/{address}", method=method)
    assert reply.status in (200, 404)
    assert reply.body["schema"] == 1
    assert reply.status == 200 or reply.body["error"]


def test_another_site_cannot_start_a_reproduction(server: Server) -> None:
    jar = http.cookiejar.CookieJar()
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    browser.open(f"{server.url}login", timeout=30).close()
    browser.open(f"{server.url}lineage/api/runs?token={TOKEN}", timeout=30).close()
    with browser.open(f"{server.url}lineage/api/runs", timeout=30) as reply:
        assert reply.status == 200, "the cookie alone lets a reader in"
    with pytest.raises(urllib.error.HTTPError) as refused:
        browser.open(f"{server.url}lineage/api/runs/{RUN}/reproduce", data=b"{}", timeout=30)
    refused.value.close()
    assert refused.value.code == 403
    xsrf = next(cookie.value for cookie in jar if cookie.name == "_xsrf")
    own = urllib.request.Request(
        f"{server.url}lineage/api/runs/{RUN}/reproduce",
        data=b"{}",
        headers={"X-XSRFToken": xsrf or ""},
    )
    with pytest.raises(urllib.error.HTTPError) as unknown:
        browser.open(own, timeout=30)
    unknown.value.close()
    assert unknown.value.code == 404, "with the token of its own page it is only an unknown run"
