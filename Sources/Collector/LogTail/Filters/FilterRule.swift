public import Pattern

/// What to leave out of a stream. Rules are asked in their order; the first that refuses a line counts it.
public struct FilterRule: Hashable, Sendable {
    public enum Action: Hashable, Sendable {
        /// Lines that match are left out.
        case drop(Pattern)
        /// Lines that do not match are left out.
        case keep(Pattern)
        /// One line of so many is kept; with an expression, all lines with the same match of it are kept or not, so that a trace
        /// stays whole.
        case sample(oneOf: UInt64, by: Pattern?)
        /// So many lines a second, and so many at once.
        case rate(perSecond: Double, burst: Double)
    }

    public var name: String
    public var action: Action

    public init(name: String, action: Action) {
        self.name = name
        self.action = action
    }
}

/// The state of one stream's rules. Pure: the time is given.
struct FilterChain: Sendable {
    private let rules: [FilterRule]
    private var counters: [UInt64]
    private var buckets: [(tokens: Double, time: Int64)]

    init(_ rules: [FilterRule]) {
        self.rules = rules
        counters = Array(repeating: 0, count: rules.count)
        buckets = rules.map { rule in
            if case .rate(_, let burst) = rule.action { (burst, 0) } else { (0, 0) }
        }
    }

    /// The name of the rule that leaves the line out; nil if it stays.
    mutating func refuses(_ text: [UInt8], now: Int64) -> String? {
        for (index, rule) in rules.enumerated() {
            switch rule.action {
            case .drop(let pattern): if pattern.matches(text) { return rule.name }
            case .keep(let pattern): if !pattern.matches(text) { return rule.name }
            case .sample(let count, let pattern):
                if let pattern, let range = pattern.firstMatch(in: text) {
                    // FNV-1a of the match.
                    let hash = text[range].reduce(UInt64(0xCBF2_9CE4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
                    if (hash ^ hash >> 32) % count != 0 { return rule.name }
                } else if pattern == nil {
                    defer { counters[index] &+= 1 }
                    if counters[index] % count != 0 { return rule.name }
                }
            case .rate(let perSecond, let burst):
                let passed = buckets[index].time == 0 ? 0 : Double(max(0, now - buckets[index].time)) / 1e9
                let tokens = min(burst, buckets[index].tokens + passed * perSecond)
                buckets[index] = (tokens < 1 ? tokens : tokens - 1, now)
                if tokens < 1 { return rule.name }
            }
        }
        return nil
    }
}

/// Lines that were left out, until a record in their place tells of them.
struct LossLedger: Hashable, Sendable {
    struct Entry: Hashable, Sendable {
        var lines = 0
        var bytes = 0
        var firstTime: Int64
        var lastTime: Int64
        var startFile: Int
        var start: Int64
        var endFile: Int
        var end: Int64
        /// When it was opened, by the clock.
        var opened: Int64
    }

    /// By rule.
    private(set) var entries: [String: Entry] = [:]

    mutating func note(_ rule: String, _ line: AssembledLine, now: Int64) {
        var entry =
            entries[rule]
            ?? Entry(
                firstTime: line.time, lastTime: line.time, startFile: line.startFile, start: line.start, endFile: line.file, end: line.end, opened: now)
        entry.lines += 1
        entry.bytes += line.text.count
        entry.firstTime = min(entry.firstTime, line.time)
        entry.lastTime = max(entry.lastTime, line.time)
        (entry.endFile, entry.end) = (line.file, line.end)
        entries[rule] = entry
    }

    /// Takes out what is old enough to be told.
    mutating func due(now: Int64, window: Int64, force: Bool) -> [(rule: String, entry: Entry)] {
        guard !entries.isEmpty else { return [] }
        let due = entries.filter { force || now - $0.value.opened >= window }.sorted { $0.key < $1.key }
        for (rule, _) in due { entries[rule] = nil }
        return due.map { ($0.key, $0.value) }
    }
}
