import JSON

/// Brings a parsed document into the form in which it is kept: types are checked, unknown members, nulls and values that
/// Go's encoder would omit are dropped, times and quantities are written canonically.
///
/// Each step returns nil if the value may stay as it is, so that a clean object is not copied.
struct ObjectDecoder {
    private(set) var unknown: [String] = []
    private var path = FieldPath()
    /// What went wrong: the sentence after `cannot be handled as a Pod: `.
    struct Failure: Error { var message: String }

    mutating func decode(_ object: JSON, as schema: Schema) throws(Failure) -> JSON {
        try self.object(object, schema, owner: schema) ?? object
    }

    private mutating func value(_ value: JSON, _ type: FieldType, owner: Schema) throws(Failure) -> JSON? {
        switch type {
        case .any: return nil
        case .string:
            guard value.string != nil else { throw mismatch(value, type, owner) }
            return nil
        case .bool:
            guard value.bool != nil else { throw mismatch(value, type, owner) }
            return nil
        case .int32: return try integer(value, type, owner, bounds: Int64(Int32.min)...Int64(Int32.max))
        case .int64: return try integer(value, type, owner, bounds: .min ... .max)
        case .double:
            guard value.double != nil else { throw mismatch(value, type, owner) }
            return nil
        case .intOrString:
            if value.string != nil { return nil }
            return try integer(value, .int32, owner, bounds: Int64(Int32.min)...Int64(Int32.max))
        case .bytes:
            guard let text = value.string else { throw mismatch(value, type, owner) }
            if let offset = Base64.firstProblem(text) { throw Failure(message: "illegal base64 data at input byte \(offset)") }
            return nil
        case .quantity: return try quantity(value, owner)
        case .time, .microTime: return try time(value, type, owner)
        case .object(let schema): return try object(value, schema, owner: owner)
        case .list(let element): return try list(value, type, element, owner)
        case .map(let element): return try map(value, type, element, owner)
        }
    }

    private mutating func object(_ value: JSON, _ schema: Schema, owner: Schema) throws(Failure) -> JSON? {
        guard case .object(let members) = value else { throw mismatch(value, .object(schema), owner) }
        // Filled from the first member that changes.
        var changed: JSONObject?
        var kept = 0
        for (key, member) in members {
            guard let field = schema.field(key) else {
                unknown.append(path.text(appending: key))
                if changed == nil { changed = members.prefix(kept) }
                continue
            }
            path.push(.name(key))
            let isDropped = member.isNull || (!field.keepsEmpty && field.type.omits(member))
            // An empty value of the wrong type is still an error: decode before dropping.
            let new = member.isNull ? nil : try self.value(member, field.type, owner: schema)
            path.pop()
            if isDropped {
                if changed == nil { changed = members.prefix(kept) }
            } else if let new {
                if changed == nil { changed = members.prefix(kept) }
                if field.keepsEmpty || !field.type.omits(new) { changed?[key] = new }
            } else {
                kept += 1
                changed?[key] = member
            }
        }
        return changed.map { .object($0) }
    }

    private mutating func list(_ value: JSON, _ type: FieldType, _ element: FieldType, _ owner: Schema) throws(Failure) -> JSON? {
        guard case .array(let elements) = value else { throw mismatch(value, type, owner) }
        var changed: [JSON]?
        for (index, old) in elements.enumerated() {
            path.push(.index(index))
            let new = old.isNull ? element.zero : try self.value(old, element, owner: owner)
            path.pop()
            guard let new else { continue }
            if changed == nil { changed = elements }
            changed?[index] = new
        }
        return changed.map { .array($0) }
    }

    private mutating func map(_ value: JSON, _ type: FieldType, _ element: FieldType, _ owner: Schema) throws(Failure) -> JSON? {
        guard case .object(let members) = value else { throw mismatch(value, type, owner) }
        var changed: JSONObject?
        for (key, old) in members {
            // Go names the map's field, not its key, so the path stays.
            let new = old.isNull ? element.zero : try self.value(old, element, owner: owner)
            guard let new else { continue }
            if changed == nil { changed = members }
            changed?[key] = new
        }
        return changed.map { .object($0) }
    }

    private func integer(_ value: JSON, _ type: FieldType, _ owner: Schema, bounds: ClosedRange<Int64>) throws(Failure) -> JSON? {
        switch value {
        case .integer(let number):
            guard bounds.contains(number) else { throw mismatch(value, type, owner) }
            return nil
        case .number(let number):
            guard let whole = Int64(exactly: number), bounds.contains(whole) else { throw mismatch(value, type, owner) }
            return .integer(whole)
        default: throw mismatch(value, type, owner)
        }
    }

    private func quantity(_ value: JSON, _ owner: Schema) throws(Failure) -> JSON? {
        let text: String
        switch value {
        case .string(let given): text = given
        case .integer, .number: text = value.description
        default: throw mismatch(value, .quantity, owner)
        }
        guard let quantity = Quantity(text) else {
            throw Failure(message: Quantity.syntaxProblem)
        }
        let canonical = quantity.description
        return canonical == value.string ? nil : .string(canonical)
    }

    private func time(_ value: JSON, _ type: FieldType, _ owner: Schema) throws(Failure) -> JSON? {
        guard let text = value.string else { throw mismatch(value, type, owner) }
        guard let (seconds, microseconds) = RFC3339.parts(text) else {
            let layout = if case .microTime = type { "2006-01-02T15:04:05.000000Z07:00" } else { "2006-01-02T15:04:05Z07:00" }
            throw Failure(message: "parsing time \"\(text)\" as \"\(layout)\": cannot parse \"\(text)\" as \"2006\"")
        }
        if case .microTime = type {
            if text.utf8.count == 27, text.hasSuffix("Z") { return nil }
            return .string(RFC3339.format(seconds, microseconds: microseconds))
        }
        if text.utf8.count == 20, text.hasSuffix("Z") { return nil }
        return .string(RFC3339.format(seconds))
    }

    private func mismatch(_ value: JSON, _ type: FieldType, _ owner: Schema) -> Failure {
        let kind =
            switch value {
            case .null: "null"
            case .bool: "bool"
            case .integer, .number: "number"
            case .string: "string"
            case .array: "array"
            case .object: "object"
            }
        // A number that is out of range or has a fraction is quoted.
        var shown = kind
        if kind == "number" {
            switch type {
            case .int32, .int64: shown = "number \(value)"
            default: break
            }
        }
        let names = path.names
        let place = names.isEmpty ? "value" : "struct field \(owner.name).\(names)"
        return Failure(message: "json: cannot unmarshal \(shown) into Go \(place) of type \(type.goName)")
    }
}

extension FieldType {
    /// Whether Go's `omitempty` leaves the value out: empty lists and maps, zeros, but no structs.
    fileprivate func omits(_ value: JSON) -> Bool {
        switch value {
        case .null: return true
        case .bool(let value): return !value
        case .integer(let value): return value == 0
        case .number(let value): return value == 0
        case .string(let value): return value.isEmpty
        case .array(let value): return value.isEmpty
        case .object(let value):
            if case .map = self { return value.isEmpty }
            return false
        }
    }

    /// What Go makes of a null in a list or map.
    fileprivate var zero: JSON {
        switch self {
        case .string, .bytes, .time, .microTime: ""
        case .bool: false
        case .int32, .int64, .double, .intOrString: 0
        case .quantity: "0"
        case .object, .map: [:]
        case .list: []
        case .any: nil
        }
    }
}

extension JSONObject {
    fileprivate func prefix(_ count: Int) -> JSONObject {
        var result = JSONObject()
        for (key, value) in self {
            guard result.count < count else { break }
            result[key] = value
        }
        return result
    }
}
