/// One message of D-Bus (D-Bus specification 0.41, "Message Protocol"), as far as calls with strings and their answers go.
struct BusMessage {
    enum Kind: UInt8 { case call = 1, answer, error, signal }

    var kind: Kind
    /// The call that this answers; 0 for none.
    var answers: UInt32
    var errorName: String
    var body: BusReader

    /// Bytes of a message that are taken; a list of 20,000 units has about 6 MB.
    static let byteLimit = 16 << 20
    /// Bytes of a message before its fields.
    static let headBytes = 16

    /// The bytes of a call. `destination` is empty on a connection that has the service alone at its other end.
    static func call(
        _ member: String, of interface: String, on path: String, at destination: String, serial: UInt32, _ arguments: [String] = []
    ) -> [UInt8] {
        var body = BusWriter()
        for argument in arguments { body.string(argument) }
        var head = BusWriter()
        // 'l' is little-endian; a call (1); no flags; version 1 of the protocol.
        head.bytes = [UInt8(ascii: "l"), Kind.call.rawValue, 0, 1]
        head.number(UInt32(body.bytes.count))
        head.number(serial)
        // The length of the fields, put in below.
        head.number(0)
        head.field(1, "o", path)
        head.field(2, "s", interface)
        head.field(3, "s", member)
        if !destination.isEmpty { head.field(6, "s", destination) }
        if !arguments.isEmpty { head.signatureField(String(repeating: "s", count: arguments.count)) }
        let fields = UInt32(head.bytes.count - headBytes)
        for position in 0..<4 { head.bytes[12 + position] = UInt8(truncatingIfNeeded: fields >> (8 * UInt32(position))) }
        head.align(8)
        return head.bytes + body.bytes
    }

    /// How long the message is that begins with these 16 bytes.
    static func length(_ head: [UInt8]) throws(BusError) -> Int {
        var reader = try BusReader(message: head)
        reader.offset = 4
        let body = Int(try reader.number())
        reader.offset = 12
        let fields = Int(try reader.number())
        guard body <= byteLimit, fields <= byteLimit else { throw .malformed }
        return headBytes + (fields + 7) / 8 * 8 + body
    }

    /// Takes a whole message apart.
    init(_ bytes: [UInt8]) throws(BusError) {
        var reader = try BusReader(message: bytes)
        guard let kind = Kind(rawValue: bytes[1]) else { throw .malformed }
        self.kind = kind
        (answers, errorName) = (0, "")
        reader.offset = 4
        let bodyLength = Int(try reader.number())
        reader.offset = 12
        let end = BusMessage.headBytes + Int(try reader.number())
        while reader.offset < end {
            try reader.align(8)
            let code = try reader.byte()
            let value = try reader.variant()
            switch (code, value) {
            case (4, .text(let name)): errorName = name
            case (5, .number(let serial)): answers = UInt32(truncatingIfNeeded: serial)
            default: break
            }
        }
        let start = (end + 7) / 8 * 8
        guard start + bodyLength <= bytes.count else { throw .malformed }
        body = BusReader(bytes: Array(bytes[start..<(start + bodyLength)]), isBigEndian: reader.isBigEndian)
    }
}

/// Puts a message together, in little-endian form.
struct BusWriter {
    var bytes: [UInt8] = []

    mutating func align(_ size: Int) {
        while bytes.count % size != 0 { bytes.append(0) }
    }

    mutating func number(_ value: UInt32) {
        align(4)
        for shift in [0, 8, 16, 24] as [UInt32] { bytes.append(UInt8(truncatingIfNeeded: value >> shift)) }
    }

    mutating func string(_ text: String) {
        number(UInt32(text.utf8.count))
        bytes += text.utf8
        bytes.append(0)
    }

    /// A signature has its length in one byte.
    mutating func signature(_ text: String) {
        bytes.append(UInt8(text.utf8.count))
        bytes += text.utf8
        bytes.append(0)
    }

    mutating func field(_ code: UInt8, _ type: String, _ value: String) {
        align(8)
        bytes.append(code)
        signature(type)
        string(value)
    }

    mutating func signatureField(_ value: String) {
        align(8)
        bytes.append(8)
        signature("g")
        signature(value)
    }
}

/// Reads values one after the other. What lies about its length is malformed, never read beyond.
struct BusReader {
    enum Value: Hashable {
        case text(String)
        case number(UInt64)
    }

    let bytes: [UInt8]
    let isBigEndian: Bool
    /// The next byte; alignment counts from the start of `bytes`.
    var offset = 0

    init(bytes: [UInt8], isBigEndian: Bool) {
        self.bytes = bytes
        self.isBigEndian = isBigEndian
    }

    /// By the message's first byte.
    init(message: [UInt8]) throws(BusError) {
        guard message.count >= BusMessage.headBytes, message[0] == UInt8(ascii: "l") || message[0] == UInt8(ascii: "B"), message[3] == 1 else {
            throw .malformed
        }
        self.init(bytes: message, isBigEndian: message[0] == UInt8(ascii: "B"))
    }

    var isAtEnd: Bool { offset >= bytes.count }

    mutating func align(_ size: Int) throws(BusError) {
        offset = (offset + size - 1) / size * size
        guard offset <= bytes.count else { throw .malformed }
    }

    mutating func byte() throws(BusError) -> UInt8 { UInt8(truncatingIfNeeded: try unsigned(1)) }
    mutating func number() throws(BusError) -> UInt32 { UInt32(truncatingIfNeeded: try unsigned(4)) }

    private mutating func unsigned(_ size: Int) throws(BusError) -> UInt64 {
        try align(size)
        guard size <= bytes.count - offset else { throw .malformed }
        var value: UInt64 = 0
        for position in 0..<size {
            let byte = UInt64(bytes[offset + position])
            if isBigEndian { value = value << 8 | byte } else { value |= byte << (8 * UInt64(position)) }
        }
        offset += size
        return value
    }

    /// A string or an object's path. What is no UTF-8 becomes U+FFFD.
    mutating func string() throws(BusError) -> String { try text(length: Int(try number())) }

    private mutating func text(length: Int) throws(BusError) -> String {
        guard length >= 0, length < bytes.count - offset, bytes[offset + length] == 0 else { throw .malformed }
        defer { offset += length + 1 }
        return String(decoding: bytes[offset..<(offset + length)], as: UTF8.self)
    }

    /// A variant that holds a string, a path, a signature, or a whole number.
    mutating func variant() throws(BusError) -> Value {
        let signature = try text(length: Int(try byte()))
        switch signature {
        case "s", "o": return .text(try string())
        case "g": return .text(try text(length: Int(try byte())))
        case "y": return .number(try unsigned(1))
        case "q", "n": return .number(try unsigned(2))
        case "u", "i", "b": return .number(try unsigned(4))
        case "t", "x": return .number(try unsigned(8))
        default: throw .malformed
        }
    }
}
