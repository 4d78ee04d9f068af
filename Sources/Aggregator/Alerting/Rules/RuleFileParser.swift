import GoTemplate
import JSON
import PromQL
import Telemetry
import YAML

extension RuleFile {
    /// Reads a file of rules. Returns it with everything that is wrong with it, so that a person mends all at once; a
    /// file with errors must not be run.
    public static func parse(_ bytes: [UInt8], path: String) -> (file: RuleFile, errors: [RuleFileError]) {
        var reader = RuleFileReader(path: path)
        let documents: [JSON]
        do {
            documents = try YAMLParser.documents(bytes, file: path)
        } catch {
            return (RuleFile(path: path, groups: []), [RuleFileError(file: path, problem: "\(error)")])
        }
        let groups = documents.filter { !$0.isNull }.flatMap { reader.groups(of: $0) }
        return (RuleFile(path: path, groups: groups), reader.errors)
    }
}

/// Walks the document and notes what is wrong with it.
private struct RuleFileReader {
    let path: String
    var errors: [RuleFileError] = []
    private var names: Set<String> = []

    init(path: String) { self.path = path }

    mutating func groups(of document: JSON) -> [RuleGroup] {
        guard document.object != nil else {
            fail("", "expected a map with groups, found \(Self.word(for: document))")
            return []
        }
        check(document, knows: ["groups", "namespace"], place: "")
        guard let list = document["groups"].array ?? (document["groups"].isNull ? [] : nil) else {
            fail("groups", "expected a list, found \(Self.word(for: document["groups"]))")
            return []
        }
        return list.enumerated().compactMap { group($0.element, number: $0.offset + 1) }
    }

    private mutating func group(_ document: JSON, number: Int) -> RuleGroup? {
        guard let name = document["name"].string, !name.isEmpty else {
            fail("group \(number)", "has no name")
            return nil
        }
        let place = "group \"\(name)\""
        check(document, knows: ["name", "interval", "query_offset", "limit", "labels", "rules", "partial_response_strategy"], place: place)
        if !names.insert(name).inserted { fail(place, "is named twice in this file; names of groups must differ") }
        var group = RuleGroup(name: name, file: path, rules: [])
        group.interval = duration(document["interval"], "\(place), interval", mayBeZero: false)
        group.queryOffset = duration(document["query_offset"], "\(place), query_offset", mayBeZero: true)
        if let limit = document["limit"].int, limit >= 0 {
            group.limit = limit
        } else if !document["limit"].isNull {
            fail("\(place), limit", "expected a number from 0 on")
        }
        group.labels = strings(document["labels"], "\(place), labels")
        checkLabelNames(group.labels, "\(place), labels")
        group.rules = (document["rules"].array ?? []).enumerated().compactMap { rule($0.element, number: $0.offset + 1, in: place) }
        return group
    }

    private mutating func rule(_ document: JSON, number: Int, in group: String) -> Rule? {
        let record = document["record"].string ?? ""
        let alert = document["alert"].string ?? ""
        let name = record.isEmpty ? alert : record
        let place = "\(group), rule \(number)" + (name.isEmpty ? "" : " (\(name))")
        check(document, knows: ["record", "alert", "expr", "for", "keep_firing_for", "labels", "annotations"], place: place)
        guard record.isEmpty != alert.isEmpty else {
            fail(place, record.isEmpty ? "one of record and alert must be set" : "only one of record and alert may be set")
            return nil
        }
        guard let query = document["expr"].string ?? document["expr"].double.map(NumberText.string), !query.isEmpty else {
            fail("\(place), expr", "is not set")
            return nil
        }
        let expression: Expression
        do {
            expression = try Parser.parse(query)
        } catch {
            fail("\(place), expr", "\(error)")
            return nil
        }
        let labels = strings(document["labels"], "\(place), labels")
        checkLabelNames(labels, "\(place), labels")
        var kind = Rule.Kind.recording(metric: record)
        if alert.isEmpty {
            checkRecording(document, record, place)
        } else {
            kind = .alerting(self.alert(document, alert, labels, place))
        }
        var rule = Rule(kind: kind, query: query, expression: expression)
        rule.labels = labels
        return rule
    }

    private mutating func checkRecording(_ document: JSON, _ name: String, _ place: String) {
        for field in ["for", "keep_firing_for", "annotations"] where !document[field].isNull {
            fail("\(place), \(field)", "is for alerts only, not for a recording rule")
        }
        if !Labels.isMetricName(name) { fail("\(place), record", "\"\(name)\" is no name of a metric") }
    }

    private mutating func alert(_ document: JSON, _ name: String, _ labels: [String: String], _ place: String) -> AlertRule {
        var alert = AlertRule(name: name)
        alert.hold = duration(document["for"], "\(place), for", mayBeZero: true) ?? .zero
        alert.keepFiring = duration(document["keep_firing_for"], "\(place), keep_firing_for", mayBeZero: true) ?? .zero
        alert.annotations = strings(document["annotations"], "\(place), annotations")
        for (kind, texts) in [("labels", labels), ("annotations", alert.annotations)] {
            for (key, text) in texts.sorted(by: { $0.key < $1.key }) {
                do throws(TemplateError) {
                    let template = try Template(AlertTemplate.prelude + text, name: "\(name).\(key)")
                    if let unknown = template.firstUnknown(functions: AlertTemplate.functionNames) { throw unknown }
                } catch {
                    fail("\(place), \(kind), \(key)", error.problem)
                }
            }
        }
        return alert
    }

    private mutating func check(_ document: JSON, knows fields: Set<String>, place: String) {
        for name in document.members.map(\.key) where !fields.contains(name) {
            let near = fields.first { $0.lowercased().filter(\.isLetter) == name.lowercased().filter(\.isLetter) }
            fail(place, "unknown field \"\(name)\"" + (near.map { "; did you mean \($0)?" } ?? "; expected one of \(fields.sorted().joined(separator: ", "))"))
        }
    }

    private mutating func checkLabelNames(_ labels: [String: String], _ place: String) {
        for name in labels.keys.sorted() where name.isEmpty || name == Labels.metricName {
            fail(place, "\"\(name)\" cannot be set by a rule")
        }
    }

    private mutating func strings(_ document: JSON, _ place: String) -> [String: String] {
        guard !document.isNull else { return [:] }
        guard let members = document.object else {
            fail(place, "expected a map, found \(Self.word(for: document))")
            return [:]
        }
        var strings: [String: String] = [:]
        for (key, value) in members {
            switch value {
            case .string(let text): strings[key] = text
            case .integer(let number): strings[key] = "\(number)"
            case .number(let number): strings[key] = NumberText.string(number)
            case .bool(let flag): strings[key] = "\(flag)"
            default: fail("\(place), \(key)", "expected text, found \(Self.word(for: value))")
            }
        }
        return strings
    }

    private mutating func duration(_ document: JSON, _ place: String, mayBeZero: Bool) -> Duration? {
        guard !document.isNull else { return nil }
        // A bare 0 needs no unit.
        if document.int == 0, mayBeZero { return .zero }
        guard let text = document.string, let milliseconds = NumberText.parseDuration(Array(text.utf8)), milliseconds > 0 || mayBeZero else {
            fail(place, "expected a duration such as 30s or 1h30m")
            return nil
        }
        return .milliseconds(milliseconds)
    }

    private mutating func fail(_ place: String, _ problem: String) { errors.append(RuleFileError(file: path, place: place, problem: problem)) }

    private static func word(for document: JSON) -> String {
        switch document {
        case .null: "nothing"
        case .bool: "a truth value"
        case .integer, .number: "a number"
        case .string: "text"
        case .array: "a list"
        case .object: "a map"
        }
    }
}

extension Labels {
    /// `[a-zA-Z_:][a-zA-Z0-9_:]*`, or any UTF-8 text without control characters.
    static func isMetricName(_ name: String) -> Bool {
        !name.isEmpty && !name.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F } && !name.contains("{")
    }
}
