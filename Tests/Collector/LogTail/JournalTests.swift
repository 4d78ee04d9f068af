import Glibc
import Runtime
import Synchronization
import Telemetry
import TestKit
import Testing

@testable import LogTail

@Suite struct JournalTests {
    private func export(_ fields: [(String, [UInt8])], binary: Set<String> = []) -> [UInt8] {
        var bytes: [UInt8] = []
        for (name, value) in fields {
            bytes += Array(name.utf8)
            if binary.contains(name) {
                bytes.append(0x0A)
                for shift in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: value.count >> (shift * 8))) }
                bytes += value + [0x0A]
            } else {
                bytes += [UInt8(ascii: "=")] + value + [0x0A]
            }
        }
        return bytes + [0x0A]
    }

    private func entry(_ number: Int, _ message: String, _ more: [(String, String)] = []) -> [UInt8] {
        let fields = [
            ("__CURSOR", "s=f00;i=\(String(number, radix: 16));b=1"), ("__REALTIME_TIMESTAMP", "179551012100000\(number % 10)"), ("PRIORITY", "3"),
            ("_SYSTEMD_UNIT", "a.service"),
        ]
        return export((fields + more).map { ($0.0, Array($0.1.utf8)) } + [("MESSAGE", Array(message.utf8))], binary: message.contains("\n") ? ["MESSAGE"] : [])
    }

    @Test func `reads entries at any cut of their bytes, with fields of any bytes`() {
        let bytes = entry(1, "one") + entry(2, "two\nlines=\n\nof it") + entry(3, "")
        for size in [1, 2, 3, 7, 50, bytes.count] {
            var parser = ExportParser()
            var entries: [ExportParser.Entry] = []
            for start in stride(from: 0, to: bytes.count, by: size) { entries += parser.feed(bytes[start..<min(bytes.count, start + size)]) }
            #expect(entries.map { $0.text("MESSAGE") } == ["one", "two\nlines=\n\nof it", ""])
        }
    }

    @Test func `cuts fields that are too long, and believes no length`() {
        var parser = ExportParser(maximumField: 100)
        let long = export([("MESSAGE", [UInt8](repeating: 0x61, count: 1000)), ("A", [0x62])], binary: ["MESSAGE"])
        let entries = parser.feed(long + entry(1, "next"))
        #expect(
            entries.count == 2 && entries[0].fields["MESSAGE"]?.count == 100 && entries[0].isTruncated && entries[0].text("A") == "b"
                && entries[1].text("MESSAGE") == "next")
        var lying = ExportParser(maximumField: 100)
        #expect(lying.feed(Array("MESSAGE\n".utf8) + [UInt8](repeating: 0xFF, count: 8) + [UInt8](repeating: 0x61, count: 5000)).isEmpty)
    }

    @Test func `hands entries over as records, joins a container's parts, and keeps its place`() async throws {
        let place = TemporaryDirectory("journal")
        let sink = RecordingSink()
        let tailer = try JournalTailer(.init(), node: "n1", state: place.file("j.db"), sink: sink, metrics: MetricRegistry())
        var parser = ExportParser()
        let container = [("CONTAINER_NAME", "web"), ("CONTAINER_ID_FULL", String(repeating: "ab", count: 32))]
        let entries = parser.feed(
            entry(1, "one") + entry(2, "par", container + [("CONTAINER_PARTIAL_MESSAGE", "true")]) + entry(3, "two") + entry(4, "tial", container))
        try await tailer.deliver(entries)
        // Again, as after an answer that was lost.
        try await tailer.deliver(entries)
        #expect(sink.texts.sorted() == ["one", "partial", "two"])
        let labels = sink.state.withLock { $0.lines.first { $0.text == "partial" }?.labels }
        #expect(labels?["container"] == "web" && labels?["container_id"] == "abababababab" && labels?["unit"] == "a.service")
        #expect(try Checkpoints(path: place.file("j.db")).value("cursor") == "s=f00;i=4;b=1")
        #expect(await tailer.arguments(cursor: "c").contains("--after-cursor=c"))
    }

    @Test func `follows a program that speaks the export format`() async throws {
        let place = TemporaryDirectory("journal")
        let sink = RecordingSink()
        try HostFileSystem().write(place.file("data"), entry(1, "one") + entry(2, "two"))
        try HostFileSystem().write(place.file("fake"), Array("#!/bin/sh\ncat \(place.file("data"))\nexec sleep 60\n".utf8))
        #expect(unsafe chmod(place.file("fake"), 0o755) == 0)
        let tailer = try JournalTailer(.init(), node: "n1", state: place.file("j.db"), program: place.file("fake"), sink: sink, metrics: MetricRegistry())
        let task = Task { await tailer.run() }
        #expect(try await eventually(within: 30) { sink.texts == ["one", "two"] })
        task.cancel()
        await task.value
    }

    @Test func `reads the kernel's messages`() throws {
        let message = try #require(KernelMessage(Array("30,339,5140900,-;NET: \\x0aRegistered\n SUBSYSTEM=net\n DEVICE=n1\n".utf8)[...]))
        #expect(message.level == 6 && message.facility == 3 && message.sequence == 339 && message.sinceBoot == 5_140_900_000)
        #expect(message.text == Array("NET: \nRegistered".utf8) && message.fields.map(\.0) == ["subsystem", "device"])
        #expect(KernelMessage(Array("30,339".utf8)[...]) == nil && KernelMessage([]) == nil)
    }

    @Test func `tells what the kernel overwrote`() async throws {
        let tailer = KernelTailer(node: "n", sink: RecordingSink(), metrics: MetricRegistry())
        let messages = [5, 6, 9].compactMap { KernelMessage(Array("3,\($0),100,-;m\($0)\n".utf8)[...]) }
        let batch = await tailer.batch(messages, after: 4, boot: "b")
        #expect(batch.origin == .init(node: "n", file: "kmsg/b", start: 5, end: 10) && batch.ends == [6, 7, 10])
        #expect(batch.records[2].fields["missing_before"] == "2" && batch.records[2].severity == .error)
    }
}
