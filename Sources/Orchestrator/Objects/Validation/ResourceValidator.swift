import JSON

/// Checks of `resources`: names, signs, and that no request is above its limit.
enum ResourceValidator {
    private static let standard: Set<String> = ["cpu", "memory", "ephemeral-storage"]

    static let check: TypeHooks.Check = { resources, errors in
        let limits = resources["limits"]
        let requests = resources["requests"]
        amounts(limits, "limits", &errors)
        amounts(requests, "requests", &errors)
        guard case .object(let members) = requests, !limits.isNull else { return }
        for (name, value) in members {
            guard let limitText = limits[name].string, let limit = Quantity(limitText), let text = value.string, let request = Quantity(text)
            else { continue }
            if request > limit {
                errors.at("requests") { $0.invalid(.string(text), "must be less than or equal to \(name) limit of \(limit)") }
            } else if request != limit, !standard.contains(name) {
                errors.at("requests") { $0.invalid(.string(text), "must be equal to \(name) limit of \(limit)") }
            }
        }
    }

    private static func amounts(_ list: JSON, _ field: String, _ errors: inout FieldErrors) {
        guard case .object(let members) = list else { return }
        errors.at(.name(field)) { errors in
            for (name, value) in members {
                errors.path.push(.key(name))
                defer { errors.path.pop() }
                if !standard.contains(name), !name.hasPrefix("hugepages-") {
                    if name.contains("/") {
                        errors.invalid(.string(name), Names.qualifiedNameProblems(name))
                    } else {
                        errors.invalid(.string(name), "must be a standard resource for containers")
                    }
                }
                guard let quantity = Quantity(value.string ?? "") else { continue }
                if quantity.isNegative { errors.invalid(value, "must be greater than or equal to 0") }
                if name.contains("/"), quantity.milliValue % 1000 != 0 { errors.invalid(value, "must be an integer") }
            }
        }
    }
}
