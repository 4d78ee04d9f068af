import JSON

// Showing, selecting and patching objects.
extension Kind {
    /// The columns of the kind's table; `kubectl get` shows those of priority 0, `-o wide` all.
    public var columns: [Column] { behaviour.columns }

    /// One table row, a cell for each column. `now` is in seconds since 1970.
    public func cells(_ object: JSON, now: Int64) -> [JSON] { behaviour.cells(object, now: now) }

    /// Labels that a field selector may use, beside `metadata.name` and `metadata.namespace`.
    public var fieldLabels: [String] { behaviour.fieldLabels }

    /// The value of each supported field label; the empty string for a field that is not set.
    public func selectableFields(_ object: JSON) -> [String: String] {
        var fields = behaviour.selectableFields(object)
        fields["metadata.name"] = object.metadataName
        if isNamespaced { fields["metadata.namespace"] = object.namespace }
        return fields
    }

    /// Applies a strategic merge patch with all its directives. The result is still to be decoded, prepared and validated.
    /// - Throws: 400 for a patch that is none, or an element of a keyed list without its key.
    public func strategicMerge(_ patch: JSON, into object: JSON) throws(StatusError) -> JSON {
        try StrategicMergePatch.apply(patch, to: object, schema: schema)
    }
}
