import Glibc

/// What the readers of all cgroups share: one buffer, the bound on open descriptors, and the counts of what was done.
///
/// Not Sendable: the collector owns it.
final class FilePool {
    /// The most bytes that are read of one file: a memory.stat has 2 KiB, a cgroup.procs of 10,000 processes 80 KiB.
    static let fileLimit = 1 << 20

    /// Descriptors that may stay open. A file beyond it is opened and closed at each reading: of files that are all read
    /// once a round no choice of whom to close does better than letting those stay that are there.
    private(set) var descriptorLimit: Int
    private(set) var openDescriptors = 0
    /// Reads of files since the start.
    private(set) var filesRead: UInt64 = 0
    private(set) var filesOpened: UInt64 = 0
    let skips: SkipCounts
    private var buffer = [UInt8](repeating: 0, count: 16 << 10)

    init(descriptorLimit: Int, skips: SkipCounts) {
        self.descriptorLimit = descriptorLimit
        self.skips = skips
    }

    /// Half of what the process may open, at most 12,000: connections, logs and stores need the rest.
    static func standardDescriptorLimit() -> Int {
        var limit = rlimit()
        // RLIMIT_NOFILE is an enum in Glibc's header and an integer in the call.
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 512 }
        return Int(min(limit.rlim_cur / 2, 12_000))
    }

    /// A file that is read again and again.
    struct Slot {
        /// Open if not negative.
        fileprivate(set) var descriptor: Int32 = -1
        /// Rounds until a file that was not there is looked for again.
        fileprivate(set) var pause: UInt8 = 0
        /// The file is not there, or may not be read.
        fileprivate(set) var isAbsent = false
    }

    /// Rounds for which an absent file is not looked for.
    static let absentPause: UInt8 = 60

    enum Failure: Error { case absent, vanished, other }

    /// Reads the whole file into the buffer and hands it to `body`. `path` is asked for only when the file must be opened.
    @inline(__always)
    func read<Result>(_ slot: inout Slot, keepsOpen: Bool, path: () -> String, _ body: (Span<UInt8>) -> Result) throws(Failure) -> Result {
        if slot.isAbsent {
            guard slot.pause == 0 else {
                slot.pause -= 1
                throw .absent
            }
            slot.isAbsent = false
        }
        var descriptor = slot.descriptor
        if descriptor < 0 { descriptor = try open(&slot, path()) }
        let isKept = slot.descriptor >= 0 || (keepsOpen && openDescriptors < descriptorLimit)
        if isKept, slot.descriptor < 0 {
            slot.descriptor = descriptor
            openDescriptors += 1
        }
        let count = fill(descriptor)
        let code = count < 0 ? errno : 0
        if !isKept { Glibc.close(descriptor) }
        guard count >= 0 else {
            close(&slot)
            throw failure(&slot, code)
        }
        filesRead += 1
        let contents = buffer
        return body(contents.span.extracting(first: count))
    }

    func close(_ slot: inout Slot) {
        guard slot.descriptor >= 0 else { return }
        Glibc.close(slot.descriptor)
        slot.descriptor = -1
        openDescriptors -= 1
    }

    private func open(_ slot: inout Slot, _ path: String) throws(Failure) -> Int32 {
        let descriptor = unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC)
        filesOpened += 1
        guard descriptor < 0 else { return descriptor }
        let code = errno
        if code == EMFILE || code == ENFILE {
            // Somebody else needs the descriptors: keep fewer from now on.
            descriptorLimit = min(descriptorLimit, max(openDescriptors * 3 / 4, 64))
        }
        if code == ENOENT {
            slot.isAbsent = true
            slot.pause = FilePool.absentPause
            throw .absent
        }
        throw failure(&slot, code)
    }

    private func failure(_ slot: inout Slot, _ code: Int32) -> Failure {
        switch SkipCounts.reason(code) {
        case .vanished: return .vanished
        case .denied:
            skips.count(.denied)
            slot.isAbsent = true
            slot.pause = FilePool.absentPause
            return .absent
        case .failed where code == EOPNOTSUPP:
            // The kernel was told not to count it (psi=0, cgroup.pressure 0).
            slot.isAbsent = true
            slot.pause = FilePool.absentPause
            return .absent
        case let reason:
            skips.count(reason)
            return .other
        }
    }

    /// Reads from the start; the number of bytes, or -1 with errno.
    private func fill(_ descriptor: Int32) -> Int {
        var count = 0
        while true {
            let got = unsafe buffer.withUnsafeMutableBytes { bytes in
                unsafe pread(descriptor, bytes.baseAddress! + count, bytes.count - count, off_t(count))
            }
            if got < 0 {
                if errno == EINTR { continue }
                return -1
            }
            count += got
            // Files that list records (cgroup.procs) give at most a page at a time, less one record that did not fit; records
            // are short, so what is less than half a page is the end. The others give all at once.
            if got < 2048 { return count }
            if count < buffer.count { continue }
            guard buffer.count < FilePool.fileLimit else {
                skips.count(.tooLarge)
                return count
            }
            buffer.append(contentsOf: repeatElement(0, count: buffer.count))
        }
    }
}
