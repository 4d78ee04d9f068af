import Pattern
import Telemetry

/// A stage made ready to run: expressions compiled, names resolved.
enum CompiledStage: Sendable {
    case line(LineFilter)
    case json
    case jsonPaths([(name: String, path: JSONPath)])
    case logfmt(isStrict: Bool, keepsEmpty: Bool)
    case logfmtFields(isStrict: Bool, [(name: String, field: String)])
    case regexp(Pattern)
    case pattern(FieldPattern)
    case unpack
    case label(CompiledLabelFilter)
    case lineFormat(LineTemplate)
    case labelFormat([(destination: String, source: CompiledSource)])
    case decolorize
    case drop([LabelChoice])
    case keep([LabelChoice])
    case sample(threshold: UInt64)
    case template
    case redact

    enum CompiledSource: Sendable {
        case label(String)
        case template(LineTemplate)
    }

    /// Nil for a stage that is not about single lines.
    init?(_ stage: LogStage) throws(LogQLError) {
        switch stage {
        case .line(let condition): self = .line(try LineFilter(condition))
        case .json(let list) where list.isEmpty: self = .json
        case .json(let list):
            var paths: [(String, JSONPath)] = []
            for item in list {
                do throws(JSONPathError) { paths.append((item.name, try JSONPath(item.path))) } catch { throw LogQLError(.syntax, error.message) }
            }
            self = .jsonPaths(paths)
        case .logfmt(let isStrict, let keepsEmpty, let list):
            self = list.isEmpty ? .logfmt(isStrict: isStrict, keepsEmpty: keepsEmpty) : .logfmtFields(isStrict: isStrict, list.map { ($0.name, $0.path) })
        case .regexp(let text):
            do throws(PatternError) { self = .regexp(try Pattern(text)) } catch { throw LogQLError(.syntax, error.message) }
        case .pattern(let text):
            do throws(FieldPatternError) { self = .pattern(try FieldPattern(text)) } catch { throw LogQLError(.syntax, error.message) }
        case .unpack: self = .unpack
        case .label(let filter): self = .label(try CompiledLabelFilter(filter))
        case .lineFormat(let text): self = .lineFormat(try LineTemplate(text))
        case .labelFormat(let list):
            var formats: [(String, CompiledSource)] = []
            for format in list {
                switch format.source {
                case .label(let label): formats.append((format.destination, .label(label)))
                case .template(let text): formats.append((format.destination, .template(try LineTemplate(text))))
                }
            }
            self = .labelFormat(formats)
        case .decolorize: self = .decolorize
        case .drop(let list): self = .drop(list)
        case .keep(let list): self = .keep(list)
        case .sample(let percent): self = .sample(threshold: percent >= 100 ? .max : UInt64(percent / 100 * 0x1p64))
        case .template: self = .template
        case .redact: self = .redact
        case .context, .sort, .dedup, .limit, .since: return nil
        }
    }

    /// Whether lines after it may differ from those that were written.
    var changesLines: Bool {
        switch self {
        case .unpack, .lineFormat, .decolorize, .redact: true
        default: false
        }
    }

    /// Whether it can add, change or take away labels other than errors.
    var changesLabels: Bool {
        switch self {
        case .line, .label, .lineFormat, .decolorize, .sample, .redact: false
        default: true
        }
    }

    /// The labels that it looks at; nil for all.
    var reads: [String]? {
        switch self {
        case .label(let filter): filter.names
        case .lineFormat(let template): template.names
        case .labelFormat(let formats):
            formats.reduce([String]?([])) { known, format in
                switch format.source {
                case .label(let label): known.map { $0 + [label] }
                case .template(let template): template.names.flatMap { names in known.map { $0 + names } }
                }
            }
        case .drop(let list), .keep(let list): list.compactMap { if case .matching(let matcher) = $0 { matcher.name } else { nil } }
        default: []
        }
    }
}
