import Glibc
import Runtime
import Synchronization
import Testing

@testable import NodeStats

@Suite struct MountProberTests {
    private static let room = FileSystemProbe.Room(size: 10, free: 5, available: 4, files: 3, filesFree: 2)

    /// Mount points that do not answer until they are let go.
    private final class Gate: Sendable {
        let stuck: Mutex<Set<String>>
        init(_ stuck: Set<String>) { self.stuck = Mutex(stuck) }
        func ask(_ path: String) -> MountProber.Answer {
            while stuck.withLock({ $0.contains(path) }) { usleep(1000) }
            return .room(MountProberTests.room)
        }
        func release() { stuck.withLock { $0 = [] } }
    }

    private func mount(_ point: String, _ type: String) -> MountTable.Mount {
        MountTable.Mount(major: 0, minor: 1, source: "d", type: type, point: point, isReadOnly: false, superOptions: "rw")
    }

    /// Asks until `isDone`, at most some seconds of the wall clock; `now` stands still, so nothing ages meanwhile.
    private func ask(_ prober: MountProber, _ mounts: [MountTable.Mount], at now: Int64, until isDone: ([MountProber.Answer]) -> Bool) -> [MountProber.Answer] {
        var answers: [MountProber.Answer] = []
        for _ in 0..<1000 {
            answers = prober.probe(mounts, now: now)
            if isDone(answers) { break }
            usleep(5000)
        }
        return answers
    }

    @Test func `a mount that hangs blocks nobody, is named, and comes back`() {
        let gate = Gate(["/host/dead"])
        let prober = MountProber(root: "/host", metrics: MetricRegistry()) { gate.ask($0) }
        let mounts = [mount("/", "ext4"), mount("/dead", "nfs4"), mount("/alive", "nfs4")]
        let start = BackgroundThread.steadyTime
        #expect(prober.probe(mounts, now: start) == [.room(Self.room), .pending, .pending])
        #expect(BackgroundThread.steadyTime - start < 1_000_000_000)
        #expect(ask(prober, mounts, at: start) { $0[2] == .room(Self.room) } == [.room(Self.room), .pending, .room(Self.room)])
        let later = start + MountProber.timeout + 1
        #expect(ask(prober, mounts, at: later) { $0[2] == .room(Self.room) } == [.room(Self.room), .failure("mountpoint timeout"), .room(Self.room)])
        gate.release()
        #expect(ask(prober, mounts, at: later) { $0[1] == .room(Self.room) }[1] == .room(Self.room))
    }

    @Test func `a mount that is refused says why`() {
        guard case .failure(let text) = MountProber.statfs("/there/is/no/such/place") else {
            Issue.record("no failure")
            return
        }
        #expect(text == "no such file or directory")
    }

    @Test(arguments: [(#"/a\040b"#, "/a b"), (#"/tab\011\134"#, "/tab\t\\"), (#"/cut\04"#, #"/cut\04"#), ("/plain", "/plain"), (#"\999"#, #"\999"#)])
    func `the kernel's escapes of mount points`(written: String, plain: String) { #expect(MountTable.unescape(Substring(written)) == plain) }
}
