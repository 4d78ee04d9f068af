import JSON

/// Checks of the controllers that make pods from a template.
enum WorkloadValidator {
    /// - Parameter name: what the kind calls itself in messages: `deployment`.
    static func check(_ object: JSON, name: String, restartPolicies: [String] = ["Always"], _ errors: inout FieldErrors) {
        let spec = object["spec"]
        errors.at("spec") { errors in
            let selector = spec["selector"]
            var parsed: LabelSelector?
            errors.at("selector") { errors in
                if selector.isNull {
                    errors.required()
                } else {
                    parsed = try? LabelSelector(object: selector)
                    if parsed?.requirements.isEmpty ?? false { errors.invalid(selector, "empty selector is invalid for \(name)") }
                }
            }
            template(spec["template"], restartPolicies: restartPolicies, &errors)
            let labels = spec["template"]["metadata"]["labels"]
            if let parsed, !parsed.requirements.isEmpty, !parsed.matches(labels) {
                errors.at("template", "metadata", "labels") {
                    $0.invalid(labels.isNull ? [:] : labels, "`selector` does not match template `labels`")
                }
            }
        }
    }

    static func template(_ template: JSON, restartPolicies: [String], _ errors: inout FieldErrors) {
        errors.at("template") { errors in
            errors.at("metadata") { MetadataValidator.labelsAndAnnotations(template["metadata"], &$0) }
            if let policy = template["spec"]["restartPolicy"].string, !restartPolicies.contains(policy) {
                errors.at("spec", "restartPolicy") { $0.notSupported(.string(policy), restartPolicies) }
            }
            if template["spec"]["containers"].isNull, !template["spec"].isNull { return }
            if !template["spec"]["ephemeralContainers"].elements.isEmpty {
                errors.at("spec", "ephemeralContainers") { $0.forbidden("ephemeral containers not allowed in pod template") }
            }
        }
    }

    static let deploymentStrategy: TypeHooks.Check = { strategy, errors in
        let rolling = strategy["rollingUpdate"]
        guard strategy["type"].string != "Recreate" else {
            if !rolling.isNull {
                errors.at("rollingUpdate") { $0.forbidden("may not be specified when strategy `type` is 'Recreate'") }
            }
            return
        }
        guard !rolling.isNull else { return }
        errors.at("rollingUpdate") { errors in
            for field in ["maxUnavailable", "maxSurge"] {
                errors.at(.name(field)) { count(rolling[field], &$0) }
            }
            if case .string(let text)? = IntOrString(rolling["maxUnavailable"]), let percent = Int(text.dropLast()), percent > 100 {
                errors.at("maxUnavailable") { $0.invalid(.string(text), "must not be greater than 100%") }
            }
            if isZero(rolling["maxUnavailable"]), isZero(rolling["maxSurge"]) {
                errors.at("maxUnavailable") { $0.invalid(rolling["maxUnavailable"], "may not be 0 when `maxSurge` is 0") }
            }
        }
    }

    private static func isZero(_ value: JSON) -> Bool { IntOrString(value)?.scaled(total: 100, roundingUp: true) == 0 }

    /// A whole number or a percentage, neither negative.
    private static func count(_ value: JSON, _ errors: inout FieldErrors) {
        switch IntOrString(value) {
        case .int(let number)?: if number < 0 { errors.invalid(value, "must be greater than or equal to 0") }
        case .string(let text)?:
            if !text.hasSuffix("%") || !text.dropLast().allSatisfy({ $0.isASCII && $0.isNumber }) || text.count < 2 {
                errors.invalid(
                    value,
                    "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for "
                        + "validation is '[0-9]+%')")
            }
        case nil: break
        }
    }
}
