import JSON

/// Checks of one container.
enum ContainerValidator {
    static let check: TypeHooks.Check = { container, errors in
        let image = container["image"].string ?? ""
        errors.at("image") { errors in
            if image.isEmpty {
                errors.required()
            } else if image.utf8.first == 0x20 || image.utf8.last == 0x20 {
                errors.invalid(.string(image), "must not have leading or trailing whitespace")
            }
        }
        ports(container, &errors)
        environment(container, &errors)
        mounts(container, &errors)
        for hook in ["postStart", "preStop"] {
            let handler = container["lifecycle"][hook]
            if !handler.isNull { errors.at("lifecycle", .name(hook)) { oneHandler(handler, &$0) } }
        }
        if let number = container["livenessProbe"]["successThreshold"].int, number > 1 {
            errors.at("livenessProbe", "successThreshold") { $0.invalid(JSON(number), "must be 1") }
        }
        if let number = container["startupProbe"]["successThreshold"].int, number > 1 {
            errors.at("startupProbe", "successThreshold") { $0.invalid(JSON(number), "must be 1") }
        }
        if !container["readinessProbe"]["terminationGracePeriodSeconds"].isNull {
            errors.at("readinessProbe", "terminationGracePeriodSeconds") {
                $0.invalid(container["readinessProbe"]["terminationGracePeriodSeconds"], "must not be set for readinessProbes")
            }
        }
    }

    private static func ports(_ container: JSON, _ errors: inout FieldErrors) {
        errors.uniqueElements("ports", of: container, by: "name")
        errors.each("ports", of: container) { port, errors in
            if let name = port["name"].string, !name.isEmpty {
                errors.at("name") { $0.invalid(.string(name), Names.portNameProblems(name)) }
            }
        }
    }

    private static let sources = ["fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef"]

    private static func environment(_ container: JSON, _ errors: inout FieldErrors) {
        errors.each("env", of: container) { variable, errors in
            if let name = variable["name"].string, !name.isEmpty {
                errors.at("name") { $0.invalid(.string(name), Names.environmentNameProblems(name)) }
            }
            let source = variable["valueFrom"]
            guard !source.isNull else { return }
            let count = sources.count { !source[$0].isNull }
            errors.at("valueFrom") { errors in
                if count == 0 {
                    errors.invalid("", "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`")
                } else if variable["value"].string?.isEmpty == false {
                    errors.invalid("", "may not be specified when `value` is not empty")
                } else if count > 1 {
                    errors.invalid("", "may not have more than one field specified at a time")
                }
                if let path = source["fieldRef"]["fieldPath"].string, !path.isEmpty, !isDownwardField(path) {
                    errors.at("fieldRef", "fieldPath") { $0.invalid(.string(path), "error converting fieldPath: field label not supported: \(path)") }
                }
            }
        }
        errors.each("envFrom", of: container) { source, errors in
            if source["configMapRef"].isNull, source["secretRef"].isNull {
                errors.invalid("", "must specify one of: `configMapRef` or `secretRef`")
            } else if !source["configMapRef"].isNull, !source["secretRef"].isNull {
                errors.invalid("", "may not have more than one field specified at a time")
            }
            for reference in ["configMapRef", "secretRef"] where !source[reference].isNull {
                if (source[reference]["name"].string ?? "").isEmpty { errors.at(.name(reference), "name") { $0.required() } }
            }
        }
    }

    private static let downwardFields: Set<String> = [
        "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName", "status.hostIP",
        "status.hostIPs", "status.podIP", "status.podIPs",
    ]

    static func isDownwardField(_ path: String) -> Bool {
        downwardFields.contains(path) || path.hasPrefix("metadata.labels['") || path.hasPrefix("metadata.annotations['")
    }

    private static func mounts(_ container: JSON, _ errors: inout FieldErrors) {
        var seen = Set<String>()
        errors.each("volumeMounts", of: container) { mount, errors in
            if let path = mount["mountPath"].string, !path.isEmpty, !seen.insert(path).inserted {
                errors.at("mountPath") { $0.invalid(.string(path), "must be unique") }
            }
            for field in ["subPath", "subPathExpr"] {
                guard let path = mount[field].string, !path.isEmpty else { continue }
                errors.at(.name(field)) { VolumeValidator.localPath(path, &$0) }
            }
        }
    }

    static let probe: TypeHooks.Check = { probe, errors in oneHandler(probe, &errors) }

    private static let handlers = ["exec", "httpGet", "tcpSocket", "grpc", "sleep"]

    /// Exactly one way to act, and that one complete.
    private static func oneHandler(_ handler: JSON, _ errors: inout FieldErrors) {
        var count = 0
        for name in handlers where !handler[name].isNull {
            count += 1
            errors.at(.name(name)) { errors in
                if count > 1 { errors.forbidden("may not specify more than 1 handler type") }
                if name == "exec", handler[name]["command"].elements.isEmpty { errors.at("command") { $0.required() } }
                let port = handler[name]["port"]
                switch IntOrString(port) {
                case .int(let number)? where number != 0:
                    if !(1...65535).contains(number) { errors.at("port") { $0.invalid(port, "must be between 1 and 65535, inclusive") } }
                case .string(let text)? where !text.isEmpty: errors.at("port") { $0.invalid(port, Names.portNameProblems(text)) }
                default: break
                }
            }
        }
        if count == 0 { errors.required("must specify a handler type") }
    }
}
