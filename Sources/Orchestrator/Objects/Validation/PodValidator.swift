import JSON

/// Checks of pods and pod templates that look at several fields.
enum PodValidator {
    static let spec: TypeHooks.Check = { spec, errors in
        containerNames(spec, &errors)
        volumes(spec, &errors)
        hostPorts(spec, &errors)
        MetadataValidator.labels(spec["nodeSelector"], at: "nodeSelector", &errors)
        errors.each("initContainers", of: spec) { initContainer($0, &$1) }
        errors.each("hostAliases", of: spec) { alias, errors in
            guard let address = alias["ip"].string, !address.isEmpty, !Names.isAddress(address) else { return }
            errors.at("ip") { $0.invalid(.string(address), notAnAddress) }
        }
        if spec["dnsPolicy"].string == "None" {
            let config = spec["dnsConfig"]
            if config.isNull {
                errors.at("dnsConfig") { $0.required("must provide `dnsConfig` when `dnsPolicy` is None") }
            } else if config["nameservers"].elements.isEmpty {
                errors.at("dnsConfig", "nameservers") { $0.required("must provide at least one DNS nameserver when `dnsPolicy` is None") }
            }
        }
        if spec["shareProcessNamespace"].bool == true, spec["hostPID"].bool == true {
            errors.at("shareProcessNamespace") { $0.invalid(true, "ShareProcessNamespace and HostPID cannot both be enabled") }
        }
    }

    static let notAnAddress = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
    private static let lists = ["initContainers", "containers", "ephemeralContainers"]

    /// One name for one container, whichever list it is in.
    private static func containerNames(_ spec: JSON, _ errors: inout FieldErrors) {
        var seen = Set<String>()
        for list in lists {
            errors.each(list, of: spec) { container, errors in
                guard let name = container["name"].string, !name.isEmpty, !seen.insert(name).inserted else { return }
                errors.at("name") { $0.duplicate(.string(name)) }
            }
        }
        errors.each("ephemeralContainers", of: spec) { container, errors in
            guard let target = container["targetContainerName"].string, !target.isEmpty,
                !spec["containers"].elements.contains(where: { $0["name"].string == target })
            else { return }
            errors.at("targetContainerName") { $0.notFound(.string(target)) }
        }
    }

    private static func volumes(_ spec: JSON, _ errors: inout FieldErrors) {
        errors.uniqueElements("volumes", of: spec, by: "name")
        var names = Set<String>()
        for volume in spec["volumes"].elements { if let name = volume["name"].string { names.insert(name) } }
        for list in lists {
            errors.each(list, of: spec) { container, errors in
                errors.each("volumeMounts", of: container) { mount, errors in
                    guard let name = mount["name"].string, !name.isEmpty, !names.contains(name) else { return }
                    errors.at("name") { $0.notFound(.string(name)) }
                }
            }
        }
    }

    private static func hostPorts(_ spec: JSON, _ errors: inout FieldErrors) {
        let isOnHost = spec["hostNetwork"].bool == true
        var seen = Set<String>()
        errors.each("containers", of: spec) { container, errors in
            errors.each("ports", of: container) { port, errors in
                guard let number = port["hostPort"].int, number > 0 else { return }
                if isOnHost, port["containerPort"].int != number {
                    errors.at("containerPort") { $0.invalid(port["containerPort"], "must match `hostPort` when `hostNetwork` is true") }
                }
                let key = "\(port["protocol"].string ?? "TCP")/\(port["hostIP"].string ?? "")/\(number)"
                if !seen.insert(key).inserted { errors.at("hostPort") { $0.duplicate(.string(key)) } }
            }
        }
    }

    private static func initContainer(_ container: JSON, _ errors: inout FieldErrors) {
        let policy = container["restartPolicy"].string ?? ""
        if !policy.isEmpty, policy != "Always" { errors.at("restartPolicy") { $0.notSupported(.string(policy), ["Always"]) } }
        guard policy != "Always" else { return }
        for field in ["livenessProbe", "readinessProbe", "startupProbe", "lifecycle"] where !container[field].isNull {
            errors.at(.name(field)) { $0.forbidden("may not be set for init containers without restartPolicy=Always") }
        }
    }

    static let toleration: TypeHooks.Check = { toleration, errors in
        let key = toleration["key"].string ?? ""
        let comparison = toleration["operator"].string ?? ""
        if key.isEmpty, comparison != "Exists" {
            errors.at("operator") {
                $0.invalid(.string(comparison), "operator must be Exists when `key` is empty, which means \"match all values and all keys\"")
            }
        } else if !key.isEmpty {
            errors.at("key") { $0.invalid(.string(key), Names.qualifiedNameProblems(key)) }
        }
        let value = toleration["value"].string ?? ""
        if comparison == "Exists", !value.isEmpty {
            errors.at("operator") { $0.invalid(.string(comparison), "value must be empty when `operator` is 'Exists'") }
        } else {
            errors.at("value") { $0.invalid(.string(value), Names.labelValueProblems(value)) }
        }
        if !toleration["tolerationSeconds"].isNull, toleration["effect"].string != "NoExecute" {
            errors.at("effect") {
                $0.invalid(.string(toleration["effect"].string ?? ""), "effect must be 'NoExecute' when `tolerationSeconds` is set")
            }
        }
    }

    static let nodeRequirement: TypeHooks.Check = { requirement, errors in
        let count = requirement["values"].elements.count
        errors.at("values") { errors in
            switch requirement["operator"].string {
            case "In", "NotIn":
                if count == 0 { errors.required("must be specified when `operator` is 'In' or 'NotIn'") }
            case "Exists", "DoesNotExist":
                if count > 0 { errors.forbidden("may not be specified when `operator` is 'Exists' or 'DoesNotExist'") }
            case "Gt", "Lt":
                if count != 1 { errors.required("must be specified single value when `operator` is 'Lt' or 'Gt'") }
            default: break
            }
        }
    }
}
