import Pattern
import Telemetry

/// Runs the stages of a pipeline over one line after another. Each thread has its own.
struct StageRunner {
    private let stages: [CompiledStage]
    private let need: LabelNeed
    private var json: JSONFields
    private var packed = JSONFields(wanted: nil)
    private let logfmtNames: [(name: String, bytes: [UInt8])]?
    private let templateContext: LineTemplate.Context

    init(_ stages: [CompiledStage], need: LabelNeed, now: Int64) {
        self.stages = stages
        self.need = need
        json = JSONFields(wanted: need.fieldNames)
        logfmtNames = need.fieldNames?.map { ($0, Array($0.utf8)) }
        templateContext = LineTemplate.Context(now: now)
    }

    /// Whether the line goes through. From `first` on, for a caller that has done the stages before it.
    mutating func run(_ row: inout LogRow, from first: Int = 0) -> Bool {
        for index in first..<stages.count { guard run(stages[index], &row) else { return false } }
        return true
    }

    private mutating func run(_ stage: CompiledStage, _ row: inout LogRow) -> Bool {
        switch stage {
        case .line(let filter):
            let text = row.text
            return filter.accepts(text.span.extracting(row.start..<row.end))
        case .label(let filter): return filter.accepts(&row.labels)
        case .json: parseJSON(&row)
        case .jsonPaths(let paths): parseJSON(&row, paths)
        case .logfmt(let isStrict, let keepsEmpty): parseLogfmt(&row, isStrict: isStrict, keepsEmpty: keepsEmpty)
        case .logfmtFields(let isStrict, let fields): parseLogfmt(&row, isStrict: isStrict, fields)
        case .regexp(let pattern): parse(&row, pattern)
        case .pattern(let pattern):
            let text = row.text
            let line = text.span.extracting(row.start..<row.end)
            pattern.captures(in: line) { row.labels.extract($0, Bytes.string(line, $1), need: need, overrides: true) }
        case .unpack: unpack(&row)
        case .lineFormat(let template):
            switch template.text(for: row, templateContext) {
            case .success(let text): row.replaceLine(Array(text.utf8))
            case .failure(let failure): row.labels.fail("TemplateFormatErr", failure.message)
            }
        case .labelFormat(let formats): format(&row, formats)
        case .decolorize: if let plain = Decolor.plain(row.text[row.start..<row.end]) { row.replaceLine(plain) }
        case .drop(let choices):
            for choice in choices {
                switch choice {
                case .name(let name): row.labels.set(name, nil)
                case .matching(let matcher): if matcher.accepts(row.labels[matcher.name]) { row.labels.set(matcher.name, nil) }
                }
            }
        case .keep(let choices):
            for (name, value) in row.labels.pairs where !choices.contains(where: { $0.keeps(name, value) }) { row.labels.set(name, nil) }
        case .sample(let threshold): return StageRunner.mix(row.time, row.sequence) <= threshold
        case .template:
            let template = LineShape.template(of: row.text[row.start..<row.end])
            row.labels.set("template", template)
            row.labels.set("template_id", LineShape.identifier(of: template))
        case .redact: if let masked = Redaction.masked(row.text[row.start..<row.end]) { row.replaceLine(masked) }
        }
        return true
    }

    /// Spreads the places of lines evenly (splitmix64's finish), so that a sample is always the same one.
    static func mix(_ time: Int64, _ sequence: Int64) -> UInt64 {
        var value = UInt64(bitPattern: time) &+ UInt64(bitPattern: sequence) &* 0x9E37_79B9_7F4A_7C15
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }

    // MARK: Parsers

    private mutating func parseJSON(_ row: inout LogRow) {
        let text = row.text
        guard json.read(text.span.extracting(row.start..<row.end)) else { return row.labels.fail("JSONParserErr", "the line is no JSON object") }
        for (name, value) in json.found { row.labels.extract(name, value, need: need, overrides: false) }
    }

    private mutating func parseJSON(_ row: inout LogRow, _ paths: [(name: String, path: JSONPath)]) {
        let text = row.text
        let line = text.span.extracting(row.start..<row.end)
        // Only the form is looked at: no name is wanted.
        var reader = JSONFields(wanted: [])
        guard reader.read(line) else { return row.labels.fail("JSONParserErr", "the line is no JSON object") }
        for (name, path) in paths { row.labels.extract(name, reader.value(at: path.steps, in: line) ?? "", need: need, overrides: true) }
    }

    private func parseLogfmt(_ row: inout LogRow, isStrict: Bool, keepsEmpty: Bool) {
        let text = row.text
        let line = text.span.extracting(row.start..<row.end)
        var name: [UInt8] = []
        let isGood = LogfmtFields.read(line, isStrict: isStrict) { key, value, hasEscapes in
            guard keepsEmpty || !value.isEmpty else { return }
            name.removeAll(keepingCapacity: true)
            LabelName.append(line.extracting(key), to: &name)
            guard let logfmtNames else {
                row.labels.extract(String(decoding: name, as: UTF8.self), JSONText.string(line, value, hasEscapes: hasEscapes), need: need, overrides: false)
                return
            }
            for (wanted, bytes) in logfmtNames where bytes == name {
                row.labels.extract(wanted, JSONText.string(line, value, hasEscapes: hasEscapes), need: need, overrides: false)
            }
        }
        if !isGood, isStrict { row.labels.fail("LogfmtParserErr", "the line is not all key=value pairs") }
    }

    private func parseLogfmt(_ row: inout LogRow, isStrict: Bool, _ fields: [(name: String, field: String)]) {
        let text = row.text
        let line = text.span.extracting(row.start..<row.end)
        var values: [String: String] = [:]
        let isGood = LogfmtFields.read(line, isStrict: isStrict) { key, value, hasEscapes in
            let key = Bytes.string(line, key)
            if values[key] == nil { values[key] = JSONText.string(line, value, hasEscapes: hasEscapes) }
        }
        for (name, field) in fields { row.labels.extract(name, values[field] ?? "", need: need, overrides: true) }
        if !isGood, isStrict { row.labels.fail("LogfmtParserErr", "the line is not all key=value pairs") }
    }

    private func parse(_ row: inout LogRow, _ pattern: Pattern) {
        let text = row.text
        // The quick machine says whether the slow one, which knows places, has to look.
        guard pattern.matches(text.span.extracting(row.start..<row.end)) else { return }
        let line = row.line
        guard let groups = pattern.groups(in: line) else { return }
        for (name, range) in zip(pattern.groupNames, groups) {
            guard let name, let range else { continue }
            row.labels.extract(name, String(decoding: line[range], as: UTF8.self), need: need, overrides: true)
        }
    }

    private mutating func unpack(_ row: inout LogRow) {
        let text = row.text
        guard let members = JSONMembers.strings(text.span.extracting(row.start..<row.end)) else {
            return row.labels.fail("JSONParserErr", "the line is no JSON object")
        }
        for (name, value) in members {
            if name == "_entry" { row.replaceLine(Array(value.utf8)) } else { row.labels.extract(name, value, need: need, overrides: true) }
        }
    }

    // MARK: Formats

    private func format(_ row: inout LogRow, _ formats: [(destination: String, source: CompiledStage.CompiledSource)]) {
        var values: [(String, String?)] = []
        var gone: [String] = []
        for (destination, source) in formats {
            switch source {
            case .label(let label):
                guard row.labels.contains(label) else { continue }
                values.append((destination, row.labels[label]))
                if label != destination { gone.append(label) }
            case .template(let template):
                switch template.text(for: row, templateContext) {
                case .success(let text): values.append((destination, text))
                case .failure(let failure): row.labels.fail("TemplateFormatErr", failure.message)
                }
            }
        }
        // All are told from the labels before the stage.
        for name in gone where !values.contains(where: { $0.0 == name }) { row.labels.set(name, nil) }
        for (name, value) in values { row.labels.set(name, value) }
    }
}

extension LabelChoice {
    func keeps(_ name: String, _ value: String) -> Bool {
        switch self {
        case .name(let wanted): name == wanted
        case .matching(let matcher): name == matcher.name && matcher.accepts(value)
        }
    }
}
