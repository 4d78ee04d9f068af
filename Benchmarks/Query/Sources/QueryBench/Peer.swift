import Glibc

/// Another server on the loopback, asked by HTTP/1.1 over one kept connection.
///
/// It is made when first asked, and made anew if the server closed it in the meantime, as servers do with idle ones: VictoriaMetrics
/// after five seconds without a first request.
@safe final class Peer {
    let name: String
    /// Its process's number.
    let process: Int
    private let port: UInt16
    private var descriptor: Int32 = -1
    /// How often the server had closed the connection before it was asked.
    private(set) var reconnects = 0

    init(name: String, port: UInt16, process: Int) {
        self.name = name
        self.process = process
        self.port = port
    }

    deinit { disconnect() }

    /// The length of the answer's body, as it came.
    func get(_ target: String) throws -> Int {
        let isKept = descriptor >= 0
        if !isKept { try connectAnew() }
        do {
            return try exchange(target)
        } catch is Closed where isKept {
            disconnect()
            reconnects += 1
            try connectAnew()
        }
        do {
            return try exchange(target)
        } catch let closed as Closed {
            throw BenchError("\(name) on port \(port) closed the connection (\(closed.reason)) at \(target)")
        }
    }

    /// The server hung up before the first byte of an answer.
    private struct Closed: Error {
        var reason: String
    }

    private func connectAnew() throws {
        let made = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard made >= 0 else { throw BenchError("no socket: \(Self.errorText)") }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let outcome = unsafe withUnsafePointer(to: &address) { pointer in
            // The kernel reads the address as the generic type of the same size.
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe connect(made, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
        guard outcome == 0 else {
            let reason = Self.errorText
            close(made)
            throw BenchError("\(name) on 127.0.0.1:\(port) cannot be reached: \(reason)")
        }
        var one: Int32 = 1
        unsafe setsockopt(made, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
        descriptor = made
    }

    private func disconnect() {
        if descriptor >= 0 { close(descriptor) }
        descriptor = -1
    }

    private func exchange(_ target: String) throws -> Int {
        let request = Array("GET \(target) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\n\r\n".utf8)
        // A broken pipe is an error here and no signal.
        guard unsafe send(descriptor, request, request.count, Int32(MSG_NOSIGNAL)) == request.count else { throw Closed(reason: Self.errorText) }
        var buffer = Array(repeating: UInt8(0), count: 1 << 16)
        var text: [UInt8] = []
        var header: String?
        var bodyStart = 0
        while true {
            let count = unsafe read(descriptor, &buffer, buffer.count)
            guard count > 0 else {
                let reason = count == 0 ? "end of stream" : Self.errorText
                if text.isEmpty { throw Closed(reason: reason) }
                throw BenchError("\(name) on port \(port) stopped in the midst of an answer of \(text.count) bytes (\(reason)): \(target)")
            }
            text.append(contentsOf: buffer[..<count])
            if header == nil, let end = Self.find([13, 10, 13, 10], in: text) {
                header = String(decoding: text[..<end], as: UTF8.self).lowercased()
                bodyStart = end + 4
            }
            guard let header else { continue }
            guard header.contains(" 200 ") else { throw BenchError("\(name): \(target): \(String(decoding: text, as: UTF8.self).prefix(500))") }
            if let mark = header.split(separator: "\r\n").first(where: { $0.hasPrefix("content-length:") }) {
                let length = Int(mark.dropFirst(15).filter { $0 != " " }) ?? 0
                if text.count >= bodyStart + length { return finish(header, length) }
            } else if text.count >= bodyStart + 5, text[(text.count - 5)...].elementsEqual("0\r\n\r\n".utf8) {
                // The last chunk; JSON has no such bytes.
                return finish(header, text.count - bodyStart)
            }
        }
    }

    private func finish(_ header: String, _ length: Int) -> Int {
        if header.contains("connection: close") { disconnect() }
        return length
    }

    private static var errorText: String { unsafe String(cString: strerror(errno)) }

    private static func find(_ needle: [UInt8], in text: [UInt8]) -> Int? {
        guard text.count >= needle.count else { return nil }
        return (0...(text.count - needle.count)).first { text[$0..<($0 + needle.count)].elementsEqual(needle) }
    }

    static func escaped(_ text: String) -> String {
        text.utf8.map { byte in
            (48...57).contains(byte) || (97...122).contains(byte | 0x20) && byte < 128
                ? String(Unicode.Scalar(byte)) : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }.joined()
    }
}
