import Glibc
import Runtime

/// `/dev/kmsg`, from now on, without waiting.
final class KernelLog {
    private let file: HostFile
    private var buffer = [UInt8](repeating: 0, count: 8192)
    /// Records taken in one round; a flood goes on in the next.
    static let recordsPerRound = 2_000

    /// Nil if the log cannot be opened.
    init?(path: String) {
        guard let file = try? HostFile(path, flags: O_RDONLY | O_NONBLOCK) else { return nil }
        self.file = file
        // What was logged before is somebody else's story.
        lseek(file.descriptor, 0, SEEK_END)
    }

    /// Calls `body` with each new record.
    func read(records: Counter, lost: Counter, _ body: (KernelLogRecord) -> Void) {
        for _ in 0..<Self.recordsPerRound {
            // One record a read(2); the kernel keeps the position.
            let got = unsafe buffer.withUnsafeMutableBytes { unsafe Glibc.read(file.descriptor, $0.baseAddress, $0.count) }
            if got < 0, errno == EPIPE {
                // Written over; the next read gives the oldest that is left.
                lost.increment()
                continue
            }
            if got < 0, errno == EINTR || errno == EINVAL { continue }
            guard got > 0 else { return }
            records.increment()
            if let record = KernelLogRecord(buffer, count: got) { body(record) }
        }
    }

    /// CLOCK_MONOTONIC, which the kernel's log follows to within a drift of seconds a month.
    static var nanosecondsSinceStart: Int64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
