/// The kinds of secrets that are known by their look. Each finds the ranges of a text that hold one.
public enum SecretKind: String, Hashable, Sendable, CaseIterable {
    /// `Authorization: Bearer …`, and JSON Web Tokens wherever they stand.
    case bearer
    /// Amazon's access keys, and secret keys behind their name.
    case aws
    /// PEM blocks of private keys, also over several lines.
    case privateKey = "private_key"
    /// User and password in an address, `https://user:word@host`.
    case basicAuth = "basic_auth"
    /// Payment cards: 13 to 19 digits whose check digit is right.
    case card
    case email
    case ipv4

    /// Appends the ranges found, from left to right.
    func find(_ text: [UInt8], _ ranges: inout [Range<Int>]) {
        switch self {
        case .bearer:
            Self.tokens(text, &ranges)
            Self.webTokens(text, &ranges)
        case .aws: Self.aws(text, &ranges)
        case .privateKey: Self.privateKeys(text, &ranges)
        case .basicAuth: Self.basicAuth(text, &ranges)
        case .card: Self.cards(text, &ranges)
        case .email: Self.emails(text, &ranges)
        case .ipv4: Self.addresses(text, &ranges)
        }
    }

    // MARK: Looks

    private static func isWord(_ byte: UInt8) -> Bool { (byte | 0x20) &- 97 < 26 || byte &- 48 < 10 }
    private static func isDigit(_ byte: UInt8) -> Bool { byte &- 48 < 10 }
    private static func isBase64URL(_ byte: UInt8) -> Bool { isWord(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_") }
    private static func isToken(_ byte: UInt8) -> Bool { isBase64URL(byte) || "._~+/=".utf8.contains(byte) }

    /// `name` in any case at `index`.
    private static func has(_ text: [UInt8], _ index: Int, _ name: [UInt8]) -> Bool {
        guard index + name.count <= text.count else { return false }
        for offset in 0..<name.count where text[index + offset] | 0x20 != name[offset] | 0x20 { return false }
        return true
    }

    private static let bearerWord = Array("bearer ".utf8)
    private static func tokens(_ text: [UInt8], _ ranges: inout [Range<Int>]) {
        var index = 0
        while index + 15 < text.count {
            guard text[index] | 0x20 == UInt8(ascii: "b"), has(text, index, bearerWord) else {
                index += 1
                continue
            }
            let start = index + bearerWord.count
            var end = start
            while end < text.count, isToken(text[end]) { end += 1 }
            if end - start >= 8 { ranges.append(start..<end) }
            index = max(end, index + 1)
        }
    }

    /// Three parts of base64url; the first begins as `{"` does.
    private static func webTokens(_ text: [UInt8], _ ranges: inout [Range<Int>]) {
        var index = 0
        while index + 20 < text.count {
            guard text[index] == UInt8(ascii: "e"), text[index + 1] == UInt8(ascii: "y"), text[index + 2] == UInt8(ascii: "J"),
                index == 0 || !isBase64URL(text[index - 1])
            else {
                index += 1
                continue
            }
            var end = index
            var dots = 0
            while end < text.count, isBase64URL(text[end]) || (text[end] == UInt8(ascii: ".") && dots < 2) {
                if text[end] == UInt8(ascii: ".") { dots += 1 }
                end += 1
            }
            if dots == 2, end - index >= 20 { ranges.append(index..<end) }
            index = end
        }
    }

    private static let secretName = Array("secret".utf8)
    private static func aws(_ text: [UInt8], _ ranges: inout [Range<Int>]) {
        var index = 0
        while index + 20 <= text.count {
            if text[index] == UInt8(ascii: "A"), text[index + 2] == UInt8(ascii: "I"), text[index + 3] == UInt8(ascii: "A"),
                text[index + 1] == UInt8(ascii: "K") || text[index + 1] == UInt8(ascii: "S"), index == 0 || !isWord(text[index - 1])
            {
                var end = index + 4
                while end < text.count, text[end] &- 65 < 26 || isDigit(text[end]) { end += 1 }
                if end - index == 20, end == text.count || !isWord(text[end]) {
                    ranges.append(index..<end)
                    index = end
                    continue
                }
            }
            // `aws_secret_access_key = …`, `SecretAccessKey":"…`: forty characters within a few of the name.
            if text[index] | 0x20 == UInt8(ascii: "s"), has(text, index, secretName) {
                var start = index + secretName.count
                let limit = min(text.count, start + 24)
                while start < limit, isWord(text[start]) || text[start] == UInt8(ascii: "_") { start += 1 }
                while start < limit, !isWord(text[start]), text[start] != UInt8(ascii: "/"), text[start] != UInt8(ascii: "+") { start += 1 }
                var end = start
                while end < text.count, isWord(text[end]) || text[end] == UInt8(ascii: "/") || text[end] == UInt8(ascii: "+") { end += 1 }
                if end - start == 40 {
                    ranges.append(start..<end)
                    index = end
                    continue
                }
            }
            index += 1
        }
    }

    static let keyBegin = Array("-----BEGIN ".utf8)
    static let keyEnd = Array("-----END ".utf8)
    static let keyName = Array("PRIVATE KEY-----".utf8)

    /// From the heading to the end's line; to the text's end if the block does not end in it.
    private static func privateKeys(_ text: [UInt8], _ ranges: inout [Range<Int>]) {
        var index = 0
        while let start = position(of: keyBegin, in: text, from: index) {
            guard let heading = position(of: keyName, in: text, from: start), heading - start < 40 else {
                index = start + 1
                continue
            }
            var end = text.count
            if let close = position(of: keyEnd, in: text, from: heading), let last = position(of: keyName, in: text, from: close) {
                end = last + keyName.count
            }
            ranges.append(start..<end)
            index = end
        }
    }

    static func position(of needle: [UInt8], in text: [UInt8], from: Int) -> Int? {
        var index = from
        while index + needle.count <= text.count {
            if text[index] == needle[0], text[index..<index + needle.count].elementsEqual(needle) { return index }
            index += 1
        }
        return nil
    }

    private static func basicAuth(_ text: [UInt8], _ ranges: inout [Range<Int>]) {
        var index = 0
        while index + 6 < text.count {
            guard text[index] == UInt8(ascii: ":"), text[index + 1] == UInt8(ascii: "/"), text[index + 2] == UInt8(ascii: "/") else {
                index += 1
                continue
            }
            let start = index + 3
            var end = start
            var colon = false
            while end < text.count, text[end] > 0x20, text[end] != UInt8(ascii: "@"), text[end] != UInt8(ascii: "/"), text[end] != UInt8(ascii: "\"") {
                if text[end] == UInt8(ascii: ":") { colon = true }
                end += 1
            }
            if colon, end < text.count, text[end] == UInt8(ascii: "@") { ranges.append(start..<end) }
            index = max(end, index + 1)
        }
    }

    private static func cards(_ text: [UInt8], _ ranges: inout [Range<Int>]) {
        var index = 0
        while index + 13 <= text.count {
            guard isDigit(text[index]), index == 0 || !(isWord(text[index - 1]) || text[index - 1] == UInt8(ascii: ".")) else {
                index += 1
                continue
            }
            var digits: [UInt8] = []
            var end = index
            var last = index
            while end < text.count, digits.count < 20 {
                if isDigit(text[end]) {
                    digits.append(text[end] - 48)
                    last = end + 1
                } else if !((text[end] == 0x20 || text[end] == UInt8(ascii: "-")) && end == last && digits.count >= 4) {
                    break
                }
                end += 1
            }
            let isWhole = last == text.count || !isWord(text[last])
            // Cards begin with 2 to 6; that keeps many stamps and numbers out.
            if isWhole, (13...19).contains(digits.count), (2...6).contains(digits[0]), isLuhn(digits) { ranges.append(index..<last) }
            index = max(last, index + 1)
        }
    }

    /// The sum of the digits, every second from the right doubled, is a multiple of ten (ISO/IEC 7812).
    static func isLuhn(_ digits: [UInt8]) -> Bool {
        var sum = 0
        for (position, digit) in digits.reversed().enumerated() {
            let value = Int(digit) * (position % 2 == 1 ? 2 : 1)
            sum += value > 9 ? value - 9 : value
        }
        return sum % 10 == 0
    }

    private static func emails(_ text: [UInt8], _ ranges: inout [Range<Int>]) {
        for at in text.indices where text[at] == UInt8(ascii: "@") {
            var start = at
            while start > 0, isWord(text[start - 1]) || "._%+-".utf8.contains(text[start - 1]) { start -= 1 }
            var end = at + 1
            var dot = false
            while end < text.count, isWord(text[end]) || text[end] == UInt8(ascii: "-") || text[end] == UInt8(ascii: ".") {
                if text[end] == UInt8(ascii: "."), end > at + 1 { dot = true }
                end += 1
            }
            while end > at + 1, text[end - 1] == UInt8(ascii: ".") { end -= 1 }
            if start < at, dot, end > at + 3 { ranges.append(start..<end) }
        }
    }

    private static func addresses(_ text: [UInt8], _ ranges: inout [Range<Int>]) {
        var index = 0
        while index + 7 <= text.count {
            guard isDigit(text[index]), index == 0 || !(isWord(text[index - 1]) || text[index - 1] == UInt8(ascii: ".")) else {
                index += 1
                continue
            }
            var end = index
            var parts = 0
            var isAddress = true
            while parts < 4 {
                var value = 0
                let start = end
                while end < text.count, isDigit(text[end]), end - start < 4 {
                    value = value * 10 + Int(text[end] - 48)
                    end += 1
                }
                guard end > start, value < 256 else {
                    isAddress = false
                    break
                }
                parts += 1
                if parts < 4 {
                    guard end < text.count, text[end] == UInt8(ascii: ".") else {
                        isAddress = false
                        break
                    }
                    end += 1
                }
            }
            if isAddress, end == text.count || !(isWord(text[end]) || (text[end] == UInt8(ascii: ".") && end + 1 < text.count && isDigit(text[end + 1]))) {
                ranges.append(index..<end)
            }
            index = max(end, index + 1)
        }
    }
}
