/// Which fields of a document are a record's time, its text and its stream, and which are not wanted.
struct RecordMapping: Sendable {
    /// The first that is there and not empty is the time.
    var timeFields: [String] = []
    /// The first that is there and not empty is the text; without one the document itself is.
    var messageFields: [String] = []
    /// Fields that make up the stream, with the labels that they become.
    var streamFields: [(field: String, label: String)] = []
    /// Labels of every stream, whatever its document says.
    var constantLabels: [(String, String)] = []
    /// The label `job` of a stream that would have no labels.
    var job = ""
    /// Names, or beginnings of names with `*` behind them.
    var ignored: [String] = []
    /// Fields out of which colours are taken.
    var decolored: [String] = []
    /// Added to every record.
    var extra: [(String, String)] = []

    /// What a field of one name is for.
    struct Role: Hashable, Sendable {
        /// The rank among the candidates.
        var time: Int?
        var message: Int?
        /// The place among `streamFields`.
        var stream: Int?
        var isLevel = false
        var isIgnored = false
        var isDecolored = false
    }

    func role(_ name: String) -> Role {
        var role = Role()
        role.time = timeFields.firstIndex(of: name)
        role.message = messageFields.firstIndex(of: name)
        role.stream = streamFields.firstIndex { $0.field == name }
        role.isLevel = RecordSeverity.isLevel(name)
        role.isIgnored = Self.matches(name, ignored)
        role.isDecolored = Self.matches(name, decolored)
        return role
    }

    private static func matches(_ name: String, _ patterns: [String]) -> Bool {
        patterns.contains { $0.hasSuffix("*") ? name.hasPrefix($0.dropLast()) : name == $0 }
    }
}

/// Takes a terminal's colours and other control sequences out of a text.
enum Colors {
    /// `ESC [`, parameters, one final letter.
    static func removed(from text: [UInt8]) -> [UInt8] {
        guard text.contains(0x1B) else { return text }
        var plain: [UInt8] = []
        plain.reserveCapacity(text.count)
        var offset = 0
        while offset < text.count {
            guard text[offset] == 0x1B, offset + 1 < text.count, text[offset + 1] == UInt8(ascii: "[") else {
                plain.append(text[offset])
                offset += 1
                continue
            }
            var end = offset + 2
            while end < text.count, (0x20...0x3F).contains(text[end]) { end += 1 }
            offset = end < text.count && (0x40...0x7E).contains(text[end]) ? end + 1 : end
        }
        return plain
    }
}
