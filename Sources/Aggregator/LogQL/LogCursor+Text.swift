extension LogCursor: CustomStringConvertible {
    /// `TIME-SEQUENCE` in decimal: the `id` and the cursor of the API. Opaque to clients.
    public var description: String { "\(time)-\(sequence)" }

    public init?(_ text: String) {
        // A leading minus belongs to a time before 1970.
        guard let dash = text.lastIndex(of: "-"), let time = Int64(text[..<dash]), let sequence = Int64(text[text.index(after: dash)...]),
            sequence >= 0
        else { return nil }
        self.init(time: time, sequence: sequence)
    }
}
