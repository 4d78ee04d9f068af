/// Numbers for strings of bytes, in the order in which they were first seen: what a sender calls a series is found
/// here without making a `String` of it.
///
/// Open addressing over 64-bit hashes with linear probing; the keys lie one after another in one array and are compared
/// whole, so two keys never share a number. The seed keeps senders from choosing keys that collide. The caller bounds
/// the table by `count` and `byteCount` and calls `removeAll`.
public struct ByteTable: Sendable {
    @usableFromInline
    struct Entry: Sendable {
        @usableFromInline var start: Int
        @usableFromInline var count: Int
        @usableFromInline var hash: UInt64
        @usableFromInline init(start: Int, count: Int, hash: UInt64) { (self.start, self.count, self.hash) = (start, count, hash) }
    }

    @usableFromInline var keys: [UInt8] = []
    @usableFromInline var entries: [Entry] = []
    /// The high half of the hash and the entry's number plus one; 0 is free. A power of two, at most half full.
    @usableFromInline var slots: [UInt64]
    @usableFromInline let seed: UInt64

    public init(seed: UInt64) {
        self.seed = seed
        slots = Array(repeating: 0, count: 64)
    }

    public var count: Int { entries.count }
    /// Memory of keys and tables, without the arrays' spare room.
    public var byteCount: Int { keys.count + entries.count * 24 + slots.count * 8 }

    public mutating func removeAll() {
        keys = []
        entries = []
        slots = Array(repeating: 0, count: 64)
    }

    /// A hash of all bytes of the range: 16 a step, folded by a 128-bit product, as wyhash does.
    @inlinable
    public func hash(_ bytes: Span<UInt8>, _ range: Range<Int>) -> UInt64 {
        precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count)
        let raw = unsafe bytes.bytes
        var state = seed ^ 0x9E37_79B9_7F4A_7C15
        var offset = range.lowerBound
        let end = range.upperBound
        // All loads end at or before the range's end, which the precondition put within the span.
        while end - offset >= 16 {
            let low = unsafe raw.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self)
            let high = unsafe raw.unsafeLoadUnaligned(fromByteOffset: offset + 8, as: UInt64.self)
            state = Self.fold(low ^ 0xE703_7ED1_A0B4_28DB ^ seed, high ^ state)
            offset += 16
        }
        var low: UInt64 = 0
        var high: UInt64 = 0
        let left = end - offset
        if left >= 8 {
            low = unsafe raw.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self)
            high = unsafe raw.unsafeLoadUnaligned(fromByteOffset: end - 8, as: UInt64.self)
        } else if left >= 4 {
            low = UInt64(unsafe raw.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self))
            high = UInt64(unsafe raw.unsafeLoadUnaligned(fromByteOffset: end - 4, as: UInt32.self))
        } else if left > 0 {
            low = UInt64(bytes[offset]) | UInt64(bytes[offset + left / 2]) << 8 | UInt64(bytes[end - 1]) << 16
        }
        state = Self.fold(low ^ 0xE703_7ED1_A0B4_28DB ^ seed, high ^ state)
        return Self.fold(state ^ 0x8EBC_6AF0_9C88_C6E3, UInt64(range.count) ^ 0x5899_65CC_7537_4CC3)
    }

    @inlinable
    @inline(__always)
    static func fold(_ a: UInt64, _ b: UInt64) -> UInt64 {
        let product = a.multipliedFullWidth(by: b)
        return product.high ^ product.low
    }

    /// The number of the key in the range; nil if it is new. `hash` is what `hash(_:_:)` says.
    @inlinable
    public func find(_ bytes: Span<UInt8>, _ range: Range<Int>, hash: UInt64) -> Int? {
        let mask = slots.count - 1
        var slot = Int(truncatingIfNeeded: hash) & mask
        while true {
            let content = slots[slot]
            if content == 0 { return nil }
            if content >> 32 == hash >> 32 {
                let number = Int(content & 0xFFFF_FFFF) - 1
                if matches(number, bytes, range) { return number }
            }
            slot = (slot + 1) & mask
        }
    }

    /// Whether the key with this number is what lies in the range.
    @inlinable
    public func matches(_ number: Int, _ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
        entries[number].count == range.count && isPrefix(number, bytes, at: range.lowerBound)
    }

    /// How long the key with this number is.
    @inlinable
    public func length(_ number: Int) -> Int { entries[number].count }

    /// Whether the bytes at `offset` begin with the key.
    @inlinable
    public func isPrefix(_ number: Int, _ bytes: Span<UInt8>, at offset: Int) -> Bool {
        let entry = entries[number]
        guard bytes.count - offset >= entry.count else { return false }
        let keys = keys
        let known = unsafe keys.span.bytes
        let given = unsafe bytes.bytes
        var position = 0
        // Loads end at or before `entry.count`, which both sides have.
        while entry.count - position >= 8 {
            let a = unsafe known.unsafeLoadUnaligned(fromByteOffset: entry.start + position, as: UInt64.self)
            let b = unsafe given.unsafeLoadUnaligned(fromByteOffset: offset + position, as: UInt64.self)
            if a != b { return false }
            position += 8
        }
        while position < entry.count {
            if keys[entry.start + position] != bytes[offset + position] { return false }
            position += 1
        }
        return true
    }

    /// Gives a new key the next number.
    public mutating func insert(_ bytes: Span<UInt8>, _ range: Range<Int>, hash: UInt64) -> Int {
        let number = entries.count
        entries.append(Entry(start: keys.count, count: range.count, hash: hash))
        unsafe bytes.extracting(range).withUnsafeBufferPointer { unsafe keys.append(contentsOf: $0) }
        if entries.count * 2 > slots.count { grow() } else { place(number, hash) }
        return number
    }

    private mutating func grow() {
        slots = Array(repeating: 0, count: slots.count * 4)
        for (number, entry) in entries.enumerated() { place(number, entry.hash) }
    }

    private mutating func place(_ number: Int, _ hash: UInt64) {
        let mask = slots.count - 1
        var slot = Int(truncatingIfNeeded: hash) & mask
        while slots[slot] != 0 { slot = (slot + 1) & mask }
        slots[slot] = hash & 0xFFFF_FFFF_0000_0000 | UInt64(number + 1)
    }
}
