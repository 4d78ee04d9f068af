enum QueryFailure {
    /// Puts a caret below the place that `LINE:COLUMN: parse error` names.
    static func explain(query: String, message: String) -> CommandFailure {
        var text = message
        if let mark = message.split(separator: " ").first(where: { $0.last == ":" && $0.dropLast().contains(":") }) {
            let parts = mark.dropLast().split(separator: ":").compactMap { Int($0) }
            let lines = query.split(separator: "\n", omittingEmptySubsequences: false)
            if parts.count == 2, lines.indices.contains(parts[0] - 1) {
                text += "\n  \(lines[parts[0] - 1])\n  \(String(repeating: " ", count: max(0, parts[1] - 1)))^"
            }
        }
        return CommandFailure(message: text)
    }
}
