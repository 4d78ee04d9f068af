import Glibc

/// Another server on the loopback, asked by HTTP/1.1 over one kept connection.
@safe final class Peer: Sendable {
    private let descriptor: Int32
    private let port: UInt16

    init(port: UInt16) throws {
        self.port = port
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let descriptor = descriptor
        let outcome = unsafe withUnsafePointer(to: &address) { pointer in
            // The kernel reads the address as the generic type of the same size.
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
        guard outcome == 0 else { throw BenchError("nothing listens on 127.0.0.1:\(port)") }
        var one: Int32 = 1
        unsafe setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
    }

    deinit { close(descriptor) }

    /// The length of the answer's body.
    func get(_ target: String) throws -> Int {
        let request = Array("GET \(target) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\n\r\n".utf8)
        guard unsafe write(descriptor, request, request.count) == request.count else { throw BenchError("the peer on port \(port) hung up") }
        var buffer = Array(repeating: UInt8(0), count: 1 << 16)
        var text: [UInt8] = []
        var header: String?
        var bodyStart = 0
        while true {
            let count = unsafe read(descriptor, &buffer, buffer.count)
            guard count > 0 else { throw BenchError("the peer on port \(port) hung up") }
            text.append(contentsOf: buffer[..<count])
            if header == nil, let end = Self.find([13, 10, 13, 10], in: text) {
                header = String(decoding: text[..<end], as: UTF8.self).lowercased()
                bodyStart = end + 4
            }
            guard let header else { continue }
            guard header.contains(" 200 ") else { throw BenchError("\(target): \(String(decoding: text, as: UTF8.self).prefix(500))") }
            if let mark = header.split(separator: "\r\n").first(where: { $0.hasPrefix("content-length:") }) {
                let length = Int(mark.dropFirst(15).filter { $0 != " " }) ?? 0
                if text.count >= bodyStart + length { return length }
            } else if text.count >= 5, text[(text.count - 5)...].elementsEqual("0\r\n\r\n".utf8) {
                return text.count - bodyStart
            }
        }
    }

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
