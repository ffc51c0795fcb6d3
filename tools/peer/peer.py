#!/usr/bin/env python3
"""Scriptable Reticulum/LXMF reference peer.

Reads one JSON object per line on stdin, writes one JSON object per line on
stdout.  Uses whatever RNS and LXMF packages are importable (PYTHONPATH).
See README.md next to this file for the command list.
"""
import sys, os, io, json, time, threading, queue, hashlib, traceback, argparse

_out_lock = threading.Lock()
_real_stdout = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)          # anything the libraries print goes to stderr
# LXMF forks its stamp workers; a forked child closes sys.stdin and would hang on
# the buffer lock if the parent were blocked in sys.stdin.readline().  So read a
# private raw descriptor instead and point sys.stdin at /dev/null.
_cmd_fd = os.dup(0)
_null = os.open(os.devnull, os.O_RDONLY)
os.dup2(_null, 0)
os.close(_null)
sys.stdin = open(os.devnull)


def command_lines():
    buf = b""
    while True:
        chunk = os.read(_cmd_fd, 65536)
        if not chunk:
            return
        buf += chunk
        *lines, buf = buf.split(b"\n")
        for l in lines:
            yield l.decode("utf-8", "replace")


def emit(obj):
    line = json.dumps(obj, separators=(",", ":"))
    with _out_lock:
        try:
            _real_stdout.write(line + "\n")
            _real_stdout.flush()
        except (BrokenPipeError, ValueError):
            os._exit(0)


def event(name, **kw):
    kw.update({"type": "event", "event": name, "t": round(time.time(), 6)})
    emit(kw)


import RNS
import LXMF
import LXMF.LXStamper as LXStamper
from RNS.vendor import umsgpack

# --------------------------------------------------------------------------
# value encoding


MAX_INLINE = 4096


def enc(v, limit=None):
    """Python value -> JSON value (bytes become {"b":hex} or a digest)."""
    limit = MAX_INLINE if limit is None else limit
    if isinstance(v, (bytes, bytearray)):
        v = bytes(v)
        if len(v) <= limit:
            return {"b": v.hex()}
        return {"len": len(v), "sha256": hashlib.sha256(v).hexdigest()}
    if isinstance(v, dict):
        if all(isinstance(k, str) for k in v):
            return {k: enc(x, limit) for k, x in v.items()}
        return {"m": [[enc(k, limit), enc(x, limit)] for k, x in v.items()]}
    if isinstance(v, (list, tuple)):
        return [enc(x, limit) for x in v]
    if isinstance(v, float) and v != v:
        return "nan"
    if v is None or isinstance(v, (str, int, float, bool)):
        return v
    return {"repr": repr(v)}


def dec(v):
    """JSON value -> Python value; inverse of enc for {"b"}, {"m"}, {"gen"}."""
    if isinstance(v, dict):
        if set(v) == {"b"}:
            return bytes.fromhex(v["b"])
        if set(v) == {"m"}:
            return {dec(k): dec(x) for k, x in v["m"]}
        if "gen" in v and isinstance(v["gen"], int):
            return gen_bytes(v["gen"], v.get("seed", "0"), v.get("kind", "random"))
        return {k: dec(x) for k, x in v.items()}
    if isinstance(v, list):
        return [dec(x) for x in v]
    return v


def gen_bytes(n, seed="0", kind="random"):
    """Deterministic test data.  random: SHA-256(seed_utf8 || uint64_be(i)) for
    i = 0, 1, ... concatenated and cut to n bytes.  text: the ASCII line
    "<seed> line <i>\\n" repeated and cut to n bytes (compressible)."""
    seed = str(seed)
    out = bytearray()
    i = 0
    if kind == "text":
        while len(out) < n:
            out += f"{seed} line {i}\n".encode()
            i += 1
    else:
        s = seed.encode()
        sha = hashlib.sha256
        while len(out) < n:
            out += sha(s + i.to_bytes(8, "big")).digest()
            i += 1
    return bytes(out[:n])


def blob(cmd, key="data"):
    """Bytes out of a command: data (text), data_hex, or size(+seed, kind)."""
    if key + "_hex" in cmd:
        return bytes.fromhex(cmd[key + "_hex"])
    if "size" in cmd:
        return gen_bytes(int(cmd["size"]), cmd.get("seed", "0"), cmd.get("kind", "random"))
    v = cmd.get(key, "")
    return v.encode() if isinstance(v, str) else dec(v)


def digest(b):
    return {"len": len(b), "sha256": hashlib.sha256(b).hexdigest()}


METHODS = {"direct": LXMF.LXMessage.DIRECT, "opportunistic": LXMF.LXMessage.OPPORTUNISTIC,
           "propagated": LXMF.LXMessage.PROPAGATED, "paper": LXMF.LXMessage.PAPER}
METHOD_NAMES = {v: k for k, v in METHODS.items()}
STATE_NAMES = {LXMF.LXMessage.GENERATING: "generating", LXMF.LXMessage.OUTBOUND: "outbound",
               LXMF.LXMessage.SENDING: "sending", LXMF.LXMessage.SENT: "sent",
               LXMF.LXMessage.DELIVERED: "delivered", LXMF.LXMessage.REJECTED: "rejected",
               LXMF.LXMessage.CANCELLED: "cancelled", LXMF.LXMessage.FAILED: "failed"}
REPR_NAMES = {LXMF.LXMessage.UNKNOWN: "unknown", LXMF.LXMessage.PACKET: "packet",
              LXMF.LXMessage.RESOURCE: "resource", LXMF.LXMessage.PAPER: "paper"}
UNVERIFIED = {LXMF.LXMessage.SOURCE_UNKNOWN: "source_unknown",
              LXMF.LXMessage.SIGNATURE_INVALID: "signature_invalid", None: None}
PR_NAMES = {getattr(LXMF.LXMRouter, n): n[3:].lower() for n in dir(LXMF.LXMRouter)
            if n.startswith("PR_") and n not in ("PR_PATH_TIMEOUT", "PR_ALL_MESSAGES")}
LINK_STATUS = {RNS.Link.PENDING: "pending", RNS.Link.HANDSHAKE: "handshake", RNS.Link.ACTIVE: "active",
               RNS.Link.STALE: "stale", RNS.Link.CLOSED: "closed"}
TEARDOWN = {RNS.Link.TIMEOUT: "timeout", RNS.Link.INITIATOR_CLOSED: "initiator_closed",
            RNS.Link.DESTINATION_CLOSED: "destination_closed"}


class PeerError(Exception):
    pass


def make_message_class(msgtype):
    class RawMessage(RNS.MessageBase):
        MSGTYPE = msgtype

        def __init__(self, data=None):
            self.data = data

        def pack(self):
            return self.data

        def unpack(self, raw):
            self.data = raw
    return RawMessage


class AnnounceWatcher:
    aspect_filter = None
    receive_path_responses = True

    def __init__(self, peer):
        self.peer = peer

    def received_announce(self, destination_hash, announced_identity, app_data, announce_packet_hash, is_path_response):
        self.peer.on_announce(destination_hash, announced_identity, app_data, announce_packet_hash, is_path_response)


class Peer:
    KNOWN = [("lxmf", "delivery"), ("lxmf", "propagation"), ("nomadnetwork", "node"), ("lxst", "telephony"), ("call", "audio")]

    def __init__(self, log_stream):
        self.log_stream = log_stream
        self.reticulum = None
        self.router = None
        self.identity = None
        self.delivery = None
        self.node = None
        self.dests = {}
        self.links = {}
        self.inbound = []
        self.tracked = {}
        self.announces = {}
        self.announce_count = 0
        self.quiet_announces = False
        self.mclasses = {}
        self.cond = threading.Condition()
        self.started = False

    # ------------------------------------------------------------ start
    def log(self, msg):
        try:
            self.log_stream.write(msg + "\n")
            self.log_stream.flush()
        except Exception:
            pass

    def write_config(self, c):
        cfgdir = c["configdir"]
        os.makedirs(cfgdir, exist_ok=True)
        path = os.path.join(cfgdir, "config")
        if "interfaces" not in c and os.path.isfile(path):
            return
        yes = lambda b: "Yes" if b else "No"
        lines = ["[reticulum]",
                 f"  enable_transport = {yes(c.get('transport', False))}",
                 f"  share_instance = {yes(c.get('share_instance', False))}",
                 f"  respond_to_probes = {yes(c.get('respond_to_probes', False))}",
                 "  panic_on_interface_error = No"]
        for k, v in (c.get("reticulum") or {}).items():
            lines.append(f"  {k} = {v}")
        lines += ["", "[logging]", f"  loglevel = {c.get('loglevel', 4)}", "", "[interfaces]"]
        for n, i in enumerate(c.get("interfaces") or []):
            i = dict(i)
            kind = i.pop("type")
            lines.append(f"  [[{i.pop('name', f'if{n}')}]]")
            opts = {"enabled": "Yes"}
            if kind == "tcp_server":
                opts.update(type="TCPServerInterface", listen_ip=i.pop("host", "127.0.0.1"), listen_port=i.pop("port"))
            elif kind == "tcp_client":
                opts.update(type="TCPClientInterface", target_host=i.pop("host", "127.0.0.1"), target_port=i.pop("port"))
            elif kind == "udp":
                opts.update(type="UDPInterface", listen_ip=i.pop("host", "127.0.0.1"), listen_port=i.pop("port"),
                            forward_ip=i.pop("forward_host", "127.0.0.1"), forward_port=i.pop("forward_port"))
            else:
                opts["type"] = kind
            if "networkname" in i:
                opts["networkname"] = i.pop("networkname")
            if "passphrase" in i:
                opts["passphrase"] = i.pop("passphrase")
            ic = i.pop("ingress_control", False)
            opts["ingress_control"] = yes(ic)
            if not ic:
                opts["egress_control"] = "No"
            opts.update(i)
            for k, v in opts.items():
                if isinstance(v, bool):
                    v = yes(v)
                lines.append(f"    {k} = {v}")
            lines.append("")
        with open(path, "w") as f:
            f.write("\n".join(lines) + "\n")

    def cmd_start(self, c):
        """Start Reticulum and the LXMF router.  Must be the first command."""
        if self.started:
            raise PeerError("already started")
        t0 = time.time()
        self.write_config(c)
        cfgdir = c["configdir"]
        loglevel = int(c.get("loglevel", 4))
        self.reticulum = RNS.Reticulum(configdir=cfgdir, loglevel=loglevel, logdest=self.log)
        ident = c.get("identity")
        idpath = os.path.join(cfgdir, "peer_identity")
        if isinstance(ident, str) and len(ident) == 128:
            self.identity = RNS.Identity.from_bytes(bytes.fromhex(ident))
        elif isinstance(ident, str):
            idpath = ident
        if self.identity is None:
            if os.path.isfile(idpath):
                self.identity = RNS.Identity.from_file(idpath)
            else:
                self.identity = RNS.Identity()
                self.identity.to_file(idpath)
        RNS.Transport.register_announce_handler(AnnounceWatcher(self))
        if c.get("lxmf", True):
            LXMF.LXMRouter.NODE_ANNOUNCE_DELAY = c.get("pn_announce_delay", 0.5)
            if "processing_interval" in c:
                LXMF.LXMRouter.PROCESSING_INTERVAL = c["processing_interval"]
            kw = {}
            for k in ("delivery_limit", "propagation_limit", "sync_limit", "enforce_ratchets", "enforce_stamps",
                      "autopeer", "propagation_cost", "propagation_cost_flexibility", "peering_cost", "name"):
                if k in c:
                    kw[k] = c[k]
            kw.setdefault("delivery_limit", 100000)
            self.router = LXMF.LXMRouter(identity=self.identity, storagepath=os.path.join(cfgdir, "lxmf_storage"), **kw)
            self.router.register_delivery_callback(self.on_message)
            self.delivery = self.router.register_delivery_identity(
                self.identity, display_name=c.get("display_name"), stamp_cost=c.get("stamp_cost"))
        self.started = True
        threading.Thread(target=self.monitor, daemon=True).start()
        r = self.cmd_info({})
        r["start_seconds"] = round(time.time() - t0, 4)
        return r

    def cmd_info(self, c):
        r = {"identity": self.identity.hash.hex(), "public_key": self.identity.get_public_key().hex(),
             "rns_version": RNS.__version__, "lxmf_version": LXMF.__version__, "pid": os.getpid(),
             "interfaces": [{"name": str(i), "online": bool(getattr(i, "online", False)),
                             "rxb": getattr(i, "rxb", 0), "txb": getattr(i, "txb", 0)} for i in RNS.Transport.interfaces],
             "paths": len(RNS.Transport.path_table), "links": len(self.links),
             "received": len(self.inbound), "announces_received": self.announce_count}
        if self.delivery is not None:
            r["delivery"] = self.delivery.hash.hex()
        if self.router is not None:
            r["propagation"] = self.router.propagation_destination.hash.hex()
            r["propagation_enabled"] = bool(self.router.propagation_node)
        if self.node is not None:
            r["node"] = self.node.hash.hex()
        pd = getattr(RNS.Transport, "probe_destination", None)
        if pd is not None:
            r["probe"] = pd.hash.hex()
        if RNS.Transport.identity is not None:
            r["transport_id"] = RNS.Transport.identity.hash.hex()
        return r

    def cmd_wait_online(self, c):
        """Block until every interface reports online (or timeout)."""
        deadline = time.time() + c.get("timeout", 15)
        while time.time() < deadline:
            ifs = [i for i in RNS.Transport.interfaces]
            if ifs and all(getattr(i, "online", False) for i in ifs):
                return {"online": True}
            time.sleep(0.05)
        return {"online": False}

    # -------------------------------------------------------- announces
    def on_announce(self, dh, identity, app_data, packet_hash, is_path_response):
        self.announce_count += 1
        kind = None
        for app, aspect in self.KNOWN:
            if RNS.Destination.hash(identity, app, aspect) == dh:
                kind = f"{app}.{aspect}"
                break
        info = {"hash": dh.hex(), "identity": identity.hash.hex() if identity else None, "kind": kind,
                "app_data": app_data.hex() if app_data is not None else None,
                "hops": RNS.Transport.hops_to(dh), "path_response": bool(is_path_response)}
        rid = RNS.Identity.current_ratchet_id(dh)
        info["ratchet_id"] = rid.hex() if rid else None
        if kind == "lxmf.delivery":
            try:
                info["display_name"] = LXMF.display_name_from_app_data(app_data)
                info["stamp_cost"] = LXMF.stamp_cost_from_app_data(app_data)
                # announce handlers run in parallel threads: report only after the
                # router has stored the cost, so a send right after is stamped
                end = time.time() + 0.5
                while self.router and self.router.get_outbound_stamp_cost(dh) != info["stamp_cost"] and time.time() < end:
                    time.sleep(0.002)
            except Exception as e:
                info["decode_error"] = str(e)
        elif kind == "lxmf.propagation":
            try:
                info["pn_valid"] = bool(LXMF.pn_announce_data_is_valid(app_data))
                info["pn_data"] = enc(umsgpack.unpackb(app_data))
            except Exception as e:
                info["decode_error"] = str(e)
        elif kind == "nomadnetwork.node" and app_data:
            info["node_name"] = app_data.decode("utf-8", "replace")
        self.announces[info["hash"]] = info
        if not self.quiet_announces:
            event("announce", **info)

    def cmd_announces(self, c):
        return {"announces": list(self.announces.values())}

    def cmd_announce(self, c):
        """what: delivery (default) | node | propagation | dest (with hash)."""
        what = c.get("what", "delivery")
        app_data = bytes.fromhex(c["app_data"]) if "app_data" in c else None
        if what == "delivery":
            if app_data is not None:
                self.delivery.announce(app_data=app_data)
            else:
                self.router.announce(self.delivery.hash)
            return {"hash": self.delivery.hash.hex()}
        if what == "node":
            self.node.announce(app_data=app_data if app_data is not None else self.node_name.encode())
            return {"hash": self.node.hash.hex()}
        if what == "propagation":
            self.router.propagation_destination.announce(
                app_data=app_data if app_data is not None else self.router.get_propagation_node_app_data())
            return {"hash": self.router.propagation_destination.hash.hex()}
        if what == "dest":
            d = self.dests[c["hash"]]
            d.announce(app_data=app_data)
            return {"hash": d.hash.hex()}
        raise PeerError("unknown announce target")

    def cmd_set_quiet(self, c):
        self.quiet_announces = bool(c.get("announces", True))
        return {}

    # ------------------------------------------------------------ paths
    def cmd_has_path(self, c):
        h = bytes.fromhex(c["hash"])
        r = {"has_path": bool(RNS.Transport.has_path(h))}
        if r["has_path"]:
            r["hops"] = RNS.Transport.hops_to(h)
            nh = RNS.Transport.next_hop(h)
            r["next_hop"] = nh.hex() if nh else None
            r["interface"] = str(RNS.Transport.next_hop_interface(h))
        i = RNS.Identity.recall(h)
        r["identity"] = i.hash.hex() if i else None
        return r

    def cmd_request_path(self, c):
        h = bytes.fromhex(c["hash"])
        t0 = time.time()
        if c.get("drop", False):
            self.reticulum.drop_path(h)
            culled = time.time() + 10   # a dropped path stays until the next round of jobs
            while RNS.Transport.has_path(h) and time.time() < culled:
                time.sleep(0.02)
            t0 = time.time()
        if not RNS.Transport.has_path(h):
            RNS.Transport.request_path(h)
        deadline = time.time() + c.get("timeout", 15)
        while not RNS.Transport.has_path(h) and time.time() < deadline:
            time.sleep(0.02)
        r = self.cmd_has_path(c)
        r["seconds"] = round(time.time() - t0, 4)
        return r

    def cmd_path_table(self, c):
        rows = []
        for p in self.reticulum.get_path_table():
            rows.append({"hash": p["hash"].hex(), "hops": p["hops"], "via": p["via"].hex() if p["via"] else None,
                         "interface": str(p["interface"])})
        return {"count": len(rows), "paths": rows[:c.get("limit", 1000)]}

    def cmd_drop_path(self, c):
        return {"dropped": bool(self.reticulum.drop_path(bytes.fromhex(c["hash"])))}

    def cmd_recall(self, c):
        h = bytes.fromhex(c["hash"])
        i = RNS.Identity.recall(h)
        ad = RNS.Identity.recall_app_data(h)
        return {"known": i is not None, "identity": i.hash.hex() if i else None,
                "public_key": i.get_public_key().hex() if i else None, "app_data": ad.hex() if ad else None}

    def out_destination(self, h, name, timeout=15):
        if isinstance(h, str):
            h = bytes.fromhex(h)
        app, *aspects = name.split(".")
        if not RNS.Transport.has_path(h):
            RNS.Transport.request_path(h)
            deadline = time.time() + timeout
            while not RNS.Transport.has_path(h) and time.time() < deadline:
                time.sleep(0.02)
        i = RNS.Identity.recall(h)
        if i is None:
            raise PeerError("identity unknown, no path")
        d = RNS.Destination(i, RNS.Destination.OUT, RNS.Destination.SINGLE, app, *aspects)
        if d.hash != h:
            raise PeerError(f"hash mismatch: {d.hash.hex()} for {name}")
        return d

    def cmd_probe(self, c):
        """rnprobe: send count probes of size bytes and wait for proofs."""
        d = self.out_destination(c["hash"], c.get("name", "rnstransport.probe"), c.get("timeout", 15))
        res = []
        for _ in range(c.get("count", 1)):
            p = RNS.Packet(d, os.urandom(c.get("size", 16)))
            receipt = p.send()
            deadline = time.time() + c.get("timeout", 15)
            while receipt.status == RNS.PacketReceipt.SENT and time.time() < deadline:
                time.sleep(0.002)
            ok = receipt.status == RNS.PacketReceipt.DELIVERED
            res.append({"ok": ok, "rtt": receipt.get_rtt() if ok else None})
        return {"probes": res, "hops": RNS.Transport.hops_to(d.hash)}

    # ------------------------------------------------------------- LXMF
    def on_message(self, m):
        rec = {"hash": m.hash.hex(), "source": m.source_hash.hex(), "destination": m.destination_hash.hex(),
               "timestamp": m.timestamp, "title": enc(m.title), "content": enc(m.content),
               "title_text": m.title[:2000].decode("utf-8", "replace"), "content_text": m.content[:2000].decode("utf-8", "replace"),
               "fields": enc(m.fields), "method": METHOD_NAMES.get(m.method, m.method),
               "signature_valid": bool(m.signature_validated), "unverified_reason": UNVERIFIED.get(m.unverified_reason, m.unverified_reason),
               "ratchet_id": m.ratchet_id.hex() if m.ratchet_id else None,
               "transport_encrypted": m.transport_encrypted,
               "stamp": m.stamp.hex() if m.stamp else None, "stamp_checked": bool(m.stamp_checked),
               "stamp_valid": bool(m.stamp_valid), "stamp_value": m.stamp_value,
               "ticket_received": LXMF.FIELD_TICKET in (m.fields or {})}
        if m.stamp and len(m.stamp) == 32 and not m.stamp_checked:
            rec["stamp_value_measured"] = LXStamper.stamp_value(LXStamper.stamp_workblock(m.message_id), m.stamp)
        att = (m.fields or {}).get(LXMF.FIELD_FILE_ATTACHMENTS)
        if isinstance(att, list):
            rec["attachments"] = []
            for a in att:
                try:
                    nm = a[0].decode("utf-8", "replace") if isinstance(a[0], bytes) else a[0]
                    rec["attachments"].append(dict(name=nm, **digest(a[1])))
                except Exception as e:
                    rec["attachments"].append({"error": str(e)})
        with self.cond:
            self.inbound.append(rec)
            self.cond.notify_all()
        event("message", **rec)

    def cmd_messages(self, c):
        return {"messages": self.inbound[c.get("from", 0):]}

    def build_fields(self, c):
        fields = {}
        for k, v in (c.get("fields") or {}).items():
            fields[int(k, 0) if isinstance(k, str) else k] = dec(v)
        if "attachments" in c:
            fields[LXMF.FIELD_FILE_ATTACHMENTS] = [[a["name"], blob(a)] for a in c["attachments"]]
        if "image" in c:
            fields[LXMF.FIELD_IMAGE] = [c["image"].get("type", "png"), blob(c["image"])]
        if "audio" in c:
            fields[LXMF.FIELD_AUDIO] = [c["audio"].get("mode", 0x10), blob(c["audio"])]
        return fields or None

    def cmd_send(self, c):
        """Send an LXMF message; replies when queued, then emits "outbound" events."""
        h = bytes.fromhex(c["to"])
        dest = self.out_destination(h, "lxmf.delivery", c.get("timeout", 15))
        method = METHODS[c.get("method", "direct")]
        content = c.get("content", "")
        if "content_size" in c:
            content = gen_bytes(c["content_size"], c.get("seed", "0"), c.get("kind", "text"))
        elif isinstance(content, dict):
            content = dec(content)
        m = LXMF.LXMessage(dest, self.delivery, content, c.get("title", ""), fields=self.build_fields(c),
                           desired_method=method, stamp_cost=c.get("stamp_cost"), include_ticket=bool(c.get("include_ticket", False)))
        if "timestamp" in c:
            m.timestamp = c["timestamp"]
        if "defer_stamp" in c:
            m.defer_stamp = bool(c["defer_stamp"])
        if "auto_compress" in c:
            m.auto_compress = bool(c["auto_compress"])
        if "propagation_node" in c:
            self.router.set_outbound_propagation_node(bytes.fromhex(c["propagation_node"]))
        tamper = c.get("tamper")
        if tamper:
            m.defer_stamp = False
            if tamper == "stamp":
                m.pack()
                work = LXStamper.stamp_workblock(m.hash)
                m.stamp = os.urandom(32)
                while LXStamper.stamp_valid(m.stamp, 4, work):
                    m.stamp = os.urandom(32)
                m.stamp_cost = 1
                m.packed = None
            m.pack()
            if tamper == "signature":
                p = bytearray(m.packed)
                p[40] ^= 0xFF
                m.packed = bytes(p)
        rec = {"lxm": m, "last": None, "progress": -1.0, "t0": time.time(), "done": False}

        def done(msg, rec=rec):
            self.report(rec, final=True)

        m.register_delivery_callback(done)
        m.register_failed_callback(done)
        if method == LXMF.LXMessage.PAPER:
            m.pack()
            return {"hash": m.hash.hex(), "uri": m.as_uri()}
        self.router.handle_outbound(m)
        with self.cond:
            self.tracked[m.hash.hex()] = rec
        r = {"hash": m.hash.hex(), "method": METHOD_NAMES.get(m.method), "representation": REPR_NAMES.get(m.representation),
             "stamp_cost": m.stamp_cost, "ticket_used": m.outbound_ticket is not None, "state": STATE_NAMES.get(m.state)}
        if c.get("wait"):
            deadline = time.time() + c["wait"]
            final = {LXMF.LXMessage.DELIVERED, LXMF.LXMessage.FAILED, LXMF.LXMessage.REJECTED, LXMF.LXMessage.CANCELLED}
            if method == LXMF.LXMessage.PROPAGATED:
                final.add(LXMF.LXMessage.SENT)
            while m.state not in final and time.time() < deadline:
                time.sleep(0.005)
            r.update(state=STATE_NAMES.get(m.state), seconds=round(time.time() - rec["t0"], 4),
                     method=METHOD_NAMES.get(m.method), stamp_value=m.stamp_value)
        return r

    def report(self, rec, final=False):
        m = rec["lxm"]
        st = STATE_NAMES.get(m.state, m.state)
        if st != rec["last"] or final:
            rec["last"] = st
            event("outbound", hash=m.hash.hex(), state=st, progress=round(m.progress or 0, 3), method=METHOD_NAMES.get(m.method),
                  representation=REPR_NAMES.get(m.representation), seconds=round(time.time() - rec["t0"], 4),
                  attempts=m.delivery_attempts, stamp_value=m.stamp_value, final=final)
            rec["progress"] = m.progress or 0
        if st in ("failed", "rejected", "cancelled", "delivered") or final:
            rec["done"] = True

    def monitor(self):
        while True:
            time.sleep(0.1)
            with self.cond:
                recs = [(k, r) for k, r in self.tracked.items() if not r["done"]]
            for k, r in recs:
                try:
                    self.report(r)
                    p = r["lxm"].progress or 0
                    if p - r["progress"] >= 0.1:
                        r["progress"] = p
                        event("progress", hash=k, progress=round(p, 3))
                except Exception:
                    pass

    def cmd_state(self, c):
        r = self.tracked[c["hash"]]
        m = r["lxm"]
        return {"state": STATE_NAMES.get(m.state), "progress": m.progress, "attempts": m.delivery_attempts}

    def cmd_cancel(self, c):
        self.router.cancel_outbound(bytes.fromhex(c["hash"]))
        return {}

    def cmd_ingest_uri(self, c):
        r = self.router.ingest_lxm_uri(c["uri"], signal_local_delivery="local", signal_duplicate="duplicate")
        return {"result": r}

    def cmd_set_stamp_cost(self, c):
        ok = self.router.set_inbound_stamp_cost(self.delivery.hash, c.get("cost"))
        if "enforce" in c:
            (self.router.enforce_stamps if c["enforce"] else self.router.ignore_stamps)()
        return {"ok": bool(ok)}

    def cmd_stamp(self, c):
        """Generate or check an LXMF stamp: material_hex, cost [, stamp]."""
        mat = bytes.fromhex(c["material_hex"])
        kw = {"expand_rounds": c["rounds"]} if "rounds" in c else {}
        if "stamp" in c:
            wb = LXStamper.stamp_workblock(mat, **kw)
            s = bytes.fromhex(c["stamp"])
            return {"valid": bool(LXStamper.stamp_valid(s, c["cost"], wb)), "value": LXStamper.stamp_value(wb, s)}
        t0 = time.time()
        s, v = LXStamper.generate_stamp(mat, c["cost"], **kw)
        return {"stamp": s.hex(), "value": v, "seconds": round(time.time() - t0, 4)}

    # ------------------------------------------------------ propagation
    def cmd_pn_enable(self, c):
        if "stamp_cost" in c:
            self.router.propagation_stamp_cost = c["stamp_cost"]
        if "flexibility" in c:
            self.router.propagation_stamp_cost_flexibility = c["flexibility"]
        if "peering_cost" in c:
            self.router.peering_cost = c["peering_cost"]
        if "name" in c:
            self.router.name = c["name"]
        self.router.enable_propagation()
        return {"hash": self.router.propagation_destination.hash.hex()}

    def cmd_pn_disable(self, c):
        self.router.disable_propagation()
        return {}

    def cmd_pn_set(self, c):
        self.router.set_outbound_propagation_node(bytes.fromhex(c["hash"]))
        return {}

    def cmd_pn_stats(self, c):
        r = self.router
        out = {"enabled": bool(r.propagation_node), "messages": len(getattr(r, "propagation_entries", {}) or {}),
               "peers": [p.hex() for p in r.peers]}
        if r.propagation_node:
            out["stats"] = enc(r.compile_stats())
            out["entries"] = [{"transient_id": t.hex(), "destination": e[0].hex(), "size": e[3], "stamp_value": e[6]}
                              for t, e in list(r.propagation_entries.items())[:200]]
        return out

    def cmd_pn_peer_sync(self, c):
        for p in self.router.peers.values():
            threading.Thread(target=p.sync, daemon=True).start()
        return {"peers": len(self.router.peers)}

    def cmd_pn_sync(self, c):
        """Fetch messages from the outbound propagation node and wait."""
        r = self.router
        if "hash" in c:
            r.set_outbound_propagation_node(bytes.fromhex(c["hash"]))
        r.acknowledge_sync_completion(reset_state=True)
        t0 = time.time()
        before = len(self.inbound)
        r.request_messages_from_propagation_node(self.identity, max_messages=c.get("limit"))
        deadline = t0 + c.get("timeout", 60)
        while time.time() < deadline:
            s = r.propagation_transfer_state
            if s == LXMF.LXMRouter.PR_COMPLETE or s >= 0xF0:
                break
            time.sleep(0.02)
        time.sleep(0.1)
        return {"state": PR_NAMES.get(r.propagation_transfer_state, r.propagation_transfer_state),
                "result": r.propagation_transfer_last_result, "new_messages": len(self.inbound) - before,
                "seconds": round(time.time() - t0, 4)}

    # ------------------------------------------------------------- node
    # RNS counts handler parameters (5 or 6), so values are bound by closure.
    def page_handler(self, body):
        def page(path, data, request_id, link_id, remote_identity, requested_at):
            event("node_request", path=path, data=enc(data), identity=remote_identity.hash.hex() if remote_identity else None)
            if isinstance(data, dict) and body == b"@echo":
                return "\n".join(f"{k}={v}" for k, v in sorted(data.items())).encode()
            return body
        return page

    def file_handler(self, fp, name):
        def serve(path, data, request_id, link_id, remote_identity, requested_at):
            event("node_request", path=path, data=enc(data), identity=remote_identity.hash.hex() if remote_identity else None)
            return [open(fp, "rb"), {"name": name.encode()}]
        return serve

    def value_handler(self, val, quiet=False):
        def gen(path, data, request_id, link_id, remote_identity, requested_at):
            if not quiet:
                event("request", path=path, data=enc(data), identity=remote_identity.hash.hex() if remote_identity else None)
            return data if val == "echo" else dec(val)
        return gen

    def cmd_node_start(self, c):
        """Serve a nomadnetwork.node: pages {path: text|{gen}}, files {path: {gen,..}|text}."""
        self.node_name = c.get("name", "Reference node")
        self.node = RNS.Destination(self.identity, RNS.Destination.IN, RNS.Destination.SINGLE, "nomadnetwork", "node")
        self.node.set_link_established_callback(lambda l: self.on_inbound_link(l, self.node, {}))
        tmp = os.path.join(c.get("filedir") or os.path.join(RNS.Reticulum.storagepath, "peerfiles"))
        os.makedirs(tmp, exist_ok=True)
        for path, val in (c.get("pages") or {"/page/index.mu": ">Reference node\n\nhello\n"}).items():
            body = val.encode() if isinstance(val, str) else dec(val)

            page = self.page_handler(body)
            kw = dict(allow=RNS.Destination.ALLOW_ALL)
            if path in (c.get("allowed") or {}):
                kw = dict(allow=RNS.Destination.ALLOW_LIST, allowed_list=[bytes.fromhex(x) for x in c["allowed"][path]])
            self.node.register_request_handler(path, response_generator=page, **kw)
        for path, val in (c.get("files") or {}).items():
            body = val.encode() if isinstance(val, str) else dec(val)
            fp = os.path.join(tmp, hashlib.sha256(path.encode()).hexdigest()[:16])
            with open(fp, "wb") as f:
                f.write(body)
            name = path.split("/")[-1]

            self.node.register_request_handler(path, response_generator=self.file_handler(fp, name), allow=RNS.Destination.ALLOW_ALL, auto_compress=32_000_000)
        if c.get("announce", True):
            self.node.announce(app_data=self.node_name.encode())
        return {"hash": self.node.hash.hex()}

    def cmd_page(self, c):
        """Open a link to a node, request path, close.  data: {field_x: .., var_y: ..}"""
        if "link" in c:
            lid = c["link"]
        else:
            lid = self.cmd_link_open(dict(hash=c["hash"], name=c.get("name", "nomadnetwork.node"),
                                          identify=c.get("identify", False), timeout=c.get("timeout", 20)))["link"]
        try:
            return self.cmd_request(dict(c, link=lid))
        finally:
            if "link" not in c and not c.get("keep"):
                self.links[lid].teardown()

    cmd_file = cmd_page

    # ------------------------------------------------- generic endpoint
    def cmd_dest_start(self, c):
        """Listen on an arbitrary destination.  name "app.aspect"; options:
        echo (packets on links), proofs (true), channel_echo, buffer_echo,
        requests {path: "echo"|text|{gen}}, ratchets (bool), announce (true), own_identity (bool)."""
        app, *aspects = c["name"].split(".")
        ident = RNS.Identity() if c.get("own_identity") else self.identity
        d = RNS.Destination(ident, RNS.Destination.IN, RNS.Destination.SINGLE, app, *aspects)
        if c.get("proofs", True):
            d.set_proof_strategy(RNS.Destination.PROVE_ALL)
        if c.get("ratchets"):
            d.enable_ratchets(os.path.join(RNS.Reticulum.storagepath, d.hash.hex() + ".ratchets"))

        def pkt(data, packet):
            event("packet", dest=d.hash.hex(), data=enc(data), ratchet_id=packet.ratchet_id.hex() if packet.ratchet_id else None)
        d.set_packet_callback(pkt)
        d.set_link_established_callback(lambda l: self.on_inbound_link(l, d, c))
        for path, val in (c.get("requests") or {}).items():
            d.register_request_handler(path, response_generator=self.value_handler(val, c.get("quiet", False)), allow=RNS.Destination.ALLOW_ALL)
        self.dests[d.hash.hex()] = d
        if c.get("announce", True):
            d.announce(app_data=bytes.fromhex(c["app_data"]) if "app_data" in c else None)
        return {"hash": d.hash.hex()}

    def channel_of(self, link):
        ch = link.get_channel()
        if not hasattr(link, "_peer_types"):
            link._peer_types = set()
        return ch

    def register_types(self, link, types):
        ch = self.channel_of(link)
        for t in types:
            if t not in link._peer_types:
                if t not in self.mclasses:
                    self.mclasses[t] = make_message_class(t)
                ch.register_message_type(self.mclasses[t])
                link._peer_types.add(t)
        return ch

    def wire_link(self, link, role, opts):
        lid = link.link_id.hex()
        self.links[lid] = link
        echo = opts.get("echo", False)
        quiet = opts.get("quiet", False)
        link._peer_count = {"packets": 0, "resources": 0}

        def pkt(data, packet):
            link._peer_count["packets"] += 1
            if not quiet:
                event("link_data", link=lid, role=role, data=enc(data))
            if echo:
                RNS.Packet(link, data).send()
        link.set_packet_callback(pkt)
        link.set_resource_strategy(RNS.Link.ACCEPT_ALL if opts.get("accept_resources", True) else RNS.Link.ACCEPT_NONE)

        def rstart(res):
            if quiet:
                return
            event("resource_started", link=lid, size=res.total_size, transfer_size=res.size, compressed=bool(res.compressed), segments=res.total_segments)
            res._peer_t0 = time.time()

        def rdone(res):
            ok = res.status == RNS.Resource.COMPLETE
            info = {}
            link._peer_count["resources"] += ok
            if quiet and ok and not opts.get("resource_echo"):
                return
            if ok:
                try:
                    body = res.data.read()
                    info = digest(body)
                    if opts.get("resource_echo"):
                        RNS.Resource(body, link)
                except Exception as e:
                    info = {"error": str(e)}
            event("resource", link=lid, ok=ok, status=res.status, metadata=enc(res.metadata) if res.metadata else None, hash=res.hash.hex(), **info)
        link.set_resource_started_callback(rstart)
        link.set_resource_concluded_callback(rdone)
        link.set_link_closed_callback(lambda l: event("link_closed", link=lid, role=role, reason=TEARDOWN.get(l.teardown_reason, l.teardown_reason)))
        link.set_remote_identified_callback(lambda l, i: event("link_identified", link=lid, identity=i.hash.hex()))
        if opts.get("channel_echo") or opts.get("channel"):
            ch = self.register_types(link, opts.get("msgtypes", [0x0101, 0x0102]))

            # Callbacks run where proofs are read: one that waits for the window waits forever.
            echoes = queue.Queue()

            def on_msg(m):
                if m.MSGTYPE not in self.mclasses:
                    return False
                event("channel", link=lid, msgtype=m.MSGTYPE, data=enc(m.data))
                if opts.get("channel_echo"):
                    echoes.put(m)
                return True

            def echo_all():
                while True:
                    m = echoes.get()
                    while not ch.is_ready_to_send() and link.status != RNS.Link.CLOSED:
                        time.sleep(0.002)
                    if link.status == RNS.Link.CLOSED:
                        return
                    ch.send(self.mclasses[m.MSGTYPE](m.data))
            threading.Thread(target=echo_all, daemon=True).start()
            ch.add_message_handler(on_msg)
        if opts.get("buffer_echo"):
            self.setup_buffer(link, echo=True)

    def setup_buffer(self, link, echo):
        ch = self.channel_of(link)
        lid = link.link_id.hex()

        echoes = queue.Queue()
        reading = threading.Lock()

        def ready(n):
            # Every call has a thread of its own: without the lock, what one read
            # first could be passed on second.
            with reading:
                data = link._peer_buf.read(n)
                if data:
                    event("buffer", link=lid, data=enc(data))
                    if echo:
                        echoes.put(data)

        def echo_all():
            while True:
                data = echoes.get()
                try:
                    link._peer_buf.write(data)
                    link._peer_buf.flush()
                except Exception:
                    return
        if echo:
            threading.Thread(target=echo_all, daemon=True).start()
        link._peer_buf = RNS.Buffer.create_bidirectional_buffer(0, 0, ch, ready)

    def on_inbound_link(self, link, dest, opts):
        event("link_in", link=link.link_id.hex(), dest=dest.hash.hex(), mtu=link.mtu)
        self.wire_link(link, "in", opts)

    def cmd_link_open(self, c):
        """Open a link: hash, name "app.aspect" [, identify, channel, msgtypes, buffer, timeout]."""
        timeout = c.get("timeout", 20)
        d = self.out_destination(c["hash"], c["name"], timeout)
        if c.get("proofs", True):
            d.set_proof_strategy(RNS.Destination.PROVE_ALL)
        ev = threading.Event()
        t0 = time.time()
        link = RNS.Link(d, established_callback=lambda l: ev.set(), closed_callback=lambda l: ev.set())
        if not ev.wait(timeout) or link.status != RNS.Link.ACTIVE:
            raise PeerError(f"link not established (status {LINK_STATUS.get(link.status)})")
        dt = time.time() - t0
        self.wire_link(link, "out", c)
        if c.get("buffer"):
            self.setup_buffer(link, echo=False)
        if c.get("identify"):
            link.identify(self.identity)
        return {"link": link.link_id.hex(), "seconds": round(dt, 5), "rtt": link.rtt, "mtu": link.mtu, "mdu": link.mdu,
                "mode": link.mode, "hops": RNS.Transport.hops_to(d.hash)}

    def link(self, c):
        l = self.links.get(c["link"])
        if l is None:
            raise PeerError("no such link")
        return l

    def cmd_link_identify(self, c):
        self.link(c).identify(self.identity)
        return {}

    def cmd_link_close(self, c):
        self.link(c).teardown()
        return {}

    def cmd_link_status(self, c):
        l = self.link(c)
        return {"status": LINK_STATUS.get(l.status), "rtt": l.rtt, "mtu": l.mtu, **l._peer_count,
                "remote_identity": l.get_remote_identity().hash.hex() if l.get_remote_identity() else None}

    def cmd_link_send(self, c):
        """Send one packet over a link and wait for its proof."""
        l = self.link(c)
        receipt = RNS.Packet(l, blob(c)).send()
        if not receipt:
            return {"sent": False}
        deadline = time.time() + c.get("timeout", 15)
        while receipt.status == RNS.PacketReceipt.SENT and time.time() < deadline:
            time.sleep(0.001)
        ok = receipt.status == RNS.PacketReceipt.DELIVERED
        return {"sent": True, "proved": ok, "rtt": receipt.get_rtt() if ok else None}

    def cmd_link_resource(self, c):
        """Send a resource over a link: data/data_hex/size+seed+kind [, metadata, auto_compress, timeout]."""
        l = self.link(c)
        data = blob(c)
        ev = threading.Event()
        t0 = time.time()
        res = RNS.Resource(data, l, metadata=dec(c["metadata"]) if "metadata" in c else None,
                           auto_compress=c.get("auto_compress", True), callback=lambda r: ev.set())
        ok = ev.wait(c.get("timeout", 300))
        dt = time.time() - t0
        done = ok and res.status == RNS.Resource.COMPLETE
        return {"ok": bool(done), "status": res.status, "seconds": round(dt, 4), "MBps": round(len(data) / dt / 1e6, 3) if done else None, **digest(data)}

    def cmd_request(self, c):
        """Request over a link: path, data [, timeout, save]."""
        l = self.link(c)
        data = dec(c["data"]) if "data" in c else None
        ev = threading.Event()
        out = {}

        def ok(r):
            out["ok"] = True
            resp = r.response
            if isinstance(resp, io.IOBase) or hasattr(resp, "read"):
                body = resp.read()
                out["is_file"] = True
                out["metadata"] = enc(r.metadata)
                out.update(digest(body))
                if c.get("save"):
                    with open(c["save"], "wb") as f:
                        f.write(body)
            else:
                out["response"] = enc(resp, c.get("inline", MAX_INLINE))
                if isinstance(resp, (bytes, bytearray)):
                    out.update(digest(resp))
                    if len(resp) <= 65536:
                        out["text"] = bytes(resp).decode("utf-8", "replace")
            ev.set()

        def bad(r):
            out["ok"] = False
            ev.set()
        t0 = time.time()
        rr = l.request(c["path"], data=data, response_callback=ok, failed_callback=bad, timeout=c.get("timeout"))
        if not rr:
            return {"ok": False, "error": "request not sent"}
        if not ev.wait(c.get("timeout", 60)):
            out["ok"] = False
            out["error"] = "timeout"
        out["seconds"] = round(time.time() - t0, 4)
        return out

    def cmd_exchange(self, c):
        """Exchange count packets, requests or resources (kind) of size bytes over a link, one after the other, and
        count the answers.  An answer that did not come within timeout is lost; slow ones took over slow seconds."""
        l = self.link(c)
        one = {"packet": self.exchange_packet, "request": self.exchange_request, "resource": self.exchange_resource}[c["kind"]]
        timeout, slow = c.get("timeout", 15), c.get("slow", 0.2)
        out = {"answered": 0, "lost": 0, "slow": 0, "slowest": 0.0}
        t0 = time.time()
        for i in range(c["count"]):
            data = gen_bytes(c.get("size", 32), f"{c.get('seed', '0')}/{i}")
            t = time.time()
            out["answered" if one(l, data, timeout) else "lost"] += 1
            dt = time.time() - t
            out["slow"] += dt > slow
            out["slowest"] = max(out["slowest"], round(dt, 4))
            if l.status != RNS.Link.ACTIVE or out["lost"] > 20:
                break
        out["seconds"] = round(time.time() - t0, 3)
        return out

    def exchange_packet(self, link, data, timeout):
        receipt = RNS.Packet(link, data).send()
        if not receipt:
            return False
        receipt.set_timeout(timeout)
        deadline = time.time() + timeout
        while receipt.status == RNS.PacketReceipt.SENT and time.time() < deadline:
            time.sleep(0.0003)
        return receipt.status == RNS.PacketReceipt.DELIVERED

    def exchange_request(self, link, data, timeout):
        ev = threading.Event()
        got = []

        def ready(r):
            got.append(r.response)
            ev.set()
        link.request("/echo", data=data, response_callback=ready, failed_callback=lambda r: ev.set(), timeout=timeout)
        ev.wait(timeout)
        return got == [data]

    def exchange_resource(self, link, data, timeout):
        ev = threading.Event()
        res = RNS.Resource(data, link, callback=lambda r: ev.set())
        ev.wait(timeout)
        return res.status == RNS.Resource.COMPLETE

    def cmd_channel_send(self, c):
        """Send a raw channel message: link, msgtype, data."""
        l = self.link(c)
        mt = c.get("msgtype", 0x0101)
        ch = self.register_types(l, [mt])
        deadline = time.time() + c.get("timeout", 15)
        while not ch.is_ready_to_send():
            if time.time() > deadline:
                raise PeerError("channel not ready")
            time.sleep(0.002)
        e = ch.send(self.mclasses[mt](blob(c)))
        return {"sequence": e.sequence, "mdu": ch.mdu}

    def cmd_buffer_send(self, c):
        l = self.link(c)
        l._peer_buf.write(blob(c))
        l._peer_buf.flush()
        return {}

    def cmd_packet_send(self, c):
        """Send a single encrypted packet: hash, name, data; waits for proof."""
        d = self.out_destination(c["hash"], c["name"], c.get("timeout", 15))
        receipt = RNS.Packet(d, blob(c)).send()
        if not receipt:
            return {"sent": False}
        deadline = time.time() + c.get("timeout", 15)
        while receipt.status == RNS.PacketReceipt.SENT and time.time() < deadline:
            time.sleep(0.001)
        ok = receipt.status == RNS.PacketReceipt.DELIVERED
        return {"sent": True, "proved": ok, "rtt": receipt.get_rtt() if ok else None}

    def cmd_gen(self, c):
        """Digest of deterministic data (size, seed, kind)."""
        return digest(gen_bytes(c["size"], c.get("seed", "0"), c.get("kind", "random")))

    def cmd_sleep(self, c):
        time.sleep(c.get("seconds", 1))
        return {}

    def cmd_help(self, c):
        return {"commands": sorted(n[4:] for n in dir(self) if n.startswith("cmd_"))}


def run(peer, c):
    rid = c.get("id")
    try:
        fn = getattr(peer, "cmd_" + str(c.get("cmd")), None)
        if fn is None:
            raise PeerError("unknown command")
        if not peer.started and c.get("cmd") not in ("start", "help", "gen", "stamp", "sleep"):
            raise PeerError("not started")
        r = fn(c) or {}
        emit({"type": "reply", "id": rid, "cmd": c.get("cmd"), "ok": r.pop("ok", True), **r})
    except Exception as e:
        if not isinstance(e, PeerError):
            traceback.print_exc(file=sys.stderr)
        emit({"type": "reply", "id": rid, "cmd": c.get("cmd"), "ok": False, "error": f"{type(e).__name__}: {e}"})


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--log", help="write library log lines to this file (default: stderr)")
    a = ap.parse_args()
    peer = Peer(open(a.log, "a") if a.log else sys.stderr)
    event("ready", rns=RNS.__version__, lxmf=LXMF.__version__, pid=os.getpid())
    for line in command_lines():
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        try:
            c = json.loads(line)
        except ValueError as e:
            emit({"type": "reply", "id": None, "ok": False, "error": f"bad json: {e}"})
            continue
        if c.get("cmd") in ("quit", "exit"):
            emit({"type": "reply", "id": c.get("id"), "cmd": "quit", "ok": True})
            break
        if c.get("cmd") == "start" or c.get("sync"):
            run(peer, c)            # signal handlers need the main thread
        else:
            threading.Thread(target=run, args=(peer, c), daemon=True).start()
    try:
        if peer.reticulum is not None:
            if peer.router is not None:
                peer.router.exit_handler()
            RNS.Reticulum.exit_handler()
    except Exception:
        pass
    os._exit(0)


if __name__ == "__main__":
    main()
