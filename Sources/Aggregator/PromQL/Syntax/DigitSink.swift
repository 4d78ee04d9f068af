/// Takes the standard library's text of a number where it is to be, in memory with room for `NumberText.maximumBytes`.
@safe struct DigitSink: TextOutputStream {
    private let target: UnsafeMutablePointer<UInt8>
    private(set) var count = 0

    @unsafe init(_ target: UnsafeMutablePointer<UInt8>) { unsafe self.target = target }

    mutating func write(_ string: String) {
        for byte in string.utf8 {
            unsafe target[count] = byte
            count += 1
        }
    }

    /// What the standard library calls for a number, if it is there: no string is then made. Should it go, `write` does.
    mutating func _writeASCII(_ digits: UnsafeBufferPointer<UInt8>) {
        guard let start = digits.baseAddress else { return }
        unsafe (target + count).update(from: start, count: digits.count)
        count += digits.count
    }
}
