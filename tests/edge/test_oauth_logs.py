"""What the authorization server logs and counts of what it refuses: never a secret, and never without end."""

import json
import logging

import httpx
import pytest

from hub.edge import logs
from hub.edge.metrics import Families
from hub.edge.refusals import LINES_A_SECOND, Refusals
from tests.edge import oauth_world as w
from tests.edge.oauth_world import Served, Shared, ask_signed, ask_token, asked, assertion, token
from tests.identity import acting


async def test_no_secret_reaches_a_log(
    served: Served, browser: httpx.AsyncClient, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("httpx", "httpcore", "asyncio"):
        logging.getLogger(name).setLevel(logging.WARNING)
    hub, client, shared = served
    # Or the refusals of another test in the same second might leave none of its lines for these.
    monkeypatch.setattr(hub.inside.observer.refusals, "lines", -100)
    back = await w.consent(browser)
    said = (await w.exchange(browser, back["code"])).json()
    await w.refresh(browser, said["refresh_token"])
    await w.refresh(browser, said["refresh_token"])
    await w.sign_in(w.another_browser(served), "a-password-that-is-wrong")
    held, signed = await token(client, shared, "agency"), assertion(shared)
    await ask_signed(client, signed)
    await ask_signed(client, signed)
    await ask_token(client, Shared(secrets={"agency": "a-secret-that-is-wrong"}), "agency")
    await asked(client, "{ viewer { client } }", held[:-4] + "AAAA")
    secrets = [
        back["code"], said["access_token"], said["refresh_token"], acting.PASSWORD, "a-password-that-is-wrong", held,
        signed, shared.secrets["agency"], "a-secret-that-is-wrong", browser.cookies["hub_session"], w.VERIFIER,
    ]  # fmt: skip
    assert not [secret for secret in secrets if secret in caplog.text]
    assert "oauth: token refused: invalid_grant" in caplog.text
    assert "oauth: sign-in refused: wrong" in caplog.text


async def test_refusals_are_logged_with_registered_clients_alone_and_counted(
    served: Served, browser: httpx.AsyncClient, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, client, _ = served
    monkeypatch.setattr(hub.inside.observer.refusals, "lines", -100)
    monkeypatch.setattr(hub.inside.observer.refusals, "now", lambda: hub.inside.observer.refusals.second)
    handler = logging.StreamHandler()
    handler.setFormatter(logs.JsonLines())
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [handler])
    monkeypatch.setattr(root, "level", logging.WARNING)  # as `logs.configure` has it
    before = dict(hub.inside.observer.refusals.counts)
    await ask_token(client, Shared(secrets={"agency": "a-wrong-secret"}), "agency")
    await ask_token(client, Shared(secrets={"110101199003070011": "x"}), "110101199003070011")
    await w.sign_in(browser, "a-password-that-is-wrong")
    await browser.get("/oauth/authorize", params=w.authorization(response_type="token"))
    written = capsys.readouterr().err
    lines = [json.loads(line) for line in written.splitlines() if '"endpoint"' in line]
    assert [(line["endpoint"], line["error"], line["client"]) for line in lines] == [
        ("token", "invalid_client", "agency"),
        ("token", "invalid_client", None),
        ("sign-in", "wrong", "browser"),
        ("authorization", "unsupported_response_type", "browser"),
    ]
    assert all(line["request"] and line["level"] == "WARNING" for line in lines)
    assert not [text for text in ("wrong-secret", "110101", "a-password", '"li"') if text in written]
    families = Families(hub.inside.observer, hub.engine, {}, {})
    counted = {
        (sample.labels["endpoint"], sample.labels["error"]): sample.value
        for family in families.requests()
        for sample in family.samples
        if sample.name == "hub_oauth_refusals_total"
    }
    grown = {key: counted[key] - before.get(key, 0) for key in counted if counted[key] != before.get(key, 0)}
    assert grown == {
        ("token", "invalid_client"): 2,
        ("sign-in", "wrong"): 1,
        ("authorization", "unsupported_response_type"): 1,
    }


def test_a_flood_of_refusals_is_counted_and_does_not_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    seconds = [7.0]
    refusals = Refusals(lambda: seconds[0])
    for _ in range(1_000):
        refusals.note("token", "invalid_client")
    seconds[0] += 1
    refusals.note("token", "invalid_client")
    assert refusals.counts == {("token", "invalid_client"): 1_001}
    said = [record.getMessage() for record in caplog.records if record.name == "hub.edge.refusals"]
    assert len(said) == LINES_A_SECOND + 2
    assert f"{1_000 - LINES_A_SECOND} further refusals" in said[-2]
