#!/usr/bin/env python3
"""Benchmark node for Python RNS/LXMF.  Speaks the node protocol of rnslab bench:
one JSON command per line on stdin, one JSON reply per line on stdout."""
import sys, os, json, time, threading, hashlib, resource as ru
_out = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)
_fd = os.dup(0)
_n = os.open(os.devnull, os.O_RDONLY); os.dup2(_n, 0); sys.stdin = open(os.devnull)
T0 = time.time()
import RNS, LXMF
import LXMF.LXStamper as LXStamper

S = {}


def lines():
    buf = b""
    while True:
        c = os.read(_fd, 65536)
        if not c:
            return
        buf += c
        *ls, buf = buf.split(b"\n")
        yield from ls


def start(c):
    S["ret"] = RNS.Reticulum(configdir=c["config"], loglevel=c.get("loglevel", 2), logdest=lambda m: sys.stderr.write(m + "\n"))
    S["id"] = RNS.Identity()
    return {"import_and_start_s": time.time() - T0}


def router():
    if "router" not in S:
        S["router"] = LXMF.LXMRouter(identity=S["id"], storagepath=os.path.join(RNS.Reticulum.configdir, "lx"), delivery_limit=100000)
        S["lx"] = S["router"].register_delivery_identity(S["id"], display_name="bench")
        S["got"] = 0
        def cb(m):
            S["got"] += 1
        S["router"].register_delivery_callback(cb)


def serve(c):
    d = RNS.Destination(S["id"], RNS.Destination.IN, RNS.Destination.SINGLE, "bench", "echo")
    d.set_proof_strategy(RNS.Destination.PROVE_ALL)

    def est(link):
        link.set_packet_callback(lambda data, p: RNS.Packet(link, data).send())
        link.set_resource_strategy(RNS.Link.ACCEPT_ALL)

        def concluded(r):
            if r.status == RNS.Resource.COMPLETE:
                S["res_bytes"] = S.get("res_bytes", 0) + r.total_size
        link.set_resource_concluded_callback(concluded)
    d.set_link_established_callback(est)
    S["echo"] = d
    router()
    return {"echo": d.hash.hex(), "lxmf": S["lx"].hash.hex()}


def announce(c):
    S["echo"].announce()
    S["router"].announce(S["lx"].hash)
    return {}


def stats(c):
    r = ru.getrusage(ru.RUSAGE_SELF)
    return {"paths": len(RNS.Transport.path_table), "known": len(RNS.Identity.known_destinations), "got": S.get("got", 0), "cpu_s": r.ru_utime + r.ru_stime}


def wait_paths(c):
    """Block until n paths are known; returns the wall-clock time of arrival."""
    n, end = c["n"], time.time() + c.get("timeout", 300)
    last, last_t = 0, time.time()
    while time.time() < end:
        k = len(RNS.Transport.path_table)
        if k >= n:
            break
        if k != last:
            last, last_t = k, time.time()
        elif time.time() - last_t > c.get("stall", 15):
            break
        time.sleep(0.005)
    return {"paths": len(RNS.Transport.path_table), "t": time.time() if len(RNS.Transport.path_table) >= n else last_t}


def has_path(c):
    h = bytes.fromhex(c["dest"]); end = time.time() + c.get("timeout", 30)
    while not RNS.Transport.has_path(h) and time.time() < end:
        time.sleep(0.02)
    return {"has": bool(RNS.Transport.has_path(h)), "hops": RNS.Transport.hops_to(h)}


def outdest(c, app="bench", aspect="echo"):
    return RNS.Destination(RNS.Identity.recall(bytes.fromhex(c["dest"])), RNS.Destination.OUT, RNS.Destination.SINGLE, app, aspect)


def open_link(d):
    ev = threading.Event()
    l = RNS.Link(d, established_callback=lambda l: ev.set())
    if not ev.wait(20):
        raise RuntimeError("link timeout")
    return l


def link_rate(c):
    d = outdest(c); ts = []
    for _ in range(c["n"]):
        t = time.perf_counter(); l = open_link(d); ts.append(time.perf_counter() - t)
        l.teardown()
    return {"seconds": ts}


def rtt(c):
    l = open_link(outdest(c)); ev = threading.Event(); ts = []
    l.set_packet_callback(lambda data, p: ev.set())
    payload = os.urandom(c.get("size", 32))
    for _ in range(c["n"]):
        ev.clear(); t = time.perf_counter()
        RNS.Packet(l, payload).send()
        if not ev.wait(5):
            raise RuntimeError("echo lost")
        ts.append(time.perf_counter() - t)
    l.teardown()
    return {"seconds": ts}


def resource(c):
    l = open_link(outdest(c)); data = os.urandom(c["size"]); ts = []
    for _ in range(c["n"]):
        ev = threading.Event(); t = time.perf_counter()
        r = RNS.Resource(data, l, auto_compress=c.get("compress", False), callback=lambda r: ev.set())
        if not ev.wait(c.get("timeout", 300)) or r.status != RNS.Resource.COMPLETE:
            raise RuntimeError(f"resource failed status {r.status}")
        ts.append(time.perf_counter() - t)
    mtu = l.mtu
    l.teardown()
    return {"seconds": ts, "mtu": mtu}


def lxmf(c):
    router()
    d = outdest(c, "lxmf", "delivery")
    meth = {"direct": LXMF.LXMessage.DIRECT, "opportunistic": LXMF.LXMessage.OPPORTUNISTIC}[c["method"]]

    def send(done):
        m = LXMF.LXMessage(d, S["lx"], "x" * c.get("size", 64), "", desired_method=meth)
        m.register_delivery_callback(done); m.register_failed_callback(lambda m: S.__setitem__("failed", S.get("failed", 0) + 1))
        S["router"].handle_outbound(m)
    ev = threading.Event(); send(lambda m: ev.set())
    if not ev.wait(30):
        raise RuntimeError("first message not delivered")
    sem = threading.Semaphore(c.get("window", 1)); n = c["n"]; cnt = [0]; alld = threading.Event(); lock = threading.Lock()

    def done(m):
        with lock:
            cnt[0] += 1
            if cnt[0] == n:
                alld.set()
        sem.release()
    t = time.perf_counter()
    for _ in range(n):
        if not sem.acquire(timeout=30):
            break
        send(done)
    alld.wait(60)
    return {"delivered": cnt[0], "seconds": time.perf_counter() - t}


def stamp(c):
    ts = []
    for _ in range(c["n"]):
        t = time.perf_counter(); LXStamper.generate_stamp(os.urandom(32), c["cost"]); ts.append(time.perf_counter() - t)
    return {"seconds": ts}


def workblock(c):
    ts = []
    for _ in range(c["n"]):
        t = time.perf_counter(); LXStamper.stamp_workblock(os.urandom(32)); ts.append(time.perf_counter() - t)
    return {"seconds": ts}


for line in lines():
    c = json.loads(line)
    if c["cmd"] == "quit":
        break
    try:
        r = {"ok": True, **(globals()[c["cmd"]](c) or {})}
    except Exception as e:
        r = {"ok": False, "error": f"{type(e).__name__}: {e}"}
    _out.write(json.dumps(r) + "\n"); _out.flush()
os._exit(0)
