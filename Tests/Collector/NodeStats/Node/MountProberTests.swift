import Glibc
import Synchronization
import Testing

@testable import NodeStats

@Suite struct MountProberTests {
    private static let room = MountProber.Room(size: 10, free: 5, available: 4, files: 3, filesFree: 2)

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

    private func mount(_ point: String, _ type: String) -> Mount {
        Mount(device: "d", point: point, type: type, isReadOnly: false, key: KernelText.key(of: point))
    }

    /// Rounds until `isDone`, at most five seconds of them.
    private func rounds(_ prober: MountProber, _ mounts: [Mount], until isDone: ([MountProber.Answer]) -> Bool) -> [MountProber.Answer] {
        var answers: [MountProber.Answer] = []
        for _ in 0..<1000 {
            answers = prober.probe(mounts)
            if isDone(answers) { break }
            usleep(5000)
        }
        return answers
    }

    @Test func `a mount that hangs blocks nobody, is named, and comes back`() {
        let gate = Gate(["/dead"])
        let prober = MountProber(root: "") { gate.ask($0) }
        let mounts = [mount("/", "ext4"), mount("/dead", "nfs4"), mount("/alive", "nfs4")]
        let start = ContinuousClock.now
        #expect(prober.probe(mounts)[0] == .room(Self.room))
        #expect(ContinuousClock.now - start < .seconds(1))
        let answers = rounds(prober, mounts) { $0[1] == .failure("mountpoint timeout") && $0[2] == .room(Self.room) }
        #expect(answers == [.room(Self.room), .failure("mountpoint timeout"), .room(Self.room)])
        gate.release()
        #expect(rounds(prober, mounts) { $0[1] == .room(Self.room) }[1] == .room(Self.room))
    }

    @Test func `twenty mounts that hang hold eight threads`() {
        let points = (0..<20).map { "/dead\($0)" }
        let gate = Gate(Set(points))
        let prober = MountProber(root: "") { gate.ask($0) }
        let mounts = points.map { mount($0, "nfs") }
        for _ in 0..<40 {
            _ = prober.probe(mounts)
            usleep(1000)
        }
        #expect(prober.stuckThreads == MountProber.threadLimit)
        gate.release()
        #expect(rounds(prober, mounts) { $0.allSatisfy { $0 == .room(Self.room) } }.allSatisfy { $0 == .room(Self.room) })
    }

    @Test func `a mount that is refused says why`() {
        guard case .failure(let text) = MountProber.statfs("/there/is/no/such/place") else {
            Issue.record("no failure")
            return
        }
        #expect(text == "no such file or directory")
    }

    @Test(arguments: [(#"/a\040b"#, "/a b"), (#"/tab\011\134"#, "/tab\t\\"), (#"/cut\04"#, #"/cut\04"#), ("/plain", "/plain"), (#"\999"#, #"\999"#)])
    func `the kernel's escapes of mount points`(written: String, plain: String) { #expect(Mount.unescaped(written) == plain) }
}
