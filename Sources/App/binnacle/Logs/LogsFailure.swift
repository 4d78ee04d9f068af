import JSON

/// What a server, or the same API in this process, refused, as a person reads it.
enum LogsFailure {
    /// - Parameter parameters: of the request; the query among them is shown with the place that the message names.
    static func of(_ bytes: [UInt8], _ status: Int, _ parameters: [(String, String)]) -> CommandFailure {
        let document = (try? JSON.parse(bytes)) ?? .null
        let plain = String(decoding: bytes.prefix(4096), as: UTF8.self).split(separator: "\n").first.map { String($0) }
        var message = document["error"].string ?? (document.isNull ? plain : nil) ?? "the server answered \(status)"
        if message.hasPrefix("parameter q: ") {
            message.removeFirst(13)
        } else if message.hasPrefix("parameter "), let colon = message.firstIndex(of: ":") {
            // Parameters have the names of flags, for the most part.
            let name = message[..<colon].dropFirst(10)
            message = "--\(name.replacing("_", with: "-"))\(message[colon...])"
        }
        let query = parameters.first { $0.0 == "q" || $0.0 == "query" }?.1 ?? ""
        return CommandFailure(message: message + marked(query, message), hint: document["hint"].string, exitCode: status == 400 ? 2 : 1)
    }

    /// The query's line with a caret below `at line L, col C`; nothing if the message names no place.
    static func marked(_ query: String, _ message: String) -> String {
        guard let at = message.firstRange(of: "at line "), let comma = message[at.upperBound...].firstRange(of: ", col "),
            let line = Int(message[at.upperBound..<comma.lowerBound]), let column = Int(message[comma.upperBound...].prefix { $0.isNumber })
        else { return "" }
        let lines = query.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.indices.contains(line - 1), (1...(lines[line - 1].count + 1)).contains(column) else { return "" }
        return "\n  \(lines[line - 1])\n  \(String(repeating: " ", count: column - 1))^"
    }
}
