import JSON

enum SelectorValidator {
    static let check: TypeHooks.Check = { selector, errors in
        MetadataValidator.labels(selector["matchLabels"], at: "matchLabels", &errors)
        errors.each("matchExpressions", of: selector) { requirement, errors in
            let count = requirement["values"].elements.count
            switch requirement["operator"].string {
            case "In", "NotIn":
                if count == 0 { errors.at("values") { $0.required("must be specified when `operator` is 'In' or 'NotIn'") } }
            case "Exists", "DoesNotExist":
                if count > 0 { errors.at("values") { $0.forbidden("may not be specified when `operator` is 'Exists' or 'DoesNotExist'") } }
            default: break
            }
            if let key = requirement["key"].string, !key.isEmpty {
                errors.at("key") { $0.invalid(.string(key), Names.qualifiedNameProblems(key)) }
            }
        }
    }
}
