import JSON

/// All API types by `PACKAGE.NAME`, built once from `Definitions`.
public struct SchemaLibrary: Sendable {
    public static let standard = SchemaLibrary(Definitions.all)

    public let schemas: [String: Schema]

    /// A text that does not hold together is a bug of ours: it ends the program.
    init(_ texts: [String]) {
        var parser = SchemaParser()
        for text in texts { parser.parse(text) }
        schemas = parser.resolved()
    }

    /// The schema `core.v1.Pod`; it must exist.
    subscript(_ name: String) -> Schema {
        guard let schema = schemas[name] else { preconditionFailure("no API type is named \(name)") }
        return schema
    }
}

/// Reads the language of `Definitions`.
struct SchemaParser {
    private struct Line {
        var number: Int
        var name: Substring
        var type: Substring
        var attributes: [Substring]
        var documentation: String
    }
    private struct Definition {
        var package: String
        var name: String
        var documentation: String
        var lines: [Line]
    }

    private var definitions: [String: Definition] = [:]
    private var order: [String] = []
    private var finished: [String: Schema] = [:]

    mutating func parse(_ text: String) {
        var package = ""
        var current = ""
        for line in text.utf8.split(separator: 0x0A).map({ Substring($0) }) {
            let (words, documentation) = Self.words(line)
            switch words[0] {
            case "package": package = String(words[1])
            case "type", "kind":
                current = "\(package).\(words[1])"
                var definition = Definition(package: package, name: String(words[1]), documentation: documentation, lines: [])
                if words[0] == "kind" {
                    definition.lines = [
                        Line(number: 0, name: "kind", type: "string", attributes: ["keep"], documentation: "The kind of object."),
                        Line(
                            number: 0, name: "apiVersion", type: "string", attributes: ["keep"],
                            documentation: "The group and version of the kind."),
                        Line(
                            number: 1, name: "metadata", type: "meta.v1.ObjectMeta", attributes: ["={}"],
                            documentation: "What every object has."),
                    ]
                }
                precondition(definitions.updateValue(definition, forKey: current) == nil, "\(current) is defined twice")
                order.append(current)
            default:
                guard let number = Int(words[0]), words.count >= 3 else { preconditionFailure("not a field: \(line)") }
                // `map T` is two words.
                let isMap = words[2] == "map"
                let type = isMap ? words[2].base[words[2].startIndex..<words[3].endIndex] : words[2]
                definitions[current]?.lines.append(
                    Line(
                        number: number, name: words[1], type: type, attributes: Array(words[(isMap ? 4 : 3)...]),
                        documentation: documentation))
            }
        }
    }

    /// The words before ` : ` and the text after it. On bytes, since this is read at every start of the program.
    private static func words(_ line: Substring) -> ([Substring], String) {
        var words: [Substring] = []
        var rest = line.utf8
        while let start = rest.firstIndex(where: { $0 != 0x20 }) {
            rest = rest[start...]
            let end = rest.firstIndex(of: 0x20) ?? rest.endIndex
            let word = rest[..<end]
            if word.elementsEqual([0x3A]) { return (words, String(Substring(rest.dropFirst(2)))) }
            words.append(Substring(word))
            rest = rest[end...]
        }
        return (words, "")
    }

    mutating func resolved() -> [String: Schema] {
        for name in order { _ = schema(name) }
        return finished
    }

    private mutating func schema(_ name: String) -> Schema {
        if let schema = finished[name] { return schema }
        guard let definition = definitions[name] else { preconditionFailure("no API type is named \(name)") }
        var fields: [Field] = []
        for line in definition.lines {
            let type = fieldType(line.type, in: definition.package)
            if line.name == "*" {
                for var inlined in type.schema?.fields ?? [] {
                    inlined.protobufPath.insert(line.number, at: 0)
                    fields.append(inlined)
                }
            } else {
                fields.append(field(line, type))
            }
        }
        let schema = Schema(name: definition.name, package: definition.package, documentation: definition.documentation, fields: fields)
        finished[name] = schema
        return schema
    }

    private mutating func fieldType(_ text: Substring, in package: String) -> FieldType {
        if text.hasSuffix("?") { return fieldType(text.dropLast(), in: package) }
        if text.hasPrefix("[]") { return .list(fieldType(text.dropFirst(2), in: package)) }
        if text.hasPrefix("map ") { return .map(fieldType(text.dropFirst(4), in: package)) }
        switch text {
        case "string": return .string
        case "bool": return .bool
        case "int32": return .int32
        case "int64": return .int64
        case "double": return .double
        case "bytes": return .bytes
        case "time": return .time
        case "microTime": return .microTime
        case "quantity": return .quantity
        case "intOrString": return .intOrString
        case "any": return .any
        default: return .object(schema(text.contains(".") ? String(text) : "\(package).\(text)"))
        }
    }

    private func field(_ line: Line, _ type: FieldType) -> Field {
        var field = Field(name: String(line.name), number: line.number, type: type, documentation: line.documentation)
        field.keepsEmpty = line.type.hasSuffix("?")
        for attribute in line.attributes {
            let parts = attribute.utf8.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false).map { Substring($0) }
            guard parts.count == 2 else {
                switch attribute {
                case "required": (field.isRequired, field.keepsEmpty) = (true, true)
                case "keep": field.keepsEmpty = true
                case "immutable": field.isImmutable = true
                case "set": field.isPrimitiveSet = true
                case "retainKeys": field.retainsKeys = true
                default: preconditionFailure("unknown attribute \(attribute) of \(line.name)")
                }
                continue
            }
            let value = String(parts[1])
            switch parts[0] {
            case "": field.defaultValue = (try? JSON.parse(value)) ?? .string(value)
            case "in": field.allowedValues = value.split(separator: "|", omittingEmptySubsequences: false).map(String.init).sorted()
            case "range":
                let bounds = value.split(separator: "..", omittingEmptySubsequences: false).map { Int64($0) }
                field.range = (bounds[0] ?? .min)...(bounds[1] ?? .max)
            case "name": field.nameRule = NameRule(rawValue: value)
            case "key":
                field.mergeKey = value
                if field.listMapKeys.isEmpty { field.listMapKeys = [value] }
            case "keys": field.listMapKeys = value.split(separator: ",").map(String.init)
            default: preconditionFailure("unknown attribute \(attribute) of \(line.name)")
            }
        }
        return field
    }
}
