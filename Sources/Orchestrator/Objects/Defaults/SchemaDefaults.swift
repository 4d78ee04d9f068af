import JSON

/// Fills in the schema's defaults and writes quantities canonically.
///
/// Each step returns nil if nothing changes. Parts of the schema without defaults are never visited.
enum SchemaDefaults {
    static func apply(to object: JSON, as schema: Schema) -> JSON { changed(object, schema) ?? object }

    private static func changed(_ value: JSON, _ schema: Schema) -> JSON? {
        guard case .object(let members) = value else { return nil }
        var result: JSONObject?
        if let hook = schema.defaultHook {
            var copy = members
            if hook(&copy) { result = copy }
        }
        for position in schema.defaulting {
            let field = schema.fields[position]
            let old = (result ?? members)[field.name]
            if old == nil || old?.isNull == true {
                guard let standard = field.defaultValue else { continue }
                if result == nil { result = members }
                result?[field.name] = changed(standard, field.type) ?? standard
            } else if let old, let new = changed(old, field.type) {
                if result == nil { result = members }
                result?[field.name] = new
            }
        }
        return result.map { .object($0) }
    }

    private static func changed(_ value: JSON, _ type: FieldType) -> JSON? {
        switch type {
        case .object(let schema): return changed(value, schema)
        case .quantity:
            let text = value.string ?? (value.double == nil ? nil : value.description)
            guard let text, let quantity = Quantity(text) else { return nil }
            let canonical = quantity.description
            return canonical == value.string ? nil : .string(canonical)
        case .list(let element):
            guard element.needsDefaults, case .array(let elements) = value else { return nil }
            var result: [JSON]?
            for (index, old) in elements.enumerated() {
                guard let new = changed(old, element) else { continue }
                if result == nil { result = elements }
                result?[index] = new
            }
            return result.map { .array($0) }
        case .map(let element):
            guard element.needsDefaults, case .object(let members) = value else { return nil }
            var result: JSONObject?
            for (key, old) in members {
                guard let new = changed(old, element) else { continue }
                if result == nil { result = members }
                result?[key] = new
            }
            return result.map { .object($0) }
        default: return nil
        }
    }
}
