import Glibc

/// A file of /proc or /sys that is read again and again by a descriptor that stays open.
///
/// Opening costs several times what reading does (contracts/platform.md), and a kernel without the file is asked again
/// only now and then.
final class KernelFile {
    /// Rounds without another try after the file could not be opened.
    private static let pause = 30

    let path: String
    private var descriptor: Int32 = -1
    private var wait = 0
    /// The errno of the last failure; 0 after a success.
    private(set) var failure: Int32 = 0

    init(_ path: String) { self.path = path }

    deinit { shut() }

    /// Reads the whole file into `text`; throws what a missing or unreadable file means.
    func read(into text: inout KernelText) throws(NodeReadError) {
        if descriptor < 0 {
            if wait > 0 {
                wait -= 1
                throw NodeReadError(code: failure)
            }
            descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
            if descriptor < 0 { try fail(errno) }
        }
        let code = text.fill(from: descriptor)
        // The thing behind the file has gone (ENODEV), or the file is of an earlier mount: next time from the path.
        if code != 0 { try fail(code) }
        failure = 0
    }

    /// As `read`, but nothing to read is false.
    func readIfThere(into text: inout KernelText) -> Bool {
        do { try read(into: &text) } catch { return false }
        return true
    }

    private func fail(_ code: Int32) throws(NodeReadError) {
        shut()
        failure = code
        wait = Self.pause
        throw NodeReadError(code: code)
    }

    private func shut() {
        if descriptor >= 0 { close(descriptor) }
        descriptor = -1
    }
}

/// Why a source of the node's metrics gave nothing this round.
enum NodeReadError: Error, Hashable {
    /// The kernel has no such thing here: no file, no device.
    case absent
    case denied
    /// Any other errno.
    case failed(Int32)
    /// What was read is not what the kernel writes.
    case malformed

    init(code: Int32) {
        switch code {
        case ENOENT, ENODEV, ENXIO, ENOTDIR, EINVAL, EOPNOTSUPP: self = .absent
        case EACCES, EPERM: self = .denied
        default: self = .failed(code)
        }
    }

    /// The `reason` under which it is counted.
    var reason: String {
        switch self {
        case .absent: "absent"
        case .denied: "denied"
        case .failed: "error"
        case .malformed: "malformed"
        }
    }
}
