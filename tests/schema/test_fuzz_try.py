from __future__ import annotations
import json, os, collections, time
from collections.abc import Iterator
import pytest, requests, schemathesis
from service.config import Settings
from service.kit import clock
from service.kit.ids import uuid7
from tests.server import Server
from tests.schema.fuzz import CHECKS, Sender, schema
from tests.schema.world import World

OUT = os.environ.get("FUZZ_OUT", "/tmp/gw/fuzz.jsonl")
@pytest.fixture(scope="module")
def server(world, settings: Settings, tmp_path_factory) -> Iterator[Server]:
    running = Server(settings, tmp_path_factory.mktemp("server") / "log")
    running.start()
    yield running
    running.stop()
    import shutil; shutil.copy(running._log, "/tmp/gw/fuzz_server.log")

@pytest.fixture
def sender(server, world, app, people) -> Iterator[Sender]:
    county = world.place.spot.county
    able = people.make(("administrator", county), ("county_dispatcher", county), ("unit_handler", county, "511723-TESTA"))
    disp = people.make(("county_dispatcher", county))
    worker = people.make(("grid_worker", world.place.spot.grid))
    def t(p): return app.state.tokens.issue(p.id, uuid7(), clock.now())
    with requests.Session() as s:
        s.trust_env = False
        a, d, w = t(able), t(disp), t(worker)
        yield Sender(server.base_url, world, s, (a, a, a, d, a, w, a, None))

counts = collections.Counter()
seen = set()
@schema.parametrize()
def test_fuzz(case: schemathesis.Case, sender: Sender) -> None:
    r = sender.send(case)
    label = case.operation.label
    counts[label, r.status_code] += 1
    for check in CHECKS:
        try:
            case.validate_response(r, [check])
        except BaseException as e:
            if isinstance(e, (KeyboardInterrupt, SystemExit)): raise
            msgs = [str(x)[:1500] for x in getattr(e, 'exceptions', [e])]
            key = (label, check.__name__, r.status_code, msgs[0][:60])
            if key in seen: continue
            seen.add(key)
            with open(OUT, 'a') as f:
                f.write(json.dumps({"op": label, "check": check.__name__, "status": r.status_code, "msg": msgs, "curl": case.as_curl_command()[:1500], "body": r.content[:300].decode('utf8','replace')}, ensure_ascii=False)+"\n")

def test_zz_counts():
    per = collections.defaultdict(dict)
    for (l, s), n in counts.items(): per[l][s] = n
    tot = sum(counts.values())
    with open("/tmp/gw/fuzz_counts.txt", "w") as f:
        for l in per: f.write(f"{sum(per[l].values())} {l} {dict(sorted(per[l].items()))}\n")
        f.write(f"total {tot}\n")
