/// Finds a text in others (Horspool's algorithm): skips by the byte under the text's end.
struct ByteSearch: Sendable {
    let text: [UInt8]
    private let skip: [Int]

    init(_ text: [UInt8]) {
        self.text = text
        var skip = Array(repeating: max(1, text.count), count: 256)
        for (position, byte) in text.dropLast().enumerated() { skip[Int(byte)] = text.count - 1 - position }
        self.skip = skip
    }

    /// The first place at or after `from` where the text stands.
    func first(in bytes: Span<UInt8>, from: Int) -> Int? {
        guard let last = text.last else { return from }
        var position = from
        let end = bytes.count - text.count
        while position <= end {
            let byte = bytes[position + text.count - 1]
            if byte == last, ByteSearch.equal(bytes, at: position, text) { return position }
            position += skip[Int(byte)]
        }
        return nil
    }

    static func equal(_ bytes: Span<UInt8>, at position: Int, _ text: [UInt8]) -> Bool {
        for index in text.indices where bytes[position + index] != text[index] { return false }
        return true
    }
}
