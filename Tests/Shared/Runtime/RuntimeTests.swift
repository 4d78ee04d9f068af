import Exposition
import Glibc
import Runtime
import TestKit
import Testing

@Suite struct RuntimeTests {
    @Test func `backs off by doubling up to the limit`() {
        var backoff = Backoff(first: .seconds(10), limit: .seconds(300))
        #expect((0..<7).map { _ in backoff.next() } == [10, 20, 40, 80, 160, 300, 300].map { .seconds($0) })
    }

    @Test func `replaces a file whole or not at all`() throws {
        let directory = TemporaryDirectory("fs")
        let path = directory.file("a")
        try HostFileSystem().replace(path, Array("old".utf8), mode: 0o600)
        let faulty = FaultyFileSystem(failingCall: 1)
        #expect(throws: FileError("write", path, code: ENOSPC)) { try faulty.replace(path, Array("new".utf8), mode: 0o600) }
        #expect(try HostFileSystem().text(path) == "old")
    }

    @Test func `a registry shows its instruments sorted`() {
        let registry = MetricRegistry()
        registry.counter("b_total", "B.").increment(by: 3)
        registry.gauge("a", "A.", ["x": "1"]).value = 2.5
        registry.histogram("h_seconds", "H.", bounds: [1, 2]).observe(1.5)
        let families = registry.collect()
        #expect(families.map(\.name) == ["a", "b_total", "h_seconds"])
        #expect(families[2].samples.map(\.value) == [0, 1, 1, 1.5, 1])
    }
}
