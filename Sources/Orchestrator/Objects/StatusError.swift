import JSON

/// A failure as the Kubernetes API words it: an HTTP code, a machine-readable reason, and a sentence.
public struct StatusError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Reason: String, Sendable {
        case badRequest = "BadRequest"
        case unauthorized = "Unauthorized"
        case forbidden = "Forbidden"
        case notFound = "NotFound"
        case methodNotAllowed = "MethodNotAllowed"
        case notAcceptable = "NotAcceptable"
        case alreadyExists = "AlreadyExists"
        case conflict = "Conflict"
        case expired = "Expired"
        case requestEntityTooLarge = "RequestEntityTooLarge"
        case unsupportedMediaType = "UnsupportedMediaType"
        case invalid = "Invalid"
        case tooManyRequests = "TooManyRequests"
        case internalError = "InternalError"
        case serviceUnavailable = "ServiceUnavailable"
        case timeout = "Timeout"

        public var code: Int {
            switch self {
            case .badRequest: 400
            case .unauthorized: 401
            case .forbidden: 403
            case .notFound: 404
            case .methodNotAllowed: 405
            case .notAcceptable: 406
            case .alreadyExists, .conflict: 409
            case .expired: 410
            case .requestEntityTooLarge: 413
            case .unsupportedMediaType: 415
            case .invalid: 422
            case .tooManyRequests: 429
            case .internalError: 500
            case .serviceUnavailable: 503
            case .timeout: 504
            }
        }
    }

    public var reason: Reason
    public var message: String
    /// `name`, `group`, `kind`, `uid`, `causes`, `retryAfterSeconds`; null if there is nothing to add.
    public var details: JSON

    public init(_ reason: Reason, _ message: String, details: JSON = .null) {
        self.reason = reason
        self.message = message
        self.details = details
    }

    public var code: Int { reason.code }
    public var description: String { message }

    /// The `Status` object that goes over the wire.
    public var status: JSON {
        var status: JSON = [
            "kind": "Status", "apiVersion": "v1", "metadata": [:], "status": "Failure", "message": .string(message),
            "reason": .string(reason.rawValue),
        ]
        if !details.isNull { status["details"] = details }
        status["code"] = JSON(code)
        return status
    }

    public static func notFound(_ resource: Resource, _ name: String) -> StatusError {
        StatusError(.notFound, "\(resource) \"\(name)\" not found", details: details(resource, name))
    }
    public static func alreadyExists(_ resource: Resource, _ name: String) -> StatusError {
        StatusError(.alreadyExists, "\(resource) \"\(name)\" already exists", details: details(resource, name))
    }
    public static func conflict(_ resource: Resource, _ name: String) -> StatusError {
        StatusError(
            .conflict,
            "Operation cannot be fulfilled on \(resource) \"\(name)\": the object has been modified; "
                + "please apply your changes to the latest version and try again",
            details: details(resource, name))
    }

    private static func details(_ resource: Resource, _ name: String) -> JSON {
        var details: JSON = ["name": .string(name)]
        if !resource.group.isEmpty { details["group"] = .string(resource.group) }
        details["kind"] = .string(resource.name)
        return details
    }
}
