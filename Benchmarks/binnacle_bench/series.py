"""`scripts/bench-series`: Binnacle's metric store, Prometheus and VictoriaMetrics on the same samples in one run."""

from __future__ import annotations

import argparse
import http.client
import http.server
import json
import os
import random
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time
import typing
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from . import machine, processes

PAGES = 45


@dataclass
class Peer:
    """A server to measure: how it is started, and where it takes what."""

    name: str
    #: From its directory, the port for both reading and (unless `write_port`) writing, and a scrape configuration.
    command: Callable[[str, int, str | None], list[str]]
    write_path: str = "/api/v1/write"
    #: Makes what was ingested small, and returns the directories whose bytes count.
    settle: Callable[[str, int], list[str]] = lambda directory, port: [directory]
    write_port: Callable[[int], int] = lambda port: port


@dataclass
class Measured:
    figures: dict[str, float] = field(default_factory=dict)


def frames(path: str) -> Iterator[bytes]:
    with open(path, "rb") as file:
        while head := file.read(4):
            yield file.read(struct.unpack("<I", head)[0])


def free_port() -> int:
    """One below the kernel's own choices, and so that Binnacle's ingest port, four below, is free too."""
    for port in random.sample(range(15_000, 32_000), 100):
        try:
            for wanted in (port, port - 4):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", wanted))
            return port
        except OSError:
            continue
    raise SystemExit("bench-series: there is no free port")


def answer(port: int, query: str, moment: float) -> list:
    text = urllib.parse.urlencode({"query": query, "time": f"{moment:.3f}"})
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/query?{text}", timeout=60) as reply:
        return json.load(reply)["data"]["result"]


class Running:
    """One start of a peer."""

    def __init__(self, peer: Peer, directory: str, scrape: str | None = None) -> None:
        self.peer, self.directory, self.port = peer, directory, free_port()
        self.log = open(f"{directory}.log", "ab")
        self.process = subprocess.Popen(peer.command(directory, self.port, scrape), stdout=self.log, stderr=self.log)

    def wait(self, query: str = "vector(1)", moment: float | None = None) -> float:
        """Seconds until the query has an answer; the answer's first value is kept in `value`.

        A server that answers otherwise and has nothing for the query after three more seconds has lost it: 0.
        """
        begin = time.perf_counter()
        ready = None
        while time.perf_counter() - begin < 120:
            if self.process.poll() is not None:
                self.fail("ended")
            try:
                if found := answer(self.port, query, moment or time.time()):
                    self.value = float(found[0]["value"][1])
                    return time.perf_counter() - begin
                if ready is None and answer(self.port, "vector(1)", time.time()):
                    ready = time.perf_counter() - begin
                if ready is not None and time.perf_counter() - begin > ready + 3:
                    self.value = 0
                    return ready
            except (OSError, ValueError):
                pass
            time.sleep(0.005)
        self.fail("does not answer")

    def fail(self, what: str) -> typing.NoReturn:
        with open(f"{self.directory}.log", encoding="utf-8", errors="replace") as file:
            lines = "".join(file.readlines()[-5:])
        self.process.kill()
        raise SystemExit(f"bench-series: {self.peer.name} {what}:\n{lines}")

    def cpu(self) -> float:
        return processes.cpu_seconds(self.process.pid)

    def peak_bytes(self) -> int:
        return processes.kib_fields(self.process.pid, "status")["VmHWM"] * 1024

    def end(self, number: int = signal.SIGTERM) -> None:
        self.process.send_signal(number)
        self.process.wait(120)
        self.log.close()


def send(port: int, path: str, file: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    fields = {"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy", "X-Prometheus-Remote-Write-Version": "0.1.0"}
    for body in frames(file):
        connection.request("POST", path, body, fields)
        reply = connection.getresponse()
        text = reply.read()
        if reply.status not in (200, 204):
            raise SystemExit(f"bench-series: port {port} answered {reply.status}: {text[:200]!r}")
    connection.close()


def bytes_below(directory: str) -> int:
    return sum(os.lstat(os.path.join(place, name)).st_size for place, _, names in os.walk(directory) for name in names)


class PageServer:
    """Serves the pages one after another, and says how often it was asked."""

    def __init__(self, file: str) -> None:
        pages = list(frames(file))
        counter = self
        self.asked = 0

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                page = pages[min(counter.asked, len(pages) - 1)]
                counter.asked += 1
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(page)))
                self.end_headers()
                self.wfile.write(page)

            def log_message(self, *_: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()


def measure(peer: Peer, work: str, requests: str, samples: int, series: int, last: float, pages: str) -> Measured:
    result = Measured()
    place = f"{work}/{peer.name}"
    os.mkdir(place)
    server = Running(peer, place)
    server.wait()
    before, begin = server.cpu(), time.perf_counter()
    send(peer.write_port(server.port), peer.write_path, requests)
    result.figures["seconds"] = time.perf_counter() - begin
    # What it puts off by a moment belongs to it.
    time.sleep(2)
    result.figures["remote"] = samples / (server.cpu() - before)
    result.figures["memory"] = server.peak_bytes()
    server.end(signal.SIGKILL)
    server = Running(peer, place)
    query = 'count(last_over_time({job=~"kubelet|shop|node"}[5m]))'
    result.figures["open"] = server.wait(query, last)
    result.figures["lost"] = series - server.value
    # The bytes are of all samples, each once: where some were lost, the whole is sent into an empty directory.
    if result.figures["lost"] > 0:
        server.end()
        shutil.rmtree(place)
        os.mkdir(place)
        server = Running(peer, place)
        server.wait()
        send(peer.write_port(server.port), peer.write_path, requests)
    counted = peer.settle(place, server.port)
    server.end()
    result.figures["bytes"] = sum(bytes_below(part) for part in counted) / samples
    shutil.rmtree(place)

    page_server = PageServer(pages)
    os.mkdir(place)
    scrape = f"{work}/{peer.name}.yml"
    with open(scrape, "w", encoding="utf-8") as file:
        target = f"127.0.0.1:{page_server.port}"
        file.write(
            "scrape_configs: [{job_name: pages, scrape_interval: 1s, scrape_timeout: 1s, honor_labels: true, "
            f"static_configs: [{{targets: ['{target}']}}]}}]\n"
        )
    server = Running(peer, place, scrape)
    server.wait()
    before, asked = server.cpu(), page_server.asked
    time.sleep(PAGES - 5)
    result.figures["scrape"] = (page_server.asked - asked) * series / (server.cpu() - before)
    result.figures["scrape memory"] = server.peak_bytes()
    server.end()
    page_server.close()
    shutil.rmtree(place)
    return result


def stored(peer: Peer, work: str, requests: str) -> int:
    """Bytes that the requests take on disk."""
    place = f"{work}/{peer.name}"
    os.mkdir(place)
    server = Running(peer, place)
    server.wait()
    send(peer.write_port(server.port), peer.write_path, requests)
    time.sleep(2)
    counted = peer.settle(place, server.port)
    server.end()
    size = sum(bytes_below(part) for part in counted)
    shutil.rmtree(place)
    return size


def other_sets(chosen: list[Peer], generator: str, work: str, recorded: str | None) -> None:
    """Bytes on disk of recorded scrapes, and of a cluster that is mostly idle: 1 s here, 15 s there."""
    requests = f"{work}/requests"
    if recorded:
        samples = int(subprocess.check_output([generator, "recorded-requests", requests, recorded]).split()[0])
        print(f"\n{recorded}, {samples} samples at 1 s: bytes a sample on disk, all files")
        for peer in chosen:
            print(f"  {peer.name:18}{stored(peer, work, requests) / samples:.3f}", flush=True)
    named = {peer.name: peer for peer in chosen}
    if not {"binnacle", "prometheus"} <= named.keys():
        return
    print("\n80 of 100 containers idle, one hour: MB on disk")
    text = subprocess.check_output([generator, "idle", f"{work}/idle", "3600"], text=True)
    own = bytes_below(f"{work}/idle")
    shutil.rmtree(f"{work}/idle")
    print(f"  {'binnacle at 1 s':18}{own / 1e6:.2f}   ({next(line for line in text.splitlines() if 'on disk' in line).strip()})", flush=True)
    subprocess.check_output([generator, "requests", requests, "240", "15", "80"])
    print(f"  {'prometheus at 15 s':18}{stored(named['prometheus'], work, requests) / 1e6:.2f}")


def record(path: str, seconds: int) -> int:
    """Scrapes Debian's node_exporter each second."""
    port = free_port()
    program = f"{os.path.abspath('.build-tools/usr/bin')}/prometheus-node-exporter"
    exporter = subprocess.Popen([program, f"--web.listen-address=127.0.0.1:{port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        time.sleep(1)
        with open(path, "wb") as file:
            moment = int(time.time()) + 1
            for _ in range(seconds):
                time.sleep(max(0, moment - time.time()))
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as reply:
                    lines = [line for line in reply.read().split(b"\n") if line and not line.startswith(b"#")]
                file.write(b"# TIME %d\n" % (moment * 1000) + b"\n".join(lines) + b"\n")
                moment += 1
    finally:
        exporter.terminate()
        exporter.wait()
    return 0


def post(port: int, path: str) -> bytes:
    with urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{port}{path}", method="POST"), timeout=300) as reply:
        return reply.read()


def peers(binnacle: str, tools: str) -> list[Peer]:
    def ours(directory: str, port: int, scrape: str | None) -> list[str]:
        flags = ["--retention", "unlimited", "--out-of-order-window", "unlimited", "--port-offset", str(port - 10255)]
        return [binnacle, "aggregate", "--data-dir", directory] + flags + (["--scrape-config", scrape] if scrape else [])

    def compacted(directory: str, port: int) -> list[str]:
        subprocess.run([binnacle, "store", "compact", directory], check=True, stdout=subprocess.DEVNULL)
        return [f"{directory}/series"]

    def prometheus(directory: str, port: int, scrape: str | None) -> list[str]:
        empty = f"{directory}.empty.yml"
        with open(empty, "w", encoding="utf-8") as file:
            file.write("global: {}\n")
        return [
            f"{tools}/prometheus", f"--config.file={scrape or empty}", f"--storage.tsdb.path={directory}", "--web.enable-remote-write-receiver",
            "--web.enable-admin-api", f"--web.listen-address=127.0.0.1:{port}", "--storage.tsdb.retention.time=10y",
        ]

    def snapshot(directory: str, port: int) -> list[str]:
        # The block that the head becomes: without its log, which would go after some hours.
        post(port, "/api/v1/admin/tsdb/snapshot")
        return [f"{directory}/snapshots"]

    def victoria(directory: str, port: int, scrape: str | None) -> list[str]:
        flags = [f"-storageDataPath={directory}", f"-httpListenAddr=127.0.0.1:{port}", "-retentionPeriod=10y", "-search.latencyOffset=0s"]
        return [f"{tools}/victoria-metrics"] + flags + ([f"-promscrape.config={scrape}", "-promscrape.maxScrapeSize=64MB"] if scrape else [])

    def merged(directory: str, port: int) -> list[str]:
        post(port, "/internal/force_flush")
        post(port, "/internal/force_merge")
        time.sleep(5)
        # Not its caches, which it could make anew.
        return [f"{directory}/data", f"{directory}/indexdb"]

    return [
        Peer("binnacle", ours, settle=compacted, write_port=lambda port: port - 4),
        Peer("prometheus", prometheus, settle=snapshot),
        Peer("victoria-metrics", victoria, settle=merged),
    ]


ROWS: list[tuple[str, str, float, str]] = [
    ("remote", "remote write, k samples a CPU-second", 1e-3, ".0f"),
    ("seconds", "the same, seconds until all was acknowledged", 1, ".1f"),
    ("memory", "peak resident memory meanwhile, MB", 1e-6, ".0f"),
    ("bytes", "bytes a sample on disk, all files", 1, ".3f"),
    ("open", "open after kill -9 and answer, s", 1, ".2f"),
    ("lost", "series of the last step that were then lost", 1, ".0f"),
    ("scrape", "scraped text, k samples a CPU-second", 1e-3, ".0f"),
    ("scrape memory", "peak resident memory meanwhile, MB", 1e-6, ".0f"),
]


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench-series")
    parser.add_argument("--generator", required=True)
    parser.add_argument("--binnacle", required=True)
    parser.add_argument("--hours", type=float, default=1)
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--recorded", metavar="FILE")
    parser.add_argument("--other-sets", action="store_true")
    parser.add_argument("--record", nargs=2, metavar=("FILE", "SECONDS"))
    options = parser.parse_args()
    if options.record:
        return record(options.record[0], int(options.record[1]))
    for line in machine.describe(os.path.abspath(options.binnacle)):
        print(line)
    work = tempfile.mkdtemp(prefix="bench-series-")
    try:
        requests, pages = f"{work}/requests", f"{work}/pages"
        page_series = int(subprocess.check_output([options.generator, "pages", pages, str(PAGES)]))
        words = subprocess.check_output([options.generator, "requests", requests, str(int(options.hours * 240))]).split()
        last = time.time()
        samples, series = int(words[0]), int(words[1])
        assert page_series == series
        print(f"{samples} samples of {series} series, {options.hours:g} h at 15 s, in requests of 5000; then {PAGES} pages of all series, one a second")
        chosen = [peer for peer in peers(os.path.abspath(options.binnacle), os.path.abspath(".build-tools/usr/bin")) if peer.name in (options.only or [peer.name])]
        results = {}
        for peer in chosen:
            results[peer.name] = measure(peer, work, requests, samples, series, last, pages).figures
            print(f"  {peer.name} is measured", flush=True)
        header = f"{'':46}" + "".join(f"{peer.name:>18}" for peer in chosen)
        print("\n" + header + ("   others / binnacle" if "binnacle" in results and len(chosen) > 1 else ""))
        for key, title, scale, form in ROWS:
            line = f"{title:46}" + "".join(f"{format(results[peer.name][key] * scale, form):>18}" for peer in chosen)
            own = results.get("binnacle", {}).get(key)
            ratios = [f"{results[peer.name][key] / own:.2f}" for peer in chosen if peer.name != "binnacle" and own]
            print(line + ("   " + ", ".join(ratios) if ratios else ""), flush=True)
        if options.other_sets or options.recorded:
            other_sets(chosen, options.generator, work, options.recorded)
        return 0
    finally:
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    raise SystemExit(main())
