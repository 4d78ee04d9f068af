import Telemetry

/// A stage that looks at the lines of an answer one after another: `dedup` or `limit`.
struct AnswerFilter {
    enum Verdict { case take, skip, takeAndEnd }

    private enum Kind {
        case limit(Int)
        case dedup(labels: [String], isConsecutive: Bool)
    }
    private let kind: Kind
    private var count = 0
    private var seen: Set<[UInt8]> = []
    private var last: [UInt8]?

    init?(_ stage: LogStage) {
        switch stage {
        case .limit(let count): kind = .limit(count)
        case .dedup(let labels, let isConsecutive): kind = .dedup(labels: labels, isConsecutive: isConsecutive)
        default: return nil
        }
    }

    /// At most `maximum` different lines are remembered.
    mutating func judge(_ entry: LogEntry, maximum: Int) throws(LogQLError) -> Verdict {
        switch kind {
        case .limit(let limit):
            count += 1
            return count >= limit ? .takeAndEnd : .take
        case .dedup(let labels, let isConsecutive):
            var key: [UInt8] = []
            if labels.isEmpty { key = entry.line }
            // No text of UTF-8 holds this byte.
            for label in labels { key += Array(entry.labels[label].utf8) + [0xFF] }
            if isConsecutive {
                defer { last = key }
                return key == last ? .skip : .take
            }
            guard seen.count < maximum else {
                throw LogQLError(.limit, "dedup would remember more than \(maximum) lines; narrow the query, or use \"dedup consecutive\"")
            }
            return seen.insert(key).inserted ? .take : .skip
        }
    }
}
