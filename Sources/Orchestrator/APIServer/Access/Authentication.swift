import HTTP
import Objects

/// Who asks.
public struct UserInfo: Hashable, Sendable {
    public var name: String
    public var groups: [String]
    public init(name: String, groups: [String]) {
        self.name = name
        self.groups = groups
    }
}

/// Who may come in: bearer tokens and verified client certificates.
struct Authenticator: Sendable {
    let tokens: [(token: [UInt8], user: UserInfo)]

    init(tokens: [String: UserInfo]) {
        self.tokens = tokens.filter { !$0.key.isEmpty }.map { (Array($0.key.utf8), $0.value) }
    }

    /// - Throws: 401 without valid credentials.
    func user(of request: HTTPRequest) throws(StatusError) -> UserInfo {
        if let token = Self.bearerToken(request) {
            guard let user = user(token: token) else { throw Self.unauthorized }
            return user
        }
        guard let client = request.client, !client.commonName.isEmpty else { throw Self.unauthorized }
        return UserInfo(name: client.commonName, groups: client.organizations + ["system:authenticated"])
    }

    static let unauthorized = StatusError(.unauthorized, "Unauthorized")

    private static func bearerToken(_ request: HTTPRequest) -> String? {
        guard let field = request.fields["Authorization"] else { return nil }
        let parts = field.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
        return parts[1].trimmingSpaces()
    }

    private func user(token: String) -> UserInfo? {
        let given = Array(token.utf8)
        var found: UserInfo?
        // All are compared, so that the time does not tell which one was close.
        for known in tokens where constantTimeEqual(given, known.token) { found = known.user }
        return found
    }
}

/// Compares without stopping at the first difference. The length is no secret.
func constantTimeEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    guard left.count == right.count else { return false }
    var difference: UInt8 = 0
    for position in left.indices { difference |= left[position] ^ right[position] }
    return difference == 0
}
