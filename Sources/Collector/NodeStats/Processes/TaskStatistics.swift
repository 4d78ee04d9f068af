import Glibc

/// Asks the kernel how many tasks of a cgroup are in which state: one message (taskstats' CGROUPSTATS_CMD_GET over generic
/// netlink) instead of a file a task. The kernel answers for cgroup v1 only; for v2 it says EINVAL (seen on Linux 6.18).
///
/// Not Sendable: one question at a time.
final class TaskStatistics {
    private let socket: Int32
    private let family: UInt16
    private var sequence: UInt32 = 0
    private var buffer = [UInt8](repeating: 0, count: 4096)

    private static let genericNetlink: Int32 = 16
    private static let controller: UInt16 = 16

    /// Nil if the kernel has no taskstats or this process may not ask.
    init?() {
        socket = Glibc.socket(AF_NETLINK, Int32(SOCK_RAW.rawValue) | Int32(SOCK_CLOEXEC.rawValue), Self.genericNetlink)
        guard socket >= 0 else { return nil }
        var patience = timeval(tv_sec: 1, tv_usec: 0)
        _ = unsafe setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        // CTRL_CMD_GETFAMILY (3) with CTRL_ATTR_FAMILY_NAME (2); the answer has CTRL_ATTR_FAMILY_ID (1).
        let question = Self.message(type: Self.controller, command: 3, attribute: 2, payload: Array("TASKSTATS\0".utf8), sequence: 0)
        var buffer = [UInt8](repeating: 0, count: 4096)
        guard let count = Self.exchange(socket, question, &buffer), let range = Self.attribute(1, in: buffer, count: count), range.count >= 2 else {
            close(socket)
            return nil
        }
        family = UInt16(Self.integer(buffer, range.lowerBound, bytes: 2))
    }

    deinit { close(socket) }

    /// `directory` is an open cgroup directory of a v1 hierarchy. Nil if the kernel does not answer for it.
    func states(of directory: Int32) -> TaskStates? {
        sequence &+= 1
        // CGROUPSTATS_CMD_GET (4) with CGROUPSTATS_CMD_ATTR_FD (1).
        let descriptor = unsafe withUnsafeBytes(of: UInt32(bitPattern: directory)) { unsafe Array($0) }
        let question = Self.message(type: family, command: 4, attribute: 1, payload: descriptor, sequence: sequence)
        guard let count = Self.exchange(socket, question, &buffer, sequence: sequence) else { return nil }
        return Self.states(in: buffer, count: count)
    }

    /// CGROUPSTATS_TYPE_CGROUP_STATS (1): five 64-bit counts in the order of struct cgroupstats.
    static func states(in bytes: [UInt8], count: Int) -> TaskStates? {
        guard let range = attribute(1, in: bytes, count: count), range.count >= 40 else { return nil }
        func value(_ index: Int) -> UInt64 { integer(bytes, range.lowerBound + index * 8, bytes: 8) }
        return TaskStates(sleeping: value(0), running: value(1), stopped: value(2), uninterruptible: value(3), ioWaiting: value(4))
    }

    /// One request: nlmsghdr (16 bytes), genlmsghdr (4), one attribute.
    private static func message(type: UInt16, command: UInt8, attribute: UInt16, payload: [UInt8], sequence: UInt32) -> [UInt8] {
        var bytes: [UInt8] = []
        func append(_ value: some FixedWidthInteger) { bytes += unsafe withUnsafeBytes(of: value) { unsafe Array($0) } }
        let padded = (payload.count + 3) & ~3
        append(UInt32(16 + 4 + 4 + padded))
        append(type)
        // NLM_F_REQUEST
        append(UInt16(1))
        append(sequence)
        append(UInt32(0))
        bytes += [command, 1, 0, 0]
        append(UInt16(4 + payload.count))
        append(attribute)
        bytes += payload
        bytes += Array(repeating: 0, count: padded - payload.count)
        return bytes
    }

    /// The payload of an attribute of a generic netlink answer; nil if it is an error or has none such.
    static func attribute(_ wanted: UInt16, in bytes: [UInt8], count: Int) -> Range<Int>? {
        guard count >= 20, integer(bytes, 4, bytes: 2) != 2 else { return nil }
        let end = min(count, Int(integer(bytes, 0, bytes: 4)))
        var offset = 20
        while offset + 4 <= end {
            let length = Int(integer(bytes, offset, bytes: 2))
            guard length >= 4, offset + length <= end else { return nil }
            // The two upper bits of the type are flags.
            if UInt16(integer(bytes, offset + 2, bytes: 2)) & 0x3FFF == wanted { return offset + 4..<offset + length }
            offset += (length + 3) & ~3
        }
        return nil
    }

    private static func integer(_ bytes: [UInt8], _ offset: Int, bytes width: Int) -> UInt64 {
        // Netlink has the machine's byte order, and Linux on Swift's machines is little-endian.
        (0..<width).reduce(0) { $0 | UInt64(bytes[offset + $1]) << UInt64($1 * 8) }
    }

    /// Sends and takes the answer with the question's number; an older one, of a question that timed out, is passed over.
    private static func exchange(_ socket: Int32, _ question: [UInt8], _ buffer: inout [UInt8], sequence: UInt32 = 0) -> Int? {
        let sent = unsafe question.withUnsafeBytes { unsafe send(socket, $0.baseAddress, $0.count, 0) }
        guard sent == question.count else { return nil }
        for _ in 0..<8 {
            let got = unsafe buffer.withUnsafeMutableBytes { unsafe recv(socket, $0.baseAddress, $0.count, 0) }
            if got < 0, errno == EINTR { continue }
            guard got >= 16 else { return nil }
            if integer(buffer, 8, bytes: 4) == UInt64(sequence) { return got }
        }
        return nil
    }
}
