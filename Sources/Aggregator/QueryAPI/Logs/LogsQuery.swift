import LogQL
import LogStore
import Telemetry

/// What a request asks for: what the source can tell, and the steps of a pipeline that are left.
struct LogsQuery: Sendable {
    var selection: LogSelection
    /// Changes a line or leaves it out; nil where the source answers all.
    var pipeline: (@Sendable (LogLine) throws -> LogLine?)?
    /// The query in LogQL, for `explain`.
    var text = ""

    /// Whether the line is one of those that are asked for; its time is not looked at.
    func accepts(_ line: LogLine) throws -> Bool {
        guard line.severity >= selection.minimumSeverity, selection.matchers.allSatisfy({ $0.accepts(line.stream) }),
            selection.filters.allSatisfy({ $0.accepts(line.body) })
        else { return false }
        return try pipeline.map { try $0(line) != nil } ?? true
    }
}

extension LineFilter {
    /// Whether a line passes. A source has faster ways for many lines.
    func accepts(_ line: [UInt8]) -> Bool {
        alternatives.contains { alternative in
            switch alternative {
            case .contains(let needle, let ignoringCase):
                needle.isEmpty || (ignoringCase ? Self.lowered(line).firstRange(of: Self.lowered(needle)) : line.firstRange(of: needle)) != nil
            case .matches(let pattern): pattern.matches(line)
            case .pieces(let pieces, let isOpenAtStart, let isOpenAtEnd): Self.fits(line, pieces, isOpenAtStart, isOpenAtEnd)
            case .test(let test): test(line.span)
            }
        } != isNegated
    }

    private static func lowered(_ text: [UInt8]) -> [UInt8] { text.map { ElasticWords.lowered($0) } }

    /// Leftmost pieces one after another; the last at the very end unless anything may follow.
    private static func fits(_ line: [UInt8], _ pieces: [[UInt8]], _ isOpenAtStart: Bool, _ isOpenAtEnd: Bool) -> Bool {
        var rest = line[...]
        for (index, piece) in pieces.enumerated() {
            if index == 0, !isOpenAtStart {
                guard rest.starts(with: piece) else { return false }
                rest = rest.dropFirst(piece.count)
                if pieces.count == 1, !isOpenAtEnd { return rest.isEmpty }
            } else if index == pieces.count - 1, !isOpenAtEnd {
                return rest.count >= piece.count && rest.suffix(piece.count).elementsEqual(piece)
            } else {
                guard !piece.isEmpty else { continue }
                guard let found = rest.firstRange(of: piece) else { return false }
                rest = rest[found.upperBound...]
            }
        }
        return isOpenAtEnd || rest.isEmpty || pieces.isEmpty
    }
}
