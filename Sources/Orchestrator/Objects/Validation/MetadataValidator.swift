import JSON

/// Checks of `metadata`, the same for all kinds.
enum MetadataValidator {
    static let annotationsByteLimit = 256 * 1024

    static func check(_ object: JSON, kind: Kind, _ errors: inout FieldErrors) {
        let metadata = object["metadata"]
        errors.at("metadata") { errors in
            name(metadata, kind, &errors)
            if kind.isNamespaced {
                let namespace = metadata["namespace"].string ?? ""
                errors.at("namespace") { errors in
                    if namespace.isEmpty { errors.required() } else { errors.invalid(metadata["namespace"], NameRule.label.problems(namespace)) }
                }
            } else if metadata["namespace"].string?.isEmpty == false {
                errors.at("namespace") { $0.forbidden("not allowed on this type") }
            }
            labelsAndAnnotations(metadata, &errors)
            errors.each("finalizers", of: metadata) { finalizer, errors in
                errors.invalid(finalizer, Names.qualifiedNameProblems(finalizer.string ?? ""))
            }
            owners(metadata, &errors)
        }
    }

    private static func name(_ metadata: JSON, _ kind: Kind, _ errors: inout FieldErrors) {
        let rule = kind.behaviour.nameRule
        if let prefix = metadata["generateName"].string, !prefix.isEmpty {
            // A prefix may end in a dash, which the whole name may not.
            let problems = rule.problems(prefix.hasSuffix("-") ? prefix.dropLast() + "a" : prefix)
            errors.at("generateName") { $0.invalid(metadata["generateName"], problems) }
        }
        let name = metadata["name"].string ?? ""
        errors.at("name") { errors in
            if name.isEmpty {
                errors.required("name or generateName is required")
            } else {
                errors.invalid(.string(name), rule.problems(name))
            }
        }
    }

    /// Also of a pod template.
    static func labelsAndAnnotations(_ metadata: JSON, _ errors: inout FieldErrors) {
        labels(metadata["labels"], at: "labels", &errors)
        guard case .object(let annotations) = metadata["annotations"] else { return }
        errors.at("annotations") { errors in
            var total = 0
            for (key, value) in annotations {
                errors.invalid(.string(key), Names.qualifiedNameProblems(key.lowercased()))
                total += key.utf8.count + (value.string?.utf8.count ?? 0)
            }
            if total > annotationsByteLimit { errors.tooLong(maximum: annotationsByteLimit) }
        }
    }

    static func labels(_ labels: JSON, at name: String, _ errors: inout FieldErrors) {
        guard case .object(let members) = labels else { return }
        errors.at(.name(name)) { errors in
            for (key, value) in members {
                errors.invalid(.string(key), Names.qualifiedNameProblems(key))
                errors.invalid(value, Names.labelValueProblems(value.string ?? ""))
            }
        }
    }

    private static func owners(_ metadata: JSON, _ errors: inout FieldErrors) {
        var controllers: [JSON] = []
        errors.each("ownerReferences", of: metadata) { owner, errors in
            if owner["controller"].bool == true { controllers.append(owner) }
        }
        guard controllers.count > 1 else { return }
        let names = controllers.prefix(2).map { "\($0["kind"].string ?? "")/\($0["name"].string ?? "")" }.joined(separator: " and ")
        errors.at("ownerReferences") {
            $0.invalid(
                metadata["ownerReferences"],
                "Only one reference can have Controller set to true. Found \"true\" in references for \(names)")
        }
    }

    static func checkUpdate(_ object: JSON, replacing old: JSON, _ errors: inout FieldErrors) {
        let (metadata, oldMetadata) = (object["metadata"], old["metadata"])
        errors.at("metadata") { errors in
            for field in ["name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"]
            where metadata[field] != oldMetadata[field] {
                errors.at(.name(field)) { $0.immutable(metadata[field]) }
            }
            guard old.isBeingDeleted else { return }
            let known = Set(old.finalizers)
            let added = object.finalizers.filter { !known.contains($0) }
            guard !added.isEmpty else { return }
            let list = added.map { "\"\($0)\"" }.joined(separator: ", ")
            errors.at("finalizers") {
                $0.forbidden("no new finalizers can be added if the object is being deleted, found new finalizers []string{\(list)}")
            }
        }
    }
}
