import HTTP

/// Lets through who knows the token (RFC 6750): `Authorization: Bearer TOKEN`. Everybody else gets 401.
public struct BearerGate: HTTPHandler {
    private let token: [UInt8]
    private let handler: any HTTPHandler
    /// Paths that need no token, such as a liveness check's.
    private let open: Set<String>

    public init(token: String, open: Set<String> = ["/healthz"], _ handler: any HTTPHandler) {
        self.token = Array(token.utf8)
        self.open = open
        self.handler = handler
    }

    public func respond(to request: HTTPRequest) async -> HTTPResponse {
        if open.contains(request.path) || isKnown(request) { return await handler.respond(to: request) }
        var response = HTTPResponse.text("401 Unauthorized: send the header \"Authorization: Bearer TOKEN\"\n", status: 401)
        response.fields["WWW-Authenticate"] = "Bearer realm=\"binnacle\""
        return response
    }

    private func isKnown(_ request: HTTPRequest) -> Bool {
        guard let field = request.fields["Authorization"], field.count > 7, field.prefix(7).lowercased() == "bearer " else { return false }
        let given = Array(field.dropFirst(7).drop { $0 == " " }.utf8)
        // Every byte is looked at, so that the time tells nothing of how many were right.
        var difference = UInt8(given.count == token.count ? 0 : 1)
        for (index, byte) in token.enumerated() { difference |= byte ^ (index < given.count ? given[index] : 0) }
        return difference == 0
    }
}
