"""What whoever runs the program relies on, seen on the real one."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx2
from prometheus_client.parser import text_string_to_metric_families

from tests.config.serving import desk, serving, visiting

CANARY = "canary-4711"


def samples(page: str) -> dict[str, float]:
    """Name with labels to value."""
    return {
        f"{sample.name}{sorted(sample.labels.values())}" if sample.labels else sample.name: sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }


async def test_the_metrics_tell_what_was_done_and_name_nobody(tmp_path: Path) -> None:
    with serving(tmp_path / "data", desk(tmp_path)) as served:
        async with visiting(served.address) as (visitor, secret), httpx2.AsyncClient() as http:
            assert await visitor.says(f"look it up {CANARY}") == "Which order?"
            assert await visitor.says(CANARY) == f"Found {CANARY}."
            answer = await http.get(f"{served.address}/metrics")
        assert answer.headers["content-type"].startswith("text/plain; version=")
        assert CANARY not in answer.text
        assert secret not in answer.text
        found = samples(answer.text)
        expected = {
            "frontdesk_store_up": 1,
            "frontdesk_unheard_conversations": 0,
            "frontdesk_unheard_oldest_seconds": 0,
            "frontdesk_turns_total['in_flow']": 2,
            "frontdesk_turns_total['failed']": 0,
            "frontdesk_leases_lost_total['refused']": 0,
            "frontdesk_arrivals_total['fresh', 'web']": 2,
            "frontdesk_connections['websocket', 'widget']": 1,
            "frontdesk_turns_running": 0,
        }
        assert {name: found.get(name) for name in expected} == expected
        assert found["frontdesk_store_units_total"] >= found["frontdesk_store_commits_total"] >= 4
        assert found["process_resident_memory_bytes"] > 10_000_000
        assert found["process_cpu_seconds_total"] > 0


@contextmanager
def broken_model() -> Iterator[str]:
    """A model's server that refuses and quotes what it was asked."""

    class Refuses(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = self.rfile.read(int(self.headers["content-length"]))
            body = json.dumps({"error": {"message": f"bad: {asked.decode()}"}}).encode()
            self.send_response(400)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Refuses)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


async def test_whatever_fails_no_log_line_holds_what_a_customer_said(tmp_path: Path) -> None:
    """In the model's error, in an action's, in a slot, and in what the store could not keep."""
    key, config = f"sk-{CANARY}-key", desk(tmp_path)
    database = tmp_path / "data" / "frontdesk.db"
    with (
        broken_model() as model,
        serving(tmp_path / "data", config, OPENAI_BASE_URL=model, OPENAI_API_KEY=key) as served,
    ):
        async with visiting(served.address) as (visitor, _):
            await visitor.says(f"what is {CANARY}?")
            await visitor.says("look it up")
            await visitor.says(f"bug {CANARY}")
            database.rename(database.with_suffix(".away"))
            refused = await visitor.sends(f"lost: {CANARY}")
            await visitor.hears(lambda frame: frame["frame"] == "refused" and frame.get("id") == refused)
            database.with_suffix(".away").rename(database)
        served.stop()
        text, lines = served.log.read_text(), served.lines
    assert CANARY not in text
    events = {line["event"]: line for line in lines}
    assert {"server.started", "model.down", "action.failed", "web.not_accepted"} <= set(events)
    assert all(set(line) >= {"time", "level", "event"} for line in lines)
    assert events["model.down"]["why"]["because"]["code"] == 400
    assert events["action.failed"]["why"]["because"]["kind"] == "ValueError"
    assert any(place.endswith(" look_up") for place in events["action.failed"]["why"]["because"]["at"])
    assert len(events["action.failed"]["conversation"]) == 32
    assert events["action.failed"]["conversation"] == events["model.down"]["conversation"]


async def test_it_is_ready_while_the_store_answers(tmp_path: Path) -> None:
    with serving(tmp_path / "data", desk(tmp_path)) as served:
        async with httpx2.AsyncClient(base_url=served.address) as http:
            assert ((await http.get("/healthz")).text, (await http.get("/readyz")).text) == ("ok", "ready")
            assert (await http.get("/metrics", headers={"Host": "shop.example"})).status_code == 421
