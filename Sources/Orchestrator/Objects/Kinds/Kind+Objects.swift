import JSON

// Reading, completing and checking objects.
extension Kind {
    /// Checks every member's type, drops unknown members, nulls and empty values that Go would omit, writes times and
    /// quantities canonically, and sets `apiVersion` and `kind`.
    ///
    /// - Returns: the object, and the path of each member that the schema does not know (`spec.containers[0].imagee`).
    /// - Throws: 400 in Kubernetes' wording for a value of a wrong type, or for another `kind` or `apiVersion`.
    public func decode(_ object: JSON) throws(StatusError) -> (object: JSON, unknownFields: [String]) {
        guard case .object(let members) = object else {
            throw StatusError(.badRequest, "the body must be an object of kind \(kind), not \(object.typeName)")
        }
        let given = (version: members["apiVersion"]?.string ?? apiVersion, kind: members["kind"]?.string ?? kind)
        guard given.kind.isEmpty || given.kind == kind, given.version.isEmpty || given.version == apiVersion else {
            throw StatusError(
                .badRequest,
                "\(given.kind) in version \"\(given.version)\" cannot be handled as a \(kind): no kind \"\(given.kind)\" is registered for "
                    + "version \"\(given.version)\" at this address; send a \(kind) of \(apiVersion)")
        }
        var decoder = ObjectDecoder()
        do {
            var result = try decoder.decode(object, as: schema)
            if result["kind"].string != kind { result["kind"] = .string(kind) }
            if result["apiVersion"].string != apiVersion { result["apiVersion"] = .string(apiVersion) }
            return (result, decoder.unknown)
        } catch {
            throw StatusError(.badRequest, "\(kind) in version \"\(version)\" cannot be handled as a \(kind): \(error.message)")
        }
    }

    /// The 400 that `fieldValidation=Strict` gives; nil if there is nothing to complain about.
    public func strictError(unknown: [String], duplicate: [String]) -> StatusError? {
        let problems = Self.fieldWarnings(unknown: unknown, duplicate: duplicate)
        guard !problems.isEmpty else { return nil }
        return StatusError(
            .badRequest,
            "\(kind) in version \"\(version)\" cannot be handled as a \(kind): strict decoding error: "
                + problems.joined(separator: ", "))
    }

    /// What `fieldValidation=Warn` puts into `Warning` headers, one for each.
    public static func fieldWarnings(unknown: [String], duplicate: [String]) -> [String] {
        duplicate.map { "duplicate field \"\($0)\"" } + unknown.map { "unknown field \"\($0)\"" }
    }

    /// The object with every default filled in and quantities in canonical form. Idempotent.
    public func defaulted(_ object: JSON) -> JSON {
        var result = SchemaDefaults.apply(to: object, as: schema)
        behaviour.applyDefaults(to: &result)
        return result
    }

    /// All that is wrong with a defaulted object; with `old`, also what may not change.
    /// - Parameter subresource: by which the change came, as for `prepareForUpdate`.
    public func validate(_ object: JSON, replacing old: JSON? = nil, subresource: String? = nil) -> [FieldError] {
        var errors = FieldErrors()
        MetadataValidator.check(object, kind: self, &errors)
        SchemaValidator.check(object, as: schema, &errors)
        behaviour.validate(object, &errors)
        if let old {
            MetadataValidator.checkUpdate(object, replacing: old, &errors)
            SchemaValidator.checkImmutable(object, old, as: schema, &errors)
            if subresource == nil { behaviour.validateUpdate(object, replacing: old, &errors) }
        } else {
            behaviour.validateCreate(object, &errors)
        }
        return errors.errors
    }

    /// Makes a decoded body ready to be defaulted, validated and stored as a new object.
    ///
    /// Sets namespace, name (from `generateName` and `nameSuffix`), uid, creationTimestamp and generation, removes what
    /// only the server may set, and empties the status of a kind with a status subresource (but a Node's, as in Kubernetes).
    /// - Parameters:
    ///   - now: seconds since 1970.
    ///   - nameSuffix: five characters from `GeneratedName.suffix(using:)`.
    public func prepareForCreate(_ object: JSON, namespace: String?, uid: String, now: Int64, nameSuffix: String) -> JSON {
        var result = object
        var metadata = object["metadata"].members
        for field in ["selfLink", "resourceVersion", "generation", "deletionTimestamp", "deletionGracePeriodSeconds"] { metadata.remove(field) }
        if (metadata["name"]?.string ?? "").isEmpty, let prefix = metadata["generateName"]?.string, !prefix.isEmpty {
            metadata["name"] = .string(GeneratedName.name(prefix: prefix, suffix: nameSuffix))
        }
        if isNamespaced, let namespace { metadata["namespace"] = .string(namespace) }
        metadata["uid"] = .string(uid)
        metadata["creationTimestamp"] = .string(RFC3339.format(now))
        if behaviour.countsGenerations { metadata["generation"] = 1 }
        result["metadata"] = .object(metadata)
        if hasStatusSubresource, !behaviour.keepsStatusOnCreate { result.remove("status") }
        behaviour.prepareForCreate(&result)
        return result
    }

    /// Makes a decoded body ready to be validated and stored in place of `old`; it comes back with its defaults.
    ///
    /// Keeps what only the server may set, and the status (for `subresource` nil) or all but the status (for `status`), or all
    /// but what the subresource is for (`finalize`, `ephemeralcontainers`, `resize`).
    /// Raises `metadata.generation` if the spec has changed. `metadata.resourceVersion` stays as it was sent: it is the
    /// caller's condition.
    public func prepareForUpdate(_ object: JSON, replacing old: JSON, subresource: String? = nil) -> JSON {
        if let subresource {
            var result = old
            if subresource == "status" {
                result["status"] = object["status"].isNull ? [:] : object["status"]
            } else {
                result = defaulted(behaviour.merge(object, into: old, subresource: subresource) ?? old)
            }
            var metadata = result["metadata"].members
            metadata["resourceVersion"] = object["metadata"].members["resourceVersion"]
            result["metadata"] = .object(metadata)
            return countingGeneration(result, old)
        }
        var result = object
        var metadata = object["metadata"].members
        let kept = old["metadata"].members
        for field in ["creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation"] { metadata[field] = kept[field] }
        for field in ["name", "namespace", "uid"] where (metadata[field]?.string ?? "").isEmpty { metadata[field] = kept[field] }
        metadata.remove("selfLink")
        result["metadata"] = .object(metadata)
        if hasStatusSubresource {
            result.remove("status")
            if !old["status"].isNull { result["status"] = old["status"] }
        }
        behaviour.prepareForUpdate(&result, replacing: old)
        return countingGeneration(defaulted(result), old)
    }

    private func countingGeneration(_ object: JSON, _ old: JSON) -> JSON {
        guard behaviour.countsGenerations, object["spec"] != old["spec"] else { return object }
        var result = object
        result["metadata"]["generation"] = JSON(old.generation + 1)
        return result
    }
}
