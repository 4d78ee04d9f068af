import JSON

/// JSON merge patch (RFC 7386).
public enum MergePatch {
    public static func apply(_ patch: JSON, to object: JSON) -> JSON {
        guard case .object(let changes) = patch else { return patch }
        var result = object.members
        for (key, change) in changes {
            if change.isNull {
                result.remove(key)
            } else {
                result[key] = apply(change, to: result[key] ?? .null)
            }
        }
        return .object(result)
    }
}
