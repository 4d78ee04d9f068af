/// The addresses that `ip("…")` accepts: one, a network, or a range; of version 4 or 6.
struct AddressRange: Sendable, Hashable {
    /// An address with its version; the versions do not mix.
    struct Address: Sendable, Hashable {
        var isSix: Bool
        var value: UInt128
    }
    private let isSix: Bool
    private let range: ClosedRange<UInt128>

    init?(_ text: String) {
        let bytes = Array(text.utf8)
        if let slash = bytes.firstIndex(of: UInt8(ascii: "/")) {
            guard let base = Address(bytes[..<slash]), let length = Int(String(decoding: bytes[(slash + 1)...], as: UTF8.self)) else { return nil }
            let width = base.isSix ? 128 : 32
            guard (0...width).contains(length) else { return nil }
            let hosts: UInt128 = length == width ? 0 : (UInt128.max >> UInt128(128 - (width - length)))
            isSix = base.isSix
            range = (base.value & ~hosts)...(base.value | hosts)
        } else if let dash = bytes.firstIndex(of: UInt8(ascii: "-")) {
            guard let lower = Address(bytes[..<dash]), let upper = Address(bytes[(dash + 1)...]), lower.isSix == upper.isSix, lower.value <= upper.value else {
                return nil
            }
            isSix = lower.isSix
            range = lower.value...upper.value
        } else {
            guard let address = Address(bytes[...]) else { return nil }
            isSix = address.isSix
            range = address.value...address.value
        }
    }

    func contains(_ address: Address) -> Bool { address.isSix == isSix && range.contains(address.value) }

    /// Whether any address in the line lies in the range.
    func isFound(in line: Span<UInt8>) -> Bool {
        var position = 0
        while position < line.count {
            guard AddressRange.isPart(line[position]) else {
                position += 1
                continue
            }
            let start = position
            while position < line.count, AddressRange.isPart(line[position]) { position += 1 }
            if position - start >= 2, holds(Bytes.array(line, start..<position)[...]) { return true }
        }
        return false
    }

    private static func isPart(_ byte: UInt8) -> Bool {
        Lexer.isDigit(byte) || (byte | 0x20) &- 97 < 6 || byte == UInt8(ascii: ":") || byte == UInt8(ascii: ".")
    }

    /// A run of hexadecimal digits, colons and points: an address of version 6, or some of version 4 with ports behind them.
    private func holds(_ run: ArraySlice<UInt8>) -> Bool {
        if isSix {
            var run = run
            while let last = run.last, last == UInt8(ascii: "."), run.count > 2 { run.removeLast() }
            if let address = Address(run), contains(address) { return true }
            if run.last == UInt8(ascii: ":"), let address = Address(run.dropLast()), contains(address) { return true }
            return false
        }
        for piece in run.split(whereSeparator: { !Lexer.isDigit($0) && $0 != UInt8(ascii: ".") }) {
            let trimmed = piece.drop { $0 == UInt8(ascii: ".") }
            let end = trimmed.lastIndex { $0 != UInt8(ascii: ".") }.map { $0 + 1 } ?? trimmed.startIndex
            if let address = Address(trimmed[..<end]), contains(address) { return true }
        }
        return false
    }
}

extension AddressRange.Address {
    init?(_ text: ArraySlice<UInt8>) {
        if text.contains(UInt8(ascii: ":")) {
            guard let value = AddressRange.Address.six(text) else { return nil }
            self.init(isSix: true, value: value)
        } else {
            guard let value = AddressRange.Address.four(text) else { return nil }
            self.init(isSix: false, value: UInt128(value))
        }
    }

    private static func four(_ text: ArraySlice<UInt8>) -> UInt32? {
        let parts = text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var value: UInt32 = 0
        for part in parts {
            guard (1...3).contains(part.count), part.allSatisfy(Lexer.isDigit), part.count == 1 || part.first != 48 else { return nil }
            let number = part.reduce(UInt32(0)) { $0 * 10 + UInt32($1 - 48) }
            guard number < 256 else { return nil }
            value = value << 8 | number
        }
        return value
    }

    private static func six(_ text: ArraySlice<UInt8>) -> UInt128? {
        /// Groups of sixteen bits; the last two may be written as version 4.
        func groups(_ text: ArraySlice<UInt8>) -> [UInt128]? {
            guard !text.isEmpty else { return [] }
            var result: [UInt128] = []
            let parts = text.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
            for (index, part) in parts.enumerated() {
                if index == parts.count - 1, part.contains(UInt8(ascii: ".")) {
                    guard let value = four(part) else { return nil }
                    result += [UInt128(value >> 16), UInt128(value & 0xFFFF)]
                    continue
                }
                guard (1...4).contains(part.count), let value = UInt16(String(decoding: part, as: UTF8.self), radix: 16), part.first != UInt8(ascii: "+") else {
                    return nil
                }
                result.append(UInt128(value))
            }
            return result
        }
        var all: [UInt128]
        let double = text.indices.dropLast().first { text[$0] == UInt8(ascii: ":") && text[$0 + 1] == UInt8(ascii: ":") }
        if let double {
            guard let head = groups(text[..<double]), let tail = groups(text[(double + 2)...]), head.count + tail.count <= 7 else { return nil }
            all = head + Array(repeating: 0, count: 8 - head.count - tail.count) + tail
        } else {
            guard let whole = groups(text) else { return nil }
            all = whole
        }
        guard all.count == 8 else { return nil }
        return all.reduce(0) { $0 << 16 | $1 }
    }
}
