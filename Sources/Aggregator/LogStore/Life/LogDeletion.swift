import LogQL
import Pattern
public import Telemetry

/// Which lines are to be deleted: those in a range, of some streams, whose text passes all filters.
public struct LogDeletion: Sendable, Hashable {
    public struct Filter: Sendable, Hashable {
        public enum Kind: UInt8, Sendable, Hashable {
            case contains, notContains, matches, notMatches
        }
        public var kind: Kind
        public var text: String
        /// ASCII letters match either case.
        public var ignoringCase: Bool

        public init(_ kind: Kind, _ text: String, ignoringCase: Bool = false) {
            self.kind = kind
            self.text = text
            self.ignoringCase = ignoringCase
        }
    }

    /// All must hold on the stream's labels.
    public var matchers: [Matcher]
    /// All must hold on the line.
    public var filters: [Filter]
    /// Nanoseconds since 1970, half-open.
    public var range: Range<Int64>

    public init(_ matchers: [Matcher], filters: [Filter] = [], in range: Range<Int64>) {
        self.matchers = matchers
        self.filters = filters
        self.range = range
    }

    /// The filters as a query has them; throws if an expression is none.
    func lineFilters() throws(PatternError) -> [LineFilter] {
        var found: [LineFilter] = []
        for filter in filters {
            let isNegated = filter.kind == .notContains || filter.kind == .notMatches
            switch filter.kind {
            case .contains, .notContains:
                found.append(LineFilter([.contains(Array(filter.text.utf8), ignoringCase: filter.ignoringCase)], isNegated: isNegated))
            case .matches, .notMatches:
                found.append(LineFilter([.matches(try Pattern(filter.text, ignoringCase: filter.ignoringCase))], isNegated: isNegated))
            }
        }
        return found
    }

    /// Start, end; matchers: count, then operation (one character), name, value; filters: count, then kind, case, text. Texts with
    /// their lengths before them.
    var encoded: [UInt8] {
        var writer = ByteWriter()
        func put(_ text: String) {
            let bytes = Array(text.utf8)
            writer.count(bytes.count)
            writer.append(bytes)
        }
        writer.signed(range.lowerBound)
        writer.signed(range.upperBound)
        writer.count(matchers.count)
        for matcher in matchers {
            put(matcher.operation.rawValue)
            put(matcher.name)
            put(matcher.value)
        }
        writer.count(filters.count)
        for filter in filters {
            writer.byte(filter.kind.rawValue)
            writer.byte(filter.ignoringCase ? 1 : 0)
            put(filter.text)
        }
        return writer.bytes
    }

    init(encoded bytes: [UInt8]) throws(CodingError) {
        var reader = ByteReader(bytes)
        func text(_ reader: inout ByteReader) throws(CodingError) -> String {
            String(decoding: try reader.take(try reader.count(upTo: 1 << 20)), as: UTF8.self)
        }
        let start = try reader.signed()
        let end = try reader.signed()
        guard start <= end else { throw CodingError("a deletion's range ends before it begins") }
        range = start..<end
        matchers = []
        filters = []
        for _ in 0..<(try reader.count(upTo: 10_000)) {
            guard let operation = Matcher.Operation(rawValue: try text(&reader)) else { throw CodingError("a deletion's matcher is unknown") }
            let (name, value) = (try text(&reader), try text(&reader))
            guard let matcher = try? Matcher(name, operation, value) else { throw CodingError("a deletion's matcher is no expression") }
            matchers.append(matcher)
        }
        for _ in 0..<(try reader.count(upTo: 10_000)) {
            guard let kind = Filter.Kind(rawValue: try reader.byte()) else { throw CodingError("a deletion's filter is unknown") }
            let ignoringCase = try reader.byte() == 1
            filters.append(Filter(kind, try text(&reader), ignoringCase: ignoringCase))
        }
    }
}

/// A deletion that was asked for, and how far it is.
public struct LogDeletionStatus: Sendable, Hashable {
    public var id: Int64
    public var deletion: LogDeletion
    /// Nanoseconds since 1970.
    public var created: Int64
    /// Whether the lines have left the chunks; until then queries pass over them, and it can be cancelled.
    public var isDone: Bool
    /// Lines that were taken out so far.
    public var lines: Int64
}
