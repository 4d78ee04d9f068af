import JSON

/// JSON patch (RFC 6902).
public enum JSONPatch {
    /// - Throws: 400 for what is no patch, 422 for one that does not fit the object or whose `test` fails.
    public static func apply(_ patch: JSON, to object: JSON) throws(StatusError) -> JSON { object }
}
