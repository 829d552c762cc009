from __future__ import annotations
import copy, json, collections
from urllib.parse import quote
import httpx, pytest
from service.kit import clock
from service.kit.ids import uuid7
from tests.schema.world import World, parameters
from service.main import create_app

DOC = create_app().openapi()
HOSTILE = ["\0", "a\0b", "\ud800", "\udfff\ud800", "a"*5000, "", " ", "' OR 1=1 --", "%", "\\", "_%", "😀", "\u202e", "0", "-1", "1e400", "NaN", "Infinity", "9"*30, "-"+"9"*30, "9"*5000,
 "2147483648", "9223372036854775808", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "0001-01-01", "9999-12-31", "2026-01-01T00:00:00", "2026-02-30T00:00:00Z", "1e10", "99999999999999", "-62135596801", "253402300800",
 "00000000-0000-0000-0000-000000000000", "{0197c7a2-6f5e-7c11-9f0a-1d2e3f405162}", "urn:uuid:0197c7a2-6f5e-7c11-9f0a-1d2e3f405162", "٥١١٧٢٣", "５１１７２３", "511723\n", "511723 ", "../..", "null", "[]", "true"]
JSONS = [None, True, False, 0, -1, 10**30, -(10**30), 2**31, 2**63, 2**64, 1e308, -1e308, 0.1, [], {}, [[]], [None], {"a": 1}, [1]*20000]

def leaves(body, path=()):
    yield path
    if isinstance(body, dict):
        for k, v in body.items(): yield from leaves(v, (*path, k))
    elif isinstance(body, list):
        for i, v in enumerate(body[:2]): yield from leaves(v, (*path, i))

def put(body, path, value):
    if not path: return value
    b = copy.deepcopy(body); x = b
    for p in path[:-1]: x = x[p]
    x[path[-1]] = value
    return b

def raw(body):
    return json.dumps(body).encode()

async def test_hostile(world: World, people, client, app):
    county = world.place.spot.county
    able = people.make(("administrator", county), ("county_dispatcher", county), ("grid_worker", world.place.spot.grid))
    http = able.http
    bad = collections.OrderedDict(); n = 0
    async def go(method, path, op, **kw):
        nonlocal n; n += 1
        try:
            r = await http.request(method.upper(), path, **kw)
        except Exception as e:
            bad.setdefault((op["operationId"], "EXC", repr(e)[:200]), (path, str(kw)[:300])); return
        if str(r.status_code) not in op["responses"]:
            bad.setdefault((op["operationId"], r.status_code, r.text[:150]), (path, str(kw)[:400]))
        elif r.status_code >= 400 and r.headers["content-type"] != "application/problem+json":
            bad.setdefault((op["operationId"], r.status_code, r.headers["content-type"]), (path, str(kw)[:400]))
    def q(s): return quote(s.encode("utf-8", "surrogatepass"), safe="")
    for template, item in DOC["paths"].items():
        for method, op in item.items():
            if op["operationId"] in ("issue_token",): pass
            base = world.path(template)
            # path params
            for name, kind in parameters(template).items():
                for h in HOSTILE:
                    if h in ("", "../.."): continue
                    p = template.replace("{%s}" % name, q(h))
                    await go(method, world.path(p), op)
            params = [p for p in op.get("parameters", ()) if p.get("in") == "query"]
            req = {p["name"]: (p["schema"].get("examples") or p.get("examples") or ["1"])[0] if not isinstance(p.get("examples"), dict) else "1" for p in params if p.get("required")}
            for prm in params:
                for h in HOSTILE:
                    qs = "&".join([f"{k}={v}" for k, v in req.items() if k != prm["name"]] + [f"{prm['name']}={q(h)}"])
                    await go(method, base + "?" + qs, op)
            body = op.get("requestBody")
            if not body: continue
            (media, content), = body["content"].items()
            for ex in list(content["examples"].values())[:3]:
                v = ex["value"]
                if media == "application/json":
                    for path in leaves(v):
                        for h in [*HOSTILE, *JSONS]:
                            await go(method, base, op, content=raw(put(v, path, h)), headers={"content-type": media})
                elif media == "application/x-www-form-urlencoded":
                    for k in v:
                        for h in HOSTILE:
                            await go(method, base, op, content=("&".join(f"{a}={q(h if a==k else b)}" for a,b in v.items())).encode(), headers={"content-type": media})
                else:
                    f = v["file"]
                    for k in v:
                        if k == "file": continue
                        for h in HOSTILE:
                            data = {a: (h if a == k else str(b)).encode("utf8","surrogatepass") for a,b in v.items() if a != "file"}
                            files = {a: (None, b) for a, b in data.items()}
                            files["file"] = ("x.txt", f.encode())
                            await go(method, base, op, files=files)
            good = raw(v) if media == "application/json" else b"x"
            for ct in ["", "text/plain", "application/json; charset=utf-16", "application/json;;;=", "application/jsonx", "multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=x", "multipart/form-data; boundary=x; charset=rot13", "multipart/form-data; boundary=x; charset=utf-7", "application/x-www-form-urlencoded", "application/x-www-form-urlencoded; charset=klingon", "application/problem+json", "\xff", media]:
                for content in [b"", good, b"\xff\xfe", b"{", b"[" * 100000, b'{"a":' * 50000, b"\xef\xbb\xbf" + good, b"null", b'"x"', b"NaN", b"1e999999", b"9" * 5000, b'{"id": "\\ud800"}', b"--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nabc\r\n--x--\r\n", b"--x\r\n\r\n--x--", b"--x\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nabc\r\n--x--\r\n", b"--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"\x00\"\r\nContent-Type: \xff/\xff; charset=nope\r\n\r\nabc\r\n--x--\r\n"]:
                    await go(method, base, op, content=content, headers={"content-type": ct.encode("latin1")} if ct else {})
    with open("/tmp/gw/hostile.txt", "w") as f:
        f.write(f"{n} requests\n")
        for k, v in bad.items(): f.write(f"{k}\n      {v}\n")
    print(n, len(bad))
