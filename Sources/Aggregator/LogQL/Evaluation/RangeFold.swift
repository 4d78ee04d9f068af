import Telemetry

/// What one thread knows of a range aggregation: the series it met, and their windows.
struct RangeFold {
    let plan: RangePlan
    private var runner: BatchRunner
    private let maximumSeries: Int
    private let maximumPoints: Int
    private let bucketCount: Int
    private let bucketWidth: Int64
    private(set) var labels: [Labels] = []
    private var index: [Labels: Int] = [:]
    private var indexByValue: [String: Int] = [:]
    private var indexByValues: [[String]: Int] = [:]
    /// For each series one more than steps: what changes at each step, of lines and of bytes.
    private var lineChanges: [Int64] = []
    private var byteChanges: [Int64] = []
    private var cells: [WindowCell] = []
    private var samples: [[WindowSample]] = []
    private var sampleCount = 0

    init(_ plan: RangePlan, _ options: LogEngine.Options) {
        self.plan = plan
        runner = BatchRunner(plan.pipeline, now: options.now)
        maximumSeries = options.maximumInnerSeries
        maximumPoints = options.maximumPoints
        bucketCount = plan.filling == .cells ? plan.windows.bucketCount : 0
        bucketWidth = plan.windows.bucketWidth
    }

    // MARK: Rows

    mutating func add(_ rows: LogRows) throws {
        // Lines without stages: the series is known by stream and severity.
        let isStatic = plan.isStatic && rows.fields.isEmpty
        if isStatic, plan.pipeline.stages.isEmpty, !plan.countsBytes { return try addPlain(rows) }
        var known: [Int] = isStatic ? Array(repeating: -1, count: rows.streams.count * LogRecord.Severity.allCases.count) : []
        // The runner is taken out, so that it and the rest of this value are changed apart.
        var runner = self.runner
        defer { self.runner = runner }
        try runner.run(rows, needsText: plan.countsBytes) { row, number in
            guard let value = try plan.value(&row) else { return true }
            let series: Int
            if isStatic {
                let slot = Int(rows.stream[number]) * LogRecord.Severity.allCases.count + Int(rows.severities[number].rawValue)
                if known[slot] < 0 { known[slot] = try self.series(row.labels) }
                series = known[slot]
            } else {
                series = try self.series(row.labels)
            }
            try add(value, bytes: row.byteCount, at: LogCursor(time: row.time, sequence: row.sequence), series)
            return true
        }
    }

    private mutating func addPlain(_ rows: LogRows) throws {
        let severityCount = LogRecord.Severity.allCases.count
        var known = Array(repeating: -1, count: rows.streams.count * severityCount)
        var set = LabelSet()
        for number in 0..<rows.count {
            let slot = Int(rows.stream[number]) * severityCount + Int(rows.severities[number].rawValue)
            if known[slot] < 0 {
                set.reset(stream: rows.streams[Int(rows.stream[number])], metadata: Labels(), severity: rows.severities[number])
                known[slot] = try series(set)
            }
            try add(1, bytes: 0, at: LogCursor(time: rows.times[number], sequence: rows.sequences[number]), known[slot])
        }
    }

    /// Lines counted beforehand, all of one minute. Those at its very start belong to the window that ends there.
    mutating func add(_ entry: LogCounts.Entry, stream: Labels) throws(LogQLError) {
        var set = LabelSet()
        set.reset(stream: stream, metadata: Labels(), severity: entry.severity)
        let series = try series(set)
        let start = entry.minute * 60_000_000_000
        addCounts(entry.lines - entry.linesAtStart, entry.bytes - entry.bytesAtStart, at: start + 1, series)
        if entry.linesAtStart > 0 { addCounts(entry.linesAtStart, entry.bytesAtStart, at: start, series) }
    }

    private mutating func series(_ set: LabelSet) throws(LogQLError) -> Int {
        if case .by(let names) = plan.grouping {
            // Without making the labels: by their values.
            if names.count == 1 {
                let value = set[names[0]]
                if let known = indexByValue[value] { return known }
                let series = try open(plan.labels(set))
                indexByValue[value] = series
                return series
            }
            let values = names.map { set[$0] }
            if let known = indexByValues[values] { return known }
            let series = try open(plan.labels(set))
            indexByValues[values] = series
            return series
        }
        return try open(plan.labels(set))
    }

    private mutating func open(_ labels: Labels) throws(LogQLError) -> Int {
        if let known = index[labels] { return known }
        let width = max(1, plan.filling == .cells ? bucketCount : plan.windows.count + 1)
        guard self.labels.count < maximumSeries, (self.labels.count + 1) * width <= maximumPoints else {
            throw LogQLError(
                .limit,
                "the query has more than \(self.labels.count) series on the way to its result; group by fewer labels (sum by (…)) or narrow the selector")
        }
        index[labels] = self.labels.count
        self.labels.append(labels)
        switch plan.filling {
        case .counts:
            lineChanges += Array(repeating: 0, count: plan.windows.count + 1)
            if plan.countsBytes { byteChanges += Array(repeating: 0, count: plan.windows.count + 1) }
        case .cells: cells += Array(repeating: WindowCell(), count: bucketCount)
        case .samples: samples.append([])
        }
        return self.labels.count - 1
    }

    private mutating func add(_ value: Double, bytes: Int, at place: LogCursor, _ series: Int) throws(LogQLError) {
        switch plan.filling {
        case .counts: addCounts(1, Int64(bytes), at: place.time, series)
        case .cells:
            let bucket = plan.windows.bucket(of: place.time, width: bucketWidth)
            if (0..<bucketCount).contains(bucket) { cells[series * bucketCount + bucket].add(value, at: place) }
        case .samples:
            sampleCount += 1
            guard sampleCount <= maximumPoints else { throw LogQLError(.limit, "the query holds more than \(maximumPoints) values; ask for a shorter range") }
            samples[series].append(WindowSample(place: place, value: value))
        }
    }

    private mutating func addCounts(_ lines: Int64, _ bytes: Int64, at time: Int64, _ series: Int) {
        guard let steps = plan.windows.steps(of: time) else { return }
        let base = series * (plan.windows.count + 1)
        lineChanges[base + steps.lowerBound] += lines
        lineChanges[base + steps.upperBound + 1] -= lines
        if plan.countsBytes {
            byteChanges[base + steps.lowerBound] += bytes
            byteChanges[base + steps.upperBound + 1] -= bytes
        }
    }

    // MARK: Joining

    mutating func merge(_ other: RangeFold) throws(LogQLError) {
        let width = plan.windows.count + 1
        for (number, labels) in other.labels.enumerated() {
            let series = try open(labels)
            switch plan.filling {
            case .counts:
                for step in 0..<width { lineChanges[series * width + step] += other.lineChanges[number * width + step] }
                if plan.countsBytes { for step in 0..<width { byteChanges[series * width + step] += other.byteChanges[number * width + step] } }
            case .cells: for bucket in 0..<bucketCount { cells[series * bucketCount + bucket].merge(other.cells[number * bucketCount + bucket]) }
            case .samples:
                sampleCount += other.samples[number].count
                guard sampleCount <= maximumPoints else {
                    throw LogQLError(.limit, "the query holds more than \(maximumPoints) values; ask for a shorter range")
                }
                samples[series] += other.samples[number]
            }
        }
    }

    // MARK: Results

    /// The values of a series at each step; absent where its window is empty.
    func column(_ series: Int) -> [Double] {
        let windows = plan.windows
        let seconds = Double(windows.range) / 1e9
        var column = Array(repeating: Double.absent, count: windows.count)
        switch plan.filling {
        case .counts:
            let base = series * (windows.count + 1)
            var lines: Int64 = 0, bytes: Int64 = 0
            for step in 0..<windows.count {
                lines += lineChanges[base + step]
                if plan.countsBytes { bytes += byteChanges[base + step] }
                guard lines > 0 else { continue }
                switch plan.operation {
                case .rate: column[step] = Double(lines) / seconds
                case .bytesOverTime: column[step] = Double(bytes)
                case .bytesRate: column[step] = Double(bytes) / seconds
                default: column[step] = Double(lines)
                }
            }
        case .cells:
            let perWindow = Int(windows.range / bucketWidth), perStep = Int(windows.step / bucketWidth)
            for step in 0..<windows.count {
                var cell = WindowCell()
                let first = series * bucketCount + (windows.count > 1 ? step * perStep : 0)
                for bucket in first..<(first + perWindow) { cell.merge(cells[bucket]) }
                if cell.count > 0 { column[step] = cell.value(plan.operation, seconds: seconds) }
            }
        case .samples:
            let sorted = samples[series].sorted { $0.place < $1.place }
            var lower = 0, upper = 0
            for step in 0..<windows.count {
                let end = windows.start + Int64(step) * windows.step - windows.offset
                while upper < sorted.count, sorted[upper].place.time <= end { upper += 1 }
                while lower < upper, sorted[lower].place.time <= end - windows.range { lower += 1 }
                guard lower < upper else { continue }
                column[step] = value(sorted[lower..<upper], end: end, seconds: seconds)
            }
        }
        return column
    }

    private func value(_ window: ArraySlice<WindowSample>, end: Int64, seconds: Double) -> Double {
        switch plan.operation {
        case .quantileOverTime: return SampleMath.quantile(plan.parameter, window.map(\.value))
        case .rateCounter: return SampleMath.counterRate(window, end: end, range: plan.windows.range)
        default:
            var cell = WindowCell()
            for sample in window { cell.add(sample.value, at: sample.place) }
            return cell.value(plan.operation, seconds: seconds)
        }
    }
}
