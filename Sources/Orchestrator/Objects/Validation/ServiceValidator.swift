import JSON

/// Checks of services and endpoints that look at several fields.
enum ServiceValidator {
    static let spec: TypeHooks.Check = { spec, errors in
        let type = spec["type"].string ?? "ClusterIP"
        let isHeadless = spec["clusterIP"].string == "None"
        let list = spec["ports"].elements
        if list.isEmpty, !isHeadless, type != "ExternalName" { errors.at("ports") { $0.required() } }
        if type == "LoadBalancer" || type == "NodePort", isHeadless {
            errors.at("clusterIPs", 0) { $0.invalid("None", "may not be set to 'None' for \(type) services") }
        }
        if type == "ExternalName" {
            if let address = spec["clusterIP"].string, !address.isEmpty {
                errors.at("clusterIPs", 0) { $0.invalid(.string(address), "may not be set for ExternalName services") }
            }
            let name = spec["externalName"].string ?? ""
            errors.at("externalName") { errors in
                if name.isEmpty {
                    errors.required()
                } else {
                    errors.invalid(.string(name), Names.subdomainProblems(name.hasSuffix(".") ? String(name.dropLast()) : name))
                }
            }
        } else if let address = spec["clusterIP"].string, !address.isEmpty, address != "None", !Names.isAddress(address) {
            errors.at("clusterIPs", 0) { $0.invalid(.string(address), PodValidator.notAnAddress) }
        }
        ports(spec, type, &errors)
        MetadataValidator.labels(spec["selector"], at: "selector", &errors)
        errors.each("externalIPs", of: spec) { address, errors in
            if !Names.isAddress(address.string ?? "") { errors.invalid(address, PodValidator.notAnAddress) }
        }
        if !spec["externalTrafficPolicy"].isNull, type == "ClusterIP", spec["externalIPs"].elements.isEmpty {
            errors.at("externalTrafficPolicy") {
                $0.invalid(spec["externalTrafficPolicy"], "may only be set for externally-accessible services")
            }
        }
    }

    private static func ports(_ spec: JSON, _ type: String, _ errors: inout FieldErrors) {
        let count = spec["ports"].elements.count
        var names = Set<String>()
        var numbers = Set<String>()
        var nodePorts = Set<String>()
        errors.each("ports", of: spec) { port, errors in
            let name = port["name"].string ?? ""
            if name.isEmpty {
                if count > 1 { errors.at("name") { $0.required() } }
            } else {
                errors.at("name") { errors in
                    errors.invalid(.string(name), Names.labelProblems(name))
                    if !names.insert(name).inserted { errors.duplicate(.string(name)) }
                }
            }
            let transport = port["protocol"].string ?? "TCP"
            if !numbers.insert("\(transport)/\(port["port"].int ?? 0)").inserted {
                errors.duplicate(["protocol": .string(transport), "port": port["port"]])
            }
            switch IntOrString(port["targetPort"]) {
            case .int(let number)?:
                if !(1...65535).contains(number) { errors.at("targetPort") { $0.invalid(JSON(number), "must be between 1 and 65535, inclusive") } }
            case .string(let text)?: errors.at("targetPort") { $0.invalid(.string(text), Names.portNameProblems(text)) }
            case nil: break
            }
            if let number = port["nodePort"].int, number != 0 {
                errors.at("nodePort") { errors in
                    if type == "ClusterIP" || type == "ExternalName" { errors.forbidden("may not be used when `type` is '\(type)'") }
                    if !nodePorts.insert("\(transport)/\(number)").inserted { errors.duplicate(JSON(number)) }
                }
            }
        }
    }

    static let endpointAddress: TypeHooks.Check = { address, errors in
        guard let text = address["ip"].string, !text.isEmpty else { return }
        errors.at("ip") { errors in
            if !Names.isAddress(text) { errors.invalid(.string(text), PodValidator.notAnAddress) }
            // Pods of a node that can give them no network of their own have addresses of 127.88.0.0/16, each its
            // own: what Kubernetes forbids is the address that means another machine to every reader.
            if text.hasPrefix("127.0.") || text == "::1" { errors.invalid(.string(text), "may not be in the loopback range (127.0.0.0/8, ::1/128)") }
        }
    }
}
