import Telemetry

/// Runs a pipeline over batches of rows. Each thread has its own.
struct BatchRunner {
    private let plan: PipelinePlan
    private var stages: StageRunner
    private let fieldNames: [String]?

    init(_ plan: PipelinePlan, now: Int64) {
        self.plan = plan
        stages = StageRunner(plan.stages, need: plan.need, now: now)
        fieldNames = plan.need.fieldNames
    }

    /// Gives each row that goes through, with its number in the batch.
    ///
    /// - Parameter needsText: whether the caller looks at the lines; without it a batch may be answered from columns alone.
    mutating func run(_ rows: LogRows, needsText: Bool, _ body: (inout LogRow, Int) throws -> Bool) throws {
        var text: LogText?
        let columns = try columns(rows)
        let mustRead = needsText || columns == nil && plan.stages.contains(where: \.readsLine)
        if mustRead { text = try rows.text() }
        var row = LogRow()
        for index in 0..<rows.count {
            row.time = rows.times[index]
            row.sequence = rows.sequences[index]
            row.labels.reset(
                stream: rows.streams[Int(rows.stream[index])], metadata: rows.fields.isEmpty ? Labels() : rows.fields[index], severity: rows.severities[index])
            var first = 0
            if let columns, columns.contains(where: { $0.column.rows[index] >= 0 }) {
                // The line was read well by whoever made the columns; what they do not have, it has not.
                for (name, column) in columns where column.rows[index] >= 0 {
                    row.labels.extract(name, column.values[Int(column.rows[index])], need: plan.need, overrides: false)
                }
                first = 1
            } else if columns != nil, text == nil {
                text = try rows.text()
            }
            if let text {
                row.text = text.bytes
                row.start = text.starts[index]
                row.end = text.ends[index]
            }
            guard stages.run(&row, from: first) else { continue }
            guard try body(&row, index) else { return }
        }
    }

    /// The wanted fields as columns, if the pipeline begins with a parser whose fields the source has so, and nothing
    /// after it looks at the line.
    private func columns(_ rows: LogRows) throws -> [(name: String, column: FieldColumn)]? {
        guard let fieldNames, !fieldNames.isEmpty, let first = plan.stages.first else { return nil }
        let parser: FieldParser
        switch first {
        case .json: parser = .json
        case .logfmt(isStrict: false, keepsEmpty: false): parser = .logfmt
        default: return nil
        }
        guard !plan.stages.dropFirst().contains(where: \.readsLine) else { return nil }
        var columns: [(String, FieldColumn)] = []
        for name in fieldNames {
            guard let column = try rows.column(parser, name) else { return nil }
            columns.append((name, column))
        }
        return columns
    }
}

extension CompiledStage {
    /// Whether it looks at the line.
    var readsLine: Bool {
        switch self {
        case .label, .drop, .keep, .sample: false
        case .labelFormat(let formats): formats.contains { if case .template = $0.source { true } else { false } }
        default: true
        }
    }
}
