import Glibc
import JSON
import Runtime
import Testing

/// Documents that were looked at once and must stay as they are. `UPDATE_GOLDEN=1` writes them anew, to be read as a diff.
enum Golden {
    private static let directory = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/") + "/Golden"

    static func expect(_ document: JSON, _ name: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
        try expect(text: pretty(document) + "\n", name + ".json", sourceLocation: sourceLocation)
    }

    static func expect(text: String, _ name: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let path = "\(directory)/\(name)"
        if unsafe getenv("UPDATE_GOLDEN") != nil {
            try? HostFileSystem().makeDirectory(directory, mode: 0o755)
            try HostFileSystem().replace(path, Array(text.utf8), mode: 0o644)
            return
        }
        let expected = try HostFileSystem().text(path)
        guard text != expected else { return }
        let (new, old) = (text.split(separator: "\n"), expected.split(separator: "\n"))
        let line = zip(new, old).enumerated().first { $1.0 != $1.1 }?.offset ?? min(new.count, old.count)
        let context = "line \(line + 1): \(line < new.count ? new[line] : "(end)"), expected \(line < old.count ? old[line] : "(end)")"
        Issue.record("\(name) differs at \(context)", sourceLocation: sourceLocation)
    }

    /// A member a line, so that a diff shows which changed; the order is the document's own.
    private static func pretty(_ document: JSON, _ indent: String = "") -> String {
        switch document {
        case .object(let members) where !members.isEmpty:
            let inner = members.map { "\(indent)  \(JSON.string($0.key)): \(pretty($0.value, indent + "  "))" }
            return "{\n" + inner.joined(separator: ",\n") + "\n\(indent)}"
        case .array(let elements) where elements.contains { $0.object != nil || $0.array != nil }:
            return "[\n" + elements.map { "\(indent)  " + pretty($0, indent + "  ") }.joined(separator: ",\n") + "\n\(indent)]"
        default: return document.description
        }
    }
}
