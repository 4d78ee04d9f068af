import Objects

/// What a request wants to do, as a rule of RBAC sees it.
public struct AccessRequest: Hashable, Sendable {
    public var user: UserInfo
    public var verb: String
    public var group: String
    public var resource: String
    public var subresource: String?
    public var namespace: String?
    public var name: String?
    /// For what is no resource: `/metrics`.
    public var path: String?
}

/// Decides what an authenticated user may do.
public protocol Authorizer: Sendable {
    /// Nil allows; otherwise the reason that the 403 gives.
    func refusal(_ request: AccessRequest) async -> String?
}

/// Everyone who has credentials may do everything: the credentials of this issue are the administrator's.
public struct AllowAuthenticated: Authorizer {
    public init() {}
    public func refusal(_ request: AccessRequest) async -> String? { nil }
}
