import JSON

/// The checks that the schema itself states: required fields, allowed values, ranges, names, immutable fields.
struct SchemaValidator {
    /// Checks `object` and what is below it. Only fields that are there are looked up, besides the required ones.
    static func check(_ object: JSON, as schema: Schema, _ errors: inout FieldErrors) {
        guard case .object(let members) = object else { return }
        for position in schema.required {
            let field = schema.fields[position]
            guard field.isMissing(in: members) else { continue }
            errors.at(.name(field.name)) { $0.required() }
        }
        for (key, value) in members {
            guard let field = schema.field(key) else { continue }
            errors.path.push(.name(key))
            check(value, field, &errors)
            errors.path.pop()
        }
        schema.checkHook?(object, &errors)
    }

    private static func check(_ value: JSON, _ field: Field, _ errors: inout FieldErrors) {
        switch field.type {
        case .string:
            guard let text = value.string, !(text.isEmpty && !field.allowedValues.contains("")) else { return }
            if !field.allowedValues.isEmpty, !field.allowedValues.contains(text) { errors.notSupported(value, field.allowedValues) }
            if let rule = field.nameRule { errors.invalid(value, rule.problems(text)) }
        case .int32, .int64:
            guard let range = field.range, case .integer(let number) = value, !range.contains(number) else { return }
            // A missing required number has been reported.
            if number == 0, field.isRequired { return }
            errors.invalid(value, range.problem)
        case .object(let schema): check(value, as: schema, &errors)
        case .list(let element):
            guard let schema = element.schema else { return }
            for (index, element) in value.elements.enumerated() {
                errors.path.push(.index(index))
                check(element, as: schema, &errors)
                errors.path.pop()
            }
        default: break
        }
    }

    /// Reports every field marked immutable whose value differs.
    static func checkImmutable(_ object: JSON, _ old: JSON, as schema: Schema, _ errors: inout FieldErrors) {
        for field in schema.fields {
            if field.isImmutable, object[field.name] != old[field.name] {
                errors.at(.name(field.name)) { $0.immutable(object[field.name]) }
            } else if field.name == "spec", case .object(let spec) = field.type {
                errors.at("spec") { checkImmutable(object["spec"], old["spec"], as: spec, &$0) }
            }
        }
    }
}

extension Field {
    fileprivate func isMissing(in members: JSONObject) -> Bool {
        switch members[name] {
        case nil, .null: true
        case .string(let text): text.isEmpty && !allowedValues.contains("")
        case .integer(0): true
        case .array(let elements): elements.isEmpty
        default: false
        }
    }
}

extension ClosedRange<Int64> {
    /// As Kubernetes says that a number is outside.
    fileprivate var problem: String {
        if upperBound == .max {
            return lowerBound == 1 ? "must be greater than 0" : "must be greater than or equal to \(lowerBound)"
        }
        if lowerBound == 0, upperBound == 511 { return "must be a number between 0 and 0777 (octal), both inclusive" }
        return "must be between \(lowerBound) and \(upperBound), inclusive"
    }
}
