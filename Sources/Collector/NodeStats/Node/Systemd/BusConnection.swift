import Glibc

/// A connection to a D-Bus service over a local socket, for a few calls. It blocks, until its deadline at most: for a
/// thread of its own only.
final class BusConnection {
    private let descriptor: Int32
    /// Steady nanoseconds after which nothing is waited for any more.
    private let deadline: Int64
    private var received: [UInt8] = []
    private var serial: UInt32 = 0
    private let destination: String

    /// Calls that are under way at once: what waits in the sockets stays small.
    private static let callsAtOnce = 32
    private static let lineLimit = 1024

    /// Connects and says who we are (SASL's EXTERNAL: the kernel tells the service our user). A bus wants to be greeted
    /// first; a service at the other end, which systemd's own socket has, does not: `destination` is then empty.
    init(path: String, destination: String, deadline: Int64) throws(BusError) {
        self.deadline = deadline
        self.destination = destination
        descriptor = try BusConnection.open(path, deadline)
        // From here on deinit closes it.
        let user = String(getuid())
        let hexadecimal = user.utf8.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        try send([0] + Array("AUTH EXTERNAL \(hexadecimal)\r\n".utf8))
        guard try line().hasPrefix("OK ") else { throw .denied }
        try send(Array("BEGIN\r\n".utf8))
        if !destination.isEmpty {
            _ = try calls([Call(member: "Hello", interface: "org.freedesktop.DBus", path: "/org/freedesktop/DBus", to: "org.freedesktop.DBus")])
        }
    }

    deinit { close(descriptor) }

    struct Call {
        var member: String
        var interface: String
        var path: String
        var arguments: [String] = []
        /// Whom to ask, if not the connection's own service.
        var to: String?

        static func property(_ name: String, of interface: String, on path: String) -> Call {
            Call(member: "Get", interface: "org.freedesktop.DBus.Properties", path: path, arguments: [interface, name])
        }
    }

    /// Makes the calls and gives an answer or a refusal for each, in order.
    func calls(_ calls: [Call]) throws(BusError) -> [Result<BusReader, BusError>] {
        var answers: [Result<BusReader, BusError>] = []
        answers.reserveCapacity(calls.count)
        var start = 0
        while start < calls.count {
            let end = min(start + BusConnection.callsAtOnce, calls.count)
            answers += try batch(calls[start..<end])
            start = end
        }
        return answers
    }

    private func batch(_ calls: ArraySlice<Call>) throws(BusError) -> [Result<BusReader, BusError>] {
        let first = serial &+ 1
        var bytes: [UInt8] = []
        for call in calls {
            serial &+= 1
            bytes += BusMessage.call(
                call.member, of: call.interface, on: call.path, at: destination.isEmpty ? "" : call.to ?? destination, serial: serial, call.arguments)
        }
        try send(bytes)
        var answers = [Result<BusReader, BusError>?](repeating: nil, count: calls.count)
        var missing = calls.count
        while missing > 0 {
            let message = try message()
            let position = Int(message.answers) - Int(first)
            // A signal, or an answer to nothing that was asked.
            guard answers.indices.contains(position), answers[position] == nil else { continue }
            switch message.kind {
            case .answer: answers[position] = .success(message.body)
            case .error: answers[position] = .failure(.refused(message.errorName))
            case .call, .signal: continue
            }
            missing -= 1
        }
        return answers.compactMap { $0 }
    }

    private func message() throws(BusError) -> BusMessage {
        try fill(to: BusMessage.headBytes)
        let length = try BusMessage.length(Array(received[..<BusMessage.headBytes]))
        guard length <= BusMessage.byteLimit else { throw .malformed }
        try fill(to: length)
        let message = try BusMessage(Array(received[..<length]))
        received.removeFirst(length)
        return message
    }

    private func line() throws(BusError) -> String {
        while true {
            if let end = received.firstIndex(of: UInt8(ascii: "\n")) {
                let line = String(decoding: received[..<end], as: UTF8.self)
                received.removeFirst(end + 1)
                return line
            }
            guard received.count < BusConnection.lineLimit else { throw .malformed }
            try fill(to: received.count + 1)
        }
    }

    // MARK: - The socket

    private func fill(to count: Int) throws(BusError) {
        while received.count < count {
            try wait(for: Int16(POLLIN))
            let room = max(64 << 10, min(count - received.count, 1 << 20))
            var got = 0
            let piece = unsafe [UInt8](unsafeUninitializedCapacity: room) { buffer, used in
                got = unsafe recv(descriptor, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT))
                used = max(0, got)
            }
            if got == 0 { throw .closed }
            if got < 0, errno != EAGAIN, errno != EINTR { throw BusError(code: errno) }
            received += piece
        }
    }

    private func send(_ bytes: [UInt8]) throws(BusError) {
        var sent = 0
        while sent < bytes.count {
            try wait(for: Int16(POLLOUT))
            let start = sent
            // The range is inside the array: start < bytes.count.
            let count = unsafe bytes.withUnsafeBytes { buffer in
                unsafe Glibc.send(
                    descriptor, buffer.baseAddress! + start, buffer.count - start, Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL))
            }
            if count < 0, errno != EAGAIN, errno != EINTR { throw BusError(code: errno) }
            sent += max(0, count)
        }
    }

    private func wait(for events: Int16) throws(BusError) {
        while true {
            let left = deadline - BackgroundThread.steadyTime
            guard left > 0 else { throw .timeout }
            var entry = pollfd(fd: descriptor, events: events, revents: 0)
            let ready = unsafe poll(&entry, 1, Int32(min(left / 1_000_000 + 1, 60_000)))
            if ready > 0 { return }
            if ready < 0, errno != EINTR { throw BusError(code: errno) }
        }
    }

    private static func open(_ path: String, _ deadline: Int64) throws(BusError) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let name = Array(path.utf8)
        let isShort = unsafe withUnsafeMutableBytes(of: &address.sun_path) { room in
            guard name.count < room.count else { return false }
            unsafe room.copyBytes(from: name)
            return true
        }
        guard isShort else { throw .failed(ENAMETOOLONG) }
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw BusError(code: errno) }
        // A service that does not accept keeps connect waiting: for as long as a send may take.
        let left = max(1, deadline - BackgroundThread.steadyTime)
        var limit = timeval(tv_sec: Int(left / 1_000_000_000), tv_usec: Int(left % 1_000_000_000 / 1000))
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        let code = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard code != 0 else { return descriptor }
        let failure = errno
        close(descriptor)
        throw BusError(code: failure)
    }
}
