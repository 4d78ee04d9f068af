import JSON

enum NodeValidator {
    static let taint: TypeHooks.Check = { taint, errors in
        if let key = taint["key"].string, !key.isEmpty { errors.at("key") { $0.invalid(.string(key), Names.qualifiedNameProblems(key)) } }
        if let value = taint["value"].string { errors.at("value") { $0.invalid(.string(value), Names.labelValueProblems(value)) } }
    }

    /// One key and effect may not be tainted twice.
    static func taints(_ spec: JSON, _ errors: inout FieldErrors) {
        var seen = Set<String>()
        errors.each("taints", of: spec) { taint, errors in
            let key = "\(taint["key"].string ?? ""):\(taint["effect"].string ?? "")"
            if !seen.insert(key).inserted { errors.duplicate(taint) }
        }
    }
}
