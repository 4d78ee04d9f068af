/// Standard base64 with padding (RFC 4648, section 4), as documents carry bytes and headers carry passwords.
public enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    public static func encode(_ bytes: some Collection<UInt8>) -> String {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        var group: UInt32 = 0
        var count = 0
        func flush() {
            for index in 0..<4 {
                text.append(index <= count ? alphabet[Int(group >> (18 - 6 * UInt32(index)) & 63)] : UInt8(ascii: "="))
            }
        }
        for byte in bytes {
            group |= UInt32(byte) << (16 - 8 * UInt32(count))
            count += 1
            if count == 3 {
                flush()
                (group, count) = (0, 0)
            }
        }
        if count > 0 { flush() }
        return String(decoding: text, as: UTF8.self)
    }

    /// Nil for what is not base64. Line ends are skipped, as in Go.
    public static func decode(_ text: String) -> [UInt8]? {
        guard firstProblem(text) == nil else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count / 4 * 3)
        var group: UInt32 = 0
        var bits: UInt32 = 0
        for byte in text.utf8 {
            guard let digit = value(byte) else { continue }
            group = group << 6 | UInt32(digit)
            bits += 6
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(truncatingIfNeeded: group >> bits))
            }
        }
        return bytes
    }

    /// The offset of the first byte that does not belong, or nil.
    package static func firstProblem(_ text: String) -> Int? {
        var digits = 0
        var padding = 0
        var offset = 0
        for byte in text.utf8 {
            switch byte {
            case 0x0A, 0x0D: break
            case UInt8(ascii: "="):
                padding += 1
                guard (digits + padding) % 4 == 0 || (padding == 1 && digits % 4 == 2) else { return offset }
                guard padding <= 2 else { return offset }
            default:
                guard padding == 0, value(byte) != nil else { return offset }
                digits += 1
            }
            offset += 1
        }
        return (digits + padding) % 4 == 0 ? nil : offset
    }

    private static func value(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte - UInt8(ascii: "A")
        case UInt8(ascii: "a")...UInt8(ascii: "z"): byte - UInt8(ascii: "a") + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0") + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }
}
