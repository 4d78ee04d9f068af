/// Adds up counts by stream, minute and severity: in a table if its span of minutes is small, else by key.
struct MinuteSums: Sendable {
    private var places: [Int: Int] = [:]
    private let numbers: [Int]
    private let firstMinute: Int64
    private let minuteCount: Int
    private var table: [MinuteCounts.Count]
    private var others: [MinuteCounts.Key: MinuteCounts.Count] = [:]
    private var last: (stream: Int, place: Int)?
    private(set) var fieldNames: Set<String> = []

    private static let severityCount = 7
    /// Of 32 bytes each.
    private static let maximumCells = 1 << 19

    /// - Parameters:
    ///   - streams: the streams that are mostly met.
    ///   - minutes: the minutes that are mostly met, since 1970.
    init(streams: Set<Int>, minutes: ClosedRange<Int64>) {
        let (span, overflow) = minutes.upperBound.subtractingReportingOverflow(minutes.lowerBound)
        let fits = !overflow && span < Int64(Self.maximumCells) && (Int(span) + 1) * streams.count * Self.severityCount <= Self.maximumCells
        numbers = fits ? streams.sorted() : []
        firstMinute = minutes.lowerBound
        minuteCount = fits ? Int(span) + 1 : 0
        table = Array(repeating: MinuteCounts.Count(), count: numbers.count * minuteCount * Self.severityCount)
        for (place, number) in numbers.enumerated() { places[number] = place }
    }

    mutating func add(_ key: MinuteCounts.Key, _ count: MinuteCounts.Count) {
        guard count.lines > 0 else { return }
        if last?.stream != key.stream { last = places[key.stream].map { (key.stream, $0) } }
        let minute = key.minute &- firstMinute
        guard let last, minute >= 0, minute < Int64(minuteCount) else {
            others[key, default: MinuteCounts.Count()] += count
            return
        }
        table[(last.place * minuteCount + Int(minute)) * Self.severityCount + Int(key.severity)] += count
    }

    mutating func add(fieldNames names: some Sequence<String>) { fieldNames.formUnion(names) }

    mutating func merge(_ other: MinuteSums) {
        for entry in other.entries { add(entry.key, entry.count) }
        fieldNames.formUnion(other.fieldNames)
    }

    /// In order of stream, minute and severity.
    var entries: [MinuteCounts.Entry] {
        var entries: [MinuteCounts.Entry] = []
        for place in numbers.indices {
            for minute in 0..<minuteCount {
                for severity in 0..<Self.severityCount {
                    let count = table[(place * minuteCount + minute) * Self.severityCount + severity]
                    guard count.lines > 0 else { continue }
                    let key = MinuteCounts.Key(stream: numbers[place], minute: firstMinute + Int64(minute), severity: UInt8(severity))
                    entries.append(MinuteCounts.Entry(key: key, count: count))
                }
            }
        }
        guard !others.isEmpty else { return entries }
        entries += others.map { MinuteCounts.Entry(key: $0.key, count: $0.value) }
        return entries.sorted { MinuteCounts.Key.precedes($0.key, $1.key) }
    }
}
