import JSON

/// One thing that is wrong with one field, in the words of Kubernetes' validation.
public struct FieldError: Hashable, Sendable, CustomStringConvertible {
    public enum Reason: String, Sendable {
        case required = "FieldValueRequired"
        case invalid = "FieldValueInvalid"
        case duplicate = "FieldValueDuplicate"
        case notSupported = "FieldValueNotSupported"
        case forbidden = "FieldValueForbidden"
        case tooLong = "FieldValueTooLong"
        case tooMany = "FieldValueTooMany"
        case notFound = "FieldValueNotFound"
    }
    public let reason: Reason
    /// `spec.containers[0].image`.
    public let field: String
    /// All after the field: `Invalid value: "X": must be …`.
    public let message: String

    public init(_ reason: Reason, _ field: String, _ message: String) {
        self.reason = reason
        self.field = field
        self.message = message
    }

    public var description: String { "\(field): \(message)" }
}

extension StatusError {
    /// One 422 for all errors of an object: `Pod "x" is invalid: spec.containers: Required value`.
    public static func invalid(_ kind: Kind, name: String, errors: [FieldError]) -> StatusError {
        let list = errors.count == 1 ? errors[0].description : "[" + errors.map(\.description).joined(separator: ", ") + "]"
        var details: JSON = ["name": .string(name)]
        if !kind.group.isEmpty { details["group"] = .string(kind.group) }
        details["kind"] = .string(kind.kind)
        details["causes"] = .array(
            errors.map { ["reason": .string($0.reason.rawValue), "message": .string($0.message), "field": .string($0.field)] })
        return StatusError(.invalid, "\(kind.qualifiedName) \"\(name)\" is invalid: \(list)", details: details)
    }
}
