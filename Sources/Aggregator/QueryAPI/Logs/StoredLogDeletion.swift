import JSON
import LogQL
public import LogStore
import Pattern
import Telemetry

/// The embedded store's deletion.
public struct StoredLogDeletion: LogDeleting {
    private let archive: LogArchive

    public init(_ archive: LogArchive) { self.archive = archive }

    public func delete(_ selection: LogSelection) async throws -> String {
        let deletion = try Self.deletion(selection)
        do {
            return "\(try await archive.delete(deletion))"
        } catch let error as LogStoreError {
            switch error {
            case .overloaded(let reason): throw LogDeletionError("\(reason); ask again when some are done, or cancel one", status: 429)
            case .invalidBatch(let reason): throw LogDeletionError(reason)
            default: throw error
            }
        }
    }

    public func preview(_ selection: LogSelection) async throws -> Int { try await archive.preview(try Self.deletion(selection)) }

    public func deletions() async throws -> [LogDeletionRequest] {
        try await archive.deletions().map { (status: LogDeletionStatus) in
            LogDeletionRequest(
                id: "\(status.id)", query: Self.text(status.deletion), range: status.deletion.range, created: status.created, isDone: status.isDone,
                lines: status.lines)
        }
    }

    public func cancelDeletion(_ id: String) async throws -> Bool {
        guard let number = Int64(id) else { return false }
        return try await archive.cancelDeletion(number)
    }

    // MARK: A selection as the store writes it down

    static func deletion(_ selection: LogSelection) throws(LogDeletionError) -> LogDeletion {
        guard selection.minimumSeverity == .unknown else { throw LogDeletionError("a deletion cannot choose by severity") }
        guard !selection.range.isEmpty else { throw LogDeletionError("the time is empty: its end does not lie after its start") }
        var filters: [LogDeletion.Filter] = []
        for filter in selection.filters {
            if filter.isNegated {
                // None may hold: each is a condition of its own.
                for alternative in filter.alternatives { filters.append(try Self.filter(alternative, isNegated: true)) }
            } else if filter.alternatives.count == 1 {
                filters.append(try Self.filter(filter.alternatives[0], isNegated: false))
            } else {
                var expressions: [String] = []
                for alternative in filter.alternatives { expressions.append(try expression(alternative)) }
                filters.append(LogDeletion.Filter(.matches, expressions.joined(separator: "|")))
            }
        }
        return LogDeletion(selection.matchers, filters: filters, in: selection.range)
    }

    private static func filter(_ alternative: LineFilter.Alternative, isNegated: Bool) throws(LogDeletionError) -> LogDeletion.Filter {
        if case .contains(let bytes, let ignoringCase) = alternative {
            return LogDeletion.Filter(isNegated ? .notContains : .contains, try text(bytes), ignoringCase: ignoringCase)
        }
        return LogDeletion.Filter(isNegated ? .notMatches : .matches, try expression(alternative))
    }

    private static func expression(_ alternative: LineFilter.Alternative) throws(LogDeletionError) -> String {
        switch alternative {
        case .contains(let bytes, let ignoringCase): return "(?\(ignoringCase ? "i" : ""):\(ElasticPlan.quoted(try text(bytes))))"
        case .matches(let pattern) where !pattern.isAnchored: return "(?\(pattern.ignoresCase ? "i" : ""):\(pattern.expression))"
        case .matches, .pieces, .test: throw LogDeletionError("a deletion knows the line filters |=, !=, |~ and !~ only")
        }
    }

    private static func text(_ bytes: [UInt8]) throws(LogDeletionError) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else { throw LogDeletionError("the text of a line filter is not UTF-8") }
        return text
    }

    /// The deletion in LogQL, which is how it is listed. JSON's quoting is Go's too.
    static func text(_ deletion: LogDeletion) -> String {
        let matchers = deletion.matchers.map { "\($0.name)\($0.operation.rawValue)\(JSON($0.value).description)" }.joined(separator: ", ")
        let filters = deletion.filters.map { filter in
            let isNegated = filter.kind == .notContains || filter.kind == .notMatches
            if filter.kind == .contains || filter.kind == .notContains {
                return " \(isNegated ? "!=" : "|=")\(filter.ignoringCase ? "i" : "") \(JSON(filter.text).description)"
            }
            return " \(isNegated ? "!~" : "|~") \(JSON((filter.ignoringCase ? "(?i)" : "") + filter.text).description)"
        }
        return "{\(matchers)}" + filters.joined()
    }
}
