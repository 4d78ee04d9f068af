import JSON
import Telemetry
import YAML

/// Lists of targets as files and servers give them: `[{"targets": ["host:port"], "labels": {...}}]`, JSON or YAML.
enum TargetList {
    static func read(_ bytes: [UInt8], name: String) throws -> [TargetGroup] {
        if name.hasSuffix(".yml") || name.hasSuffix(".yaml") {
            let documents = try YAMLParser.documents(bytes, file: name)
            return try documents.flatMap { try groups($0, name) }
        }
        do {
            return try groups(try JSON.parse(bytes), name)
        } catch let error as JSONError {
            throw ScrapeFileError(place: name, problem: "\(error)")
        }
    }

    private static func groups(_ document: JSON, _ name: String) throws(ScrapeFileError) -> [TargetGroup] {
        try ScrapeEntry.groups(ConfigurationNode(document, place: name))
    }

    /// The labels of each target of the groups, and where it was found.
    static func labels(_ groups: [TargetGroup], _ extra: [(String, String)] = []) -> [Labels] {
        groups.flatMap { group in
            group.targets.map { Labels(group.labels.map { ($0.key, $0.value) } + extra + [("__address__", $0)]) }
        }
    }

    /// Whether a file's name fits a pattern in which `*` stands for any text and `?` for one character.
    static func matches(_ name: String, _ pattern: String) -> Bool {
        let text = Array(name.utf8)
        let form = Array(pattern.utf8)
        var place = 0
        var position = 0
        var star: (form: Int, text: Int)?
        while place < text.count {
            if position < form.count, form[position] == UInt8(ascii: "*") {
                star = (position, place)
                position += 1
            } else if position < form.count, form[position] == text[place] || form[position] == UInt8(ascii: "?") {
                place += 1
                position += 1
            } else if let last = star {
                star = (last.form, last.text + 1)
                place = last.text + 1
                position = last.form + 1
            } else {
                return false
            }
        }
        return form[position...].allSatisfy { $0 == UInt8(ascii: "*") }
    }
}
