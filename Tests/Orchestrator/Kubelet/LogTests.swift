import Glibc
import HTTP
import JSON
import Objects
import Runtime
import Synchronization
import TestKit
import Testing

@testable import Kubelet

struct LogTests {
    private let directory = TemporaryDirectory("logs")
    private let system = HostFileSystem()

    private func read(_ options: LogOptions, restartCount: Int = 0) async throws -> String {
        let writer = CollectedBody()
        let reader = LogReader(files: LogFiles(directory: directory.path, restartCount: restartCount), options: options, time: ManualClock())
        try await reader.copy(to: writer)
        return String(decoding: await writer.bytes, as: UTF8.self)
    }
    private func write(_ name: String, _ text: String) throws { try system.write(directory.file(name), Array(text.utf8)) }

    @Test func `records become lines`() async throws {
        try write(
            "0.log",
            """
            2026-11-24T08:00:00.000000001Z stdout F one
            2026-11-24T08:00:01.5Z stderr F 
            2026-11-24T08:00:02Z stdout P two,
            2026-11-24T08:00:02Z stdout F  joined
            torn
            2026-11-24T08:00:03Z stdout F three

            """)
        #expect(try await read(LogOptions()) == "one\n\ntwo, joined\nthree\n")
        #expect(try await read(LogOptions(tailLines: 2)) == "two, joined\nthree\n")
        #expect(try await read(LogOptions(tailLines: 0)) == "")
        #expect(try await read(LogOptions(tailLines: 99)) == "one\n\ntwo, joined\nthree\n")
        let since = RFC3339.parse("2026-11-24T08:00:02Z")! * 1_000_000_000
        #expect(try await read(LogOptions(since: since)) == "two, joined\nthree\n")
        #expect(try await read(LogOptions(limitBytes: 5)) == "one\n\n")
        #expect(try await read(LogOptions(limitBytes: 2)) == "on")
        #expect(
            try await read(LogOptions(timestamps: true, tailLines: 2))
                == "2026-11-24T08:00:02Z two, joined\n2026-11-24T08:00:03Z three\n")
        #expect(try await read(LogOptions(), restartCount: 1) == "")
    }

    @Test func `rotated files are read too, oldest first`() async throws {
        try write("0.log.20261124-080000", "2026-11-24T07:00:00Z stdout F a\n2026-11-24T07:00:01Z stdout F b\n")
        try write("0.log.20261124-090000", "2026-11-24T08:00:00Z stdout F c\n")
        try write("0.log", "2026-11-24T09:00:00Z stdout F d\n")
        try write("1.log", "2026-11-24T09:00:00Z stdout F other\n")
        #expect(try await read(LogOptions()) == "a\nb\nc\nd\n")
        #expect(try await read(LogOptions(tailLines: 3)) == "b\nc\nd\n")
    }

    @Test func `a tail is the end of the whole, whatever the lines are`() async throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("seed \(seed)")
        var random = SeededGenerator(seed: seed)
        for _ in 0..<30 {
            var expected: [String] = []
            var text = ""
            var pending = ""
            for number in 0..<Int.random(in: 0..<400, using: &random) {
                let length = Int.random(in: 0..<5, using: &random) == 0 ? Int.random(in: 0..<3000, using: &random) : Int.random(in: 0..<40, using: &random)
                let line = "\(number)" + String(repeating: "x", count: length)
                let isPartial = Int.random(in: 0..<6, using: &random) == 0
                text += "2026-11-24T08:00:00.123456789Z stdout \(isPartial ? "P" : "F") \(line)\n"
                pending += line
                if !isPartial {
                    expected.append(pending)
                    pending = ""
                }
            }
            // A line that is not finished yet comes last and is not counted.
            try write("0.log", text)
            let whole = expected.map { "\($0)\n" }.joined() + pending
            #expect(try await read(LogOptions()) == whole)
            let count = Int.random(in: 0...expected.count, using: &random)
            let tail = expected.suffix(count).map { "\($0)\n" }.joined() + (count > 0 ? pending : "")
            let got = try await read(LogOptions(tailLines: count))
            if count > 0 || pending.isEmpty { #expect(got == tail, "seed \(seed)") }
        }
    }

    @Test func `following survives rotation and ends with the container`() async throws {
        let clock = ManualClock()
        let writer = CollectedBody()
        let flag = SharedFlag(true)
        let following = LogReader(
            files: LogFiles(directory: directory.path, restartCount: 0), options: LogOptions(follow: true), time: clock, isRunning: { flag.value })
        let task = Task { try await following.copy(to: writer) }
        func expectText(_ text: String) async throws {
            let limit = ContinuousClock.now + .seconds(10)
            while ContinuousClock.now < limit {
                if String(decoding: await writer.bytes, as: UTF8.self) == text { return }
                clock.advance(by: .milliseconds(100))
                await Task.yield()
            }
            #expect(String(decoding: await writer.bytes, as: UTF8.self) == text)
        }
        try append("0.log", "2026-11-24T08:00:00Z stdout F one\n2026-11-24T08:00:00Z stdout F tw")
        try await expectText("one\n")
        try append("0.log", "o\n")
        try await expectText("one\ntwo\n")
        // Two rotations between two looks.
        try append("0.log", "2026-11-24T08:00:01Z stdout F three\n")
        try system.rename(directory.file("0.log"), to: directory.file("0.log.20261124-080001"))
        try append("0.log", "2026-11-24T08:00:02Z stdout F four\n")
        try system.rename(directory.file("0.log"), to: directory.file("0.log.20261124-080002"))
        try append("0.log", "2026-11-24T08:00:03Z stdout F five\n")
        try await expectText("one\ntwo\nthree\nfour\nfive\n")
        try append("0.log", "2026-11-24T08:00:04Z stdout F last words\n")
        flag.set(false)
        try await expectText("one\ntwo\nthree\nfour\nfive\nlast words\n")
        try await task.value
    }

    private func append(_ name: String, _ text: String) throws {
        let file = try HostFile(directory.file(name), flags: O_WRONLY | O_CREAT | O_APPEND, mode: 0o640)
        try file.write(Array(text.utf8))
    }

    @Test func `the errors of kubectl logs`() async throws {
        let node = TestNode()
        node.runtime.state.withLock { $0.sandboxErrors = 1000 }
        func message(_ pod: String, _ container: String? = nil, previous: Bool = false) async -> String {
            do {
                try await node.service.logs(
                    namespace: "default", pod: pod, container: container, options: LogOptions(previous: previous), writer: CollectedBody())
                return "none"
            } catch {
                return (error as? StatusError)?.message ?? "\(error)"
            }
        }
        try await node.run {
            try await node.create(makePod("web"))
            try await node.create(makePod("two", containers: [["name": "a"], ["name": "b"]]))
            try await node.eventually("seen") { await node.service.podList()["items"].elements.count == 2 }
            #expect(await message("none") == "pods \"none\" not found")
            #expect(await message("web") == "container \"c\" in pod \"web\" is waiting to start: ContainerCreating")
            #expect(await message("web", "x") == "container x is not valid for pod web")
            #expect(await message("two") == "a container name must be specified for pod two, choose one of: [a b]")
            #expect(await message("web", previous: true) == "previous terminated container \"c\" in pod \"web\" not found")
        }
    }

    @Test func `the log stands in for a message that a failed container did not leave`() async throws {
        let node = TestNode()
        try await node.run {
            try await node.create(makePod("web", restartPolicy: "Never", containers: [["name": "c", "terminationMessagePolicy": "FallbackToLogsOnError"]]))
            try await node.eventually("running") { node.pod("web").isReady }
            let logs = node.directory.file("logs/default_web_uid-of-web/c")
            try HostFileSystem().makeDirectory(logs, mode: 0o755)
            let text = (0..<100).map { "2026-11-24T08:00:00Z stderr F line \($0)\n" }.joined()
            try HostFileSystem().write("\(logs)/0.log", Array(text.utf8))
            node.runtime.exit(id: node.runtime.id("c")!, code: 2)
            try await node.eventually("failed") { node.pod("web").podPhase == "Failed" }
            let message = node.state("web")["state"]["terminated"]["message"].string ?? ""
            #expect(message == (20..<100).map { "line \($0)\n" }.joined())
            // The log of a pod that has ended is still there.
            let writer = CollectedBody()
            try await node.service.logs(namespace: "default", pod: "web", container: nil, options: LogOptions(follow: true, tailLines: 1), writer: writer)
            #expect(await writer.bytes == Array("line 99\n".utf8))
        }
    }
}

final class SharedFlag: Sendable {
    private let state: Mutex<Bool>
    init(_ value: Bool) { state = Mutex(value) }
    var value: Bool { state.withLock { $0 } }
    func set(_ value: Bool) { state.withLock { $0 = value } }
}
