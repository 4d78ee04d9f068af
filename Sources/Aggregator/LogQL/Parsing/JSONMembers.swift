import JSON

/// The members of packed lines.
enum JSONMembers {
    /// The members whose values are strings, the first of each name; nil if the line is no object.
    static func strings(_ line: Span<UInt8>) -> [(String, String)]? {
        guard let document = try? JSON.parse(Bytes.array(line, 0..<line.count)), let members = document.object else { return nil }
        var name: [UInt8] = []
        return members.compactMap { key, value in
            guard let text = value.string else { return nil }
            name.removeAll(keepingCapacity: true)
            LabelName.append(Array(key.utf8).span, to: &name)
            return (String(decoding: name, as: UTF8.self), text)
        }
    }
}
