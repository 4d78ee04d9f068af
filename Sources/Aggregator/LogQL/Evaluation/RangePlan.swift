import Telemetry

/// A range aggregation made ready: the pipeline, what is taken of each line, and how series are told apart.
struct RangePlan: Sendable {
    /// How the windows are filled.
    enum Filling: Sendable { case counts, cells, samples }
    enum Grouping: Sendable {
        /// All labels but these.
        case without(Set<String>)
        case by([String])
        /// Lines only matter by being there.
        case single
    }

    let operation: RangeAggregation.Operation
    let pipeline: PipelinePlan
    let unwrap: Unwrap?
    let unwrapFilters: [CompiledLabelFilter]
    let grouping: Grouping
    let filling: Filling
    let windows: Windows
    let countsBytes: Bool
    let parameter: Double

    /// - Parameter outer: the grouping of an aggregation around it that may be done at once, since it joins values as the
    ///   windows do (a sum of counts).
    init(_ range: RangeAggregation, _ windows: Windows, outer: LabelGrouping?) throws(LogQLError) {
        operation = range.operation
        unwrap = range.unwrap
        self.windows = windows
        parameter = range.parameter ?? 0
        var filters: [CompiledLabelFilter] = []
        for filter in range.unwrap?.filters ?? [] { filters.append(try CompiledLabelFilter(filter)) }
        unwrapFilters = filters
        let unwrapped = range.unwrap.map { [$0.label] } ?? []
        var need: LabelNeed
        switch (range.operation, outer ?? range.grouping) {
        case (.absentOverTime, _): (grouping, need) = (.single, .only([]))
        case (_, let group?) where !group.isWithout: (grouping, need) = (.by(group.labels.uniqued), .only(Set(group.labels)))
        case (_, let group?): (grouping, need) = (.without(Set(group.labels + unwrapped)), .all)
        case (_, nil): (grouping, need) = (.without(Set(unwrapped)), .all)
        }
        need.add(unwrapped + filters.flatMap(\.names))
        pipeline = try PipelinePlan(range.pipeline, need: need)
        countsBytes = range.operation == .bytesOverTime || range.operation == .bytesRate
        switch range.operation {
        case .countOverTime, .bytesOverTime, .bytesRate, .absentOverTime: filling = .counts
        case .rate where range.unwrap == nil: filling = .counts
        case .quantileOverTime, .rateCounter: filling = .samples
        // Odd steps make too many buckets; then the values are kept one by one.
        default: filling = windows.bucketCount > max(20_000, 4 * windows.count) ? .samples : .cells
        }
    }

    /// Whether lines of a stream with a severity and without fields are always of one series.
    var isStatic: Bool { pipeline.keepsLabels && unwrap == nil }

    /// The series' labels of a row.
    func labels(_ set: LabelSet) -> Labels {
        switch grouping {
        case .single: Labels()
        case .by(let names): Labels(names.map { ($0, set[$0]) })
        case .without(let names): names.isEmpty ? set.labels : set.labels.filter { !names.contains($0.name) }
        }
    }

    /// What is taken of a row; nil for none.
    func value(_ row: inout LogRow) throws(LogQLError) -> Double? {
        var value = 1.0
        if let unwrap {
            guard row.labels.contains(unwrap.label) else { return nil }
            let text = row.labels[unwrap.label]
            let number: Double? =
                switch unwrap.conversion {
                case nil: Quantities.number(text)
                case .bytes: Quantities.bytes(text.utf8, isValue: true)
                case .duration, .durationSeconds: Quantities.duration(text.utf8, goOnly: true).map { $0 / 1e9 }
                }
            if let number { value = number } else { row.labels.fail("SampleExtractionErr", "\"\(text)\" of the label \(unwrap.label) is no value") }
            for filter in unwrapFilters { guard filter.accepts(&row.labels) else { return nil } }
        }
        guard row.labels.error.isEmpty else {
            throw LogQLError(
                .pipeline,
                "pipeline error: '\(row.labels.error)' for series: '\(row.labels.labels)': \(row.labels.errorDetails). Use a label filter to intentionally skip this error, as in: | __error__!=\"\(row.labels.error)\", or skip all errors: | __error__=\"\""
            )
        }
        return value
    }
}

extension [String] {
    var uniqued: [String] { reduce(into: []) { if !$0.contains($1) { $0.append($1) } } }
}
