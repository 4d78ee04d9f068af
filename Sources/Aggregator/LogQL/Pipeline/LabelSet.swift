import Telemetry

/// The labels of one line on its way through a pipeline: those of its stream and what is known beside it stay as they
/// are; what stages set or take away lies over them.
struct LabelSet {
    struct Change {
        var name: String
        /// Nil: taken away.
        var value: String?
    }

    private(set) var stream = Labels()
    /// Structured metadata, with the names that the stream has too moved to `…_extracted`.
    private(set) var metadata = Labels()
    /// The severity that the store knows, as the label `detected_level`; empty if it knows none. It is this label's only
    /// source beside the stages, so that a store can answer for it from counts.
    private(set) var detectedLevel = ""
    private(set) var changes: [Change] = []
    private(set) var error = ""
    private(set) var errorDetails = ""

    static let errorName = "__error__"
    static let errorDetailsName = "__error_details__"
    static let detectedLevelName = "detected_level"

    mutating func reset(stream: Labels, metadata: Labels, severity: LogRecord.Severity) {
        self.stream = stream
        changes.removeAll(keepingCapacity: true)
        error = ""
        errorDetails = ""
        detectedLevel = severity.levelName
        self.metadata = metadata
        guard !metadata.isEmpty, metadata.list.contains(where: { !stream[$0.name].isEmpty }) else { return }
        for label in metadata.list where !stream[label.name].isEmpty {
            self.metadata[label.name] = ""
            self.metadata[label.name + "_extracted"] = label.value
        }
    }

    /// Keeps the first error of a line.
    mutating func fail(_ name: String, _ details: String) {
        guard error.isEmpty else { return }
        error = name
        errorDetails = details
    }

    /// The value of a label; empty if it is absent.
    subscript(name: String) -> String {
        for change in changes where change.name == name { return change.value ?? "" }
        if name == LabelSet.errorName { return error }
        if name == LabelSet.errorDetailsName { return errorDetails }
        return base(name)
    }

    private func base(_ name: String) -> String {
        if name == LabelSet.detectedLevelName { return detectedLevel }
        let value = stream[name]
        if !value.isEmpty { return value }
        return metadata.isEmpty ? "" : metadata[name]
    }

    /// Whether the label is there, be it with an empty value that a parser kept.
    func contains(_ name: String) -> Bool {
        for change in changes where change.name == name { return change.value != nil }
        return !self[name].isEmpty
    }

    /// Whether the stream or the metadata has it, and no stage took it away.
    private func baseHas(_ name: String) -> Bool {
        guard !base(name).isEmpty else { return false }
        for change in changes where change.name == name { return change.value != nil }
        return true
    }

    mutating func set(_ name: String, _ value: String?) {
        if name == LabelSet.errorName {
            error = value ?? ""
            return
        }
        if name == LabelSet.errorDetailsName {
            errorDetails = value ?? ""
            return
        }
        for index in changes.indices where changes[index].name == name {
            changes[index].value = value
            return
        }
        // Nothing to take away.
        if value == nil, base(name).isEmpty { return }
        changes.append(Change(name: name, value: value))
    }

    /// A value that a parser took from the line. A name that the stream or the metadata has gets `_extracted` behind it.
    mutating func extract(_ name: String, _ value: String, need: LabelNeed, overrides: Bool) {
        let final = baseHas(name) ? name + "_extracted" : name
        guard need.contains(final) else { return }
        if !overrides { for change in changes where change.name == final && change.value != nil { return } }
        set(final, value)
    }

    /// All of them, empty values left out.
    var labels: Labels {
        var pairs = basePairs(all: true)
        for change in changes { if let value = change.value { pairs.append((change.name, value)) } }
        if !error.isEmpty { pairs.append((LabelSet.errorName, error)) }
        if !errorDetails.isEmpty { pairs.append((LabelSet.errorDetailsName, errorDetails)) }
        return Labels(pairs)
    }

    private func basePairs(all: Bool) -> [(String, String)] {
        var pairs: [(String, String)] = []
        func add(_ name: String, _ value: String) {
            guard !changes.contains(where: { $0.name == name }) else { return }
            pairs.append((name, value))
        }
        for label in stream.list where label.name != LabelSet.detectedLevelName { add(label.name, label.value) }
        guard all else { return pairs }
        for label in metadata.list where label.name != LabelSet.detectedLevelName { add(label.name, label.value) }
        if !detectedLevel.isEmpty { add(LabelSet.detectedLevelName, detectedLevel) }
        return pairs
    }

    /// The labels by where they come from, as clients ask for with `categorize-labels`.
    var categories: LogLabelCategories {
        let streamPairs = basePairs(all: false)
        let names = Set(streamPairs.map(\.0))
        var parsed = changes.compactMap { change in change.value.map { (change.name, $0) } }
        if !error.isEmpty { parsed.append((LabelSet.errorName, error)) }
        if !errorDetails.isEmpty { parsed.append((LabelSet.errorDetailsName, errorDetails)) }
        return LogLabelCategories(
            stream: Labels(streamPairs), metadata: Labels(basePairs(all: true).filter { !names.contains($0.0) }), parsed: Labels(parsed))
    }

    /// What `keep` and templates go through: every label with its value.
    var pairs: [(name: String, value: String)] {
        basePairs(all: true).map { ($0.0, $0.1) } + changes.compactMap { change in change.value.map { (change.name, $0) } }
    }
}

/// A line's labels by where they come from.
public struct LogLabelCategories: Sendable, Hashable {
    public var stream: Labels
    public var metadata: Labels
    public var parsed: Labels

    public init(stream: Labels, metadata: Labels = Labels(), parsed: Labels = Labels()) {
        self.stream = stream
        self.metadata = metadata
        self.parsed = parsed
    }
}

extension LogRecord.Severity {
    /// As the label `detected_level` has it; empty for `unknown`.
    public var levelName: String {
        switch self {
        case .unknown: ""
        case .trace: "trace"
        case .debug: "debug"
        case .info: "info"
        case .warning: "warn"
        case .error: "error"
        case .fatal: "fatal"
        }
    }
}

/// Which labels later stages and the result look at; parsers leave the others in the line.
enum LabelNeed: Sendable {
    case all
    case only(Set<String>)

    func contains(_ name: String) -> Bool {
        switch self {
        case .all: true
        case .only(let names): names.contains(name)
        }
    }

    /// The names under which parsers may find what is needed; nil for all.
    var fieldNames: [String]? {
        guard case .only(let names) = self else { return nil }
        let suffix = "_extracted"
        return Array(names.union(names.filter { $0.hasSuffix(suffix) }.map { String($0.dropLast(suffix.count)) })).sorted()
    }

    mutating func add(_ names: [String]?) {
        guard case .only(let known) = self, let names else {
            self = .all
            return
        }
        self = .only(known.union(names))
    }
}
