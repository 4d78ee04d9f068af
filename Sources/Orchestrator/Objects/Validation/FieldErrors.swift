import JSON

/// The errors found so far, and the field that is looked at.
struct FieldErrors {
    private(set) var errors: [FieldError] = []
    var path = FieldPath()

    /// Looks at a field below the present one.
    mutating func at(_ steps: FieldPath.Step..., check: (inout FieldErrors) -> Void) {
        for step in steps { path.push(step) }
        check(&self)
        path.pop(steps.count)
    }

    mutating func add(_ reason: FieldError.Reason, _ message: String) { errors.append(FieldError(reason, path.text, message)) }

    mutating func required(_ detail: String = "") { add(.required, "Required value" + (detail.isEmpty ? "" : ": " + detail)) }
    mutating func invalid(_ value: JSON, _ detail: String) { add(.invalid, "Invalid value: \(value): \(detail)") }
    mutating func invalid(_ value: JSON, _ details: [String]) { for detail in details { invalid(value, detail) } }
    mutating func duplicate(_ value: JSON) { add(.duplicate, "Duplicate value: \(value)") }
    mutating func forbidden(_ detail: String) { add(.forbidden, "Forbidden: " + detail) }
    mutating func notFound(_ value: JSON) { add(.notFound, "Not found: \(value)") }
    mutating func tooLong(maximum: Int) { add(.tooLong, "Too long: may not be more than \(maximum) bytes") }
    mutating func notSupported(_ value: JSON, _ supported: [String]) {
        add(.notSupported, "Unsupported value: \(value): supported values: " + supported.map { "\"\($0)\"" }.joined(separator: ", "))
    }
    mutating func immutable(_ value: JSON) { invalid(value, "field is immutable") }

    /// Checks each element of list `name`.
    mutating func each(_ name: String, of object: JSON, check: (JSON, inout FieldErrors) -> Void) {
        guard case .array(let elements) = object[name] else { return }
        path.push(.name(name))
        for (index, element) in elements.enumerated() {
            path.push(.index(index))
            check(element, &self)
            path.pop()
        }
        path.pop()
    }

    /// Reports each element of list `name` whose member `key` came before.
    mutating func uniqueElements(_ name: String, of object: JSON, by key: String) {
        guard case .array(let elements) = object[name], elements.count > 1 else { return }
        var seen = Set<String>()
        each(name, of: object) { element, errors in
            guard let value = element[key].string, !value.isEmpty, !seen.insert(value).inserted else { return }
            errors.at(.name(key)) { $0.duplicate(.string(value)) }
        }
    }
}
